import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Json } from '../events/values.ts'
import { parseEnsemble } from './ensemble-parse.ts'
import { findMismatches, findUnsupported } from './json-schema.ts'
import { evaluateValidation, parseThreshold, type ValidationRecord } from './validation.ts'

const record: ValidationRecord = {
  results: { a: { success: true, n: 3 }, b: { success: false, error: 'no' }, c: 'text' },
  execution_order: ['a', 'b', 'c'],
  execution_time: 2,
  agent_outputs: {},
  ensemble_name: 'demo',
}

test('structural: agents that must have run, and times', () => {
  const structural = { required_agents: ['a', 'zz'], max_execution_time: 1, min_execution_time: 0.5 }
  expect(evaluateValidation({ structural }, record)).toEqual([
    { layer: 'structural', name: 'required_agents', passed: false, message: 'did not run: zz' },
    { layer: 'structural', name: 'max_execution_time', passed: false, message: 'took 2 s, at most 1 s allowed' },
    { layer: 'structural', name: 'min_execution_time', passed: true, message: 'took 2 s, at least 0.5 s wanted' },
  ])
})

test('schema: required fields and JSON Schema over the parsed output', () => {
  const schema = [
    {
      agent: 'a',
      required_fields: ['success', 'n'],
      output_schema: { type: 'object', properties: { n: { type: 'string' } } },
    },
    { agent: 'b', required_fields: ['success', 'data'] },
    { agent: 'c', required_fields: ['x'] },
    { agent: 'zz', required_fields: ['x'] },
    { agent: 'a', output_schema: 'FileOutput' },
  ]
  expect(evaluateValidation({ schema }, record).map(({ name, passed, message }) => [name, passed, message])).toEqual([
    ['a', true, 'has all required fields'],
    ['a', false, 'n should be string, not integer'],
    ['b', false, 'lacks data'],
    ['c', false, 'the output is not an object'],
    ['zz', false, 'the agent has no output'],
    ['a', null, 'not evaluated: "FileOutput" names a schema outside the file'],
  ])
})

test('behavioral: assertions that hold, do not hold, or cannot be computed', () => {
  const behavioral = [
    { name: 'order', assertion: "execution_order.index('a') < execution_order.index('b')" },
    { name: 'all', description: 'everything works', assertion: "all(results[a]['success'] for a in ['a', 'b'])" },
    { name: 'typo', assertion: "results['x']['success']" },
    { name: 'meta', assertion: "ensemble_name == 'demo' and execution_time < 3 and agent_outputs == {}" },
  ]
  expect(evaluateValidation({ behavioral }, record).map(({ name, passed }) => [name, passed])).toEqual([
    ['order', true],
    ['all', false],
    ['typo', false],
    ['meta', true],
  ])
  expect(evaluateValidation({ behavioral }, record)[1]?.message).toContain('everything works: does not hold')
})

test('quantitative and semantic', () => {
  const answers = evaluateValidation(
    {
      quantitative: [
        { metric: 'execution_time', threshold: '< 30' },
        { metric: 'agent_count', threshold: '>=4' },
        { metric: 'agent_count', threshold: 'many' },
      ],
      semantic: { enabled: true, criteria: ['clear'] },
    },
    record,
  )
  expect(answers.map(({ passed }) => passed)).toEqual([true, false, false, null])
  expect(evaluateValidation({ semantic: { enabled: false } }, record)).toEqual([])
  expect(parseThreshold(' <= 1.5 ')).toEqual({ sign: '<=', limit: 1.5 })
})

describe('the part of JSON Schema', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: { type: 'integer', minimum: 1, maximum: 9 },
      kind: { enum: ['x', ['y']] },
      list: {
        type: 'array',
        minItems: 1,
        maxItems: 2,
        items: { type: ['string', 'null'], maxLength: 2, minLength: 1 },
      },
      fixed: { const: { a: 1 } },
    },
  }

  test('values that follow, and every kind of mismatch', () => {
    expect(findMismatches(schema, { id: 3, kind: ['y'], list: ['ab', null], fixed: { a: 1 } })).toEqual([])
    expect(findMismatches(schema, { id: 1.5, kind: 'z', list: ['abc', '', 1], fixed: {}, more: 1 })).toHaveLength(8)
    expect(findMismatches(schema, { id: 0 })).toEqual(['id is below 1'])
    expect(findMismatches(schema, { id: 10 })).toEqual(['id is above 9'])
    expect(findMismatches(schema, [])).toEqual(['the output should be object, not array'])
    expect(findMismatches(schema, {})).toEqual(['the output lacks id'])
  })

  test('what is not checked is named', () => {
    expect(findUnsupported(schema)).toEqual([])
    expect(
      findUnsupported({
        title: 't',
        properties: { a: { pattern: 'x' }, b: true, c: 1, d: { $ref: '#/$defs/c' }, e: { $ref: 'https://x/#' } },
        items: { $ref: '#' },
        allOf: [{ format: 'regex' }, 'x'],
        minimum: '1',
        type: 'text',
        toString: 1,
      }),
    ).toEqual([
      'properties.a.pattern',
      'properties.c',
      'properties.d.$ref',
      'properties.e.$ref',
      'allOf[0].format',
      'allOf[1]',
      'minimum',
      'type',
      'toString',
    ])
  })

  test('forms that hold schemas: references, choices, the rest of the keys', () => {
    const rich = {
      type: 'object',
      properties: {
        next: { $ref: '#' },
        kind: { anyOf: [{ $ref: '#/$defs/word' }, { type: 'null' }] },
        one: { oneOf: [{ minimum: 1 }, { maximum: 5 }] },
        day: { format: 'date' },
        no: { not: { const: 0 } },
      },
      additionalProperties: { type: 'integer' },
      $defs: { word: { type: 'string', minLength: 2 } },
    }
    expect(findUnsupported(rich)).toEqual([])
    expect(findMismatches(rich, { next: { kind: 'ab', next: {} }, kind: null, day: '2026-02-28', more: 1 })).toEqual([])
    expect(findMismatches(rich, { next: { kind: 'a', more: 'x' }, one: 3, day: '2026-02-30', no: 0 })).toEqual([
      'next.kind follows none of the possible forms',
      'next.kind is shorter than 2',
      'next.kind should be null, not string',
      'next.more should be integer, not string',
      'one should follow exactly one of the possible forms',
      'day should be a date',
      'no is of a form that is ruled out',
    ])
  })

  test('a schema that refers to itself without end is a mismatch, not a crash', () => {
    const endless = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }
    expect(findMismatches(endless, 1)).toEqual(['the schema refers to itself without end'])
  })
})

const samples = join(import.meta.dirname, '../../../shared/samples/llm-orc/.llm-orc/ensembles/validation')
const found = existsSync(samples)
if (!found) console.warn(`SKIPPED: the sample validations are not at ${samples}`)

test.skipIf(!found)('the checks of the sample ensembles hold over the outputs their scripts give', () => {
  const outputs: { readonly [script: string]: (parameters: { readonly [key: string]: Json }) => Json } = {
    'read_file.py': ({ path }) =>
      String(path).startsWith('/nonexistent')
        ? { success: false, error: 'no file', path: path ?? '' }
        : { success: true, content: 'x', path: path ?? '' },
    'write_file.py': ({ path }) => ({ success: true, path: path ?? '', size: 1 }),
    'replicate_n_times.py': ({ replications }) => ({
      success: true,
      replications: Array(Number(replications)).fill({}),
    }),
    'json_extract.py': ({ json_data, fields }) => {
      if (!String(json_data).startsWith('{"')) return { success: false, error: 'not JSON' }
      const data = JSON.parse(String(json_data)) as { [key: string]: Json }
      const extracted = Object.fromEntries((fields as string[]).map((field) => [field, data[field] ?? null]))
      return {
        success: true,
        extracted,
        missing_fields: [],
        total_fields: 3,
        extracted_count: Object.keys(extracted).length,
      }
    },
  }
  const files = globSync('**/*.yaml', { cwd: samples })
  expect(files.length).toBeGreaterThanOrEqual(4)
  let checks = 0
  for (const file of files) {
    const { ensemble } = parseEnsemble(readFileSync(join(samples, file), 'utf8'), file)
    const results = Object.fromEntries(
      (ensemble?.agents ?? []).map((agent) => {
        const script = agent.script?.split('/').at(-1) ?? ''
        return [agent.name, outputs[script]?.(agent.parameters ?? {}) ?? null]
      }),
    )
    const answers = evaluateValidation(ensemble?.validation ?? {}, {
      results,
      execution_order: Object.keys(results),
      execution_time: 1,
      agent_outputs: results,
      ensemble_name: ensemble?.name ?? '',
    })
    checks += answers.length
    expect(
      answers.filter((answer) => answer.passed !== true),
      file,
    ).toEqual([])
  }
  expect(checks).toBeGreaterThan(40)
})
