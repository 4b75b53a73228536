import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../events/values.ts'
import { findMismatches } from '../../graph/json-schema.ts'
import { tameSchema } from './schema.ts'

function tame(schema: object): JsonObject {
  const tamed = tameSchema(schema)
  if ('refused' in tamed) throw new Error(tamed.refused)
  return tamed.schema
}

/** Data in which every object has itself below each of the keys, so many levels deep. */
function nest(keys: readonly string[], levels: number): Json {
  return levels === 0 ? {} : Object.fromEntries(keys.map((key) => [key, nest(keys.slice(0, 1), levels - 1)]))
}

describe('schemas from outside', () => {
  test('an ordinary schema stays what it is', () => {
    const schema = {
      type: 'object',
      description: 'Adds',
      properties: { a: { type: 'integer', minimum: 0 }, b: { oneOf: [{ const: 1 }, { type: 'string', enum: ['x'] }] } },
      required: ['a'],
      additionalProperties: false,
    }
    expect(tame(schema)).toEqual(schema)
  })

  test('a tree that refers to itself stays a tree', () => {
    const node = {
      type: 'object',
      properties: { name: { type: 'string' }, kids: { type: 'array', items: { $ref: '#' } } },
      required: ['name'],
    }
    expect(tame(node)).toEqual(node)
    expect(findMismatches(tame(node), { name: 'a', kids: [{ name: 'b' }, { kids: [] }] })).toHaveLength(1)
  })

  test('B14 what would take forever is left out, and only ever allows more', () => {
    const twice = [{ properties: { a: { $ref: '#' } } }, { properties: { a: { $ref: '#' } } }]
    const greedy: readonly object[] = [
      { type: 'object', allOf: twice },
      { type: 'object', anyOf: [{ properties: { a: { $ref: '#' } } }, { additionalProperties: { $ref: '#' } }] },
      { type: 'object', properties: { a: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } } },
      {
        type: 'object',
        $defs: { x: { allOf: [{ $ref: '#/$defs/y' }] }, y: { $ref: '#/$defs/x' } },
        properties: { a: { $ref: '#/$defs/x' } },
      },
      { type: 'object', $ref: '#' },
    ]
    const deep = nest(['a'], 60)
    for (const schema of greedy) {
      const began = performance.now()
      expect(findMismatches(tame(schema), deep)).toEqual([])
      expect(performance.now() - began).toBeLessThan(2000)
    }
  })

  test('where leaving out would forbid more, the whole condition goes', () => {
    expect(tame({ type: 'object', not: { properties: { a: { pattern: 'x' } }, required: ['a'] } })).toEqual({
      type: 'object',
    })
    const loose = tame({ type: 'object', properties: { a: { oneOf: [{ pattern: '^x' }, { pattern: '^y' }] } } })
    expect(findMismatches(loose, { a: 'xy' })).toEqual([])
    const patterned = tame({
      type: 'object',
      patternProperties: { '^x-': { type: 'string' } },
      additionalProperties: false,
    })
    expect(findMismatches(patterned, { 'x-a': '1' })).toEqual([])
    const conditional = tame({
      type: 'object',
      if: { properties: { a: { pattern: '^x' } } },
      then: { required: ['b'] },
    })
    expect(findMismatches(conditional, { a: 'y' })).toEqual([])
  })

  test('references that lead out or nowhere, and names that are no names', () => {
    const given = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"a":{"$ref":"https://x.example/s"},"b":{"$ref":"#/none"},"c":{"$ref":"other.json#/a"}}}',
    ) as object
    expect(tame(given)).toEqual({ type: 'object', properties: { a: {}, b: {}, c: {} } })
  })

  test('too large, too deep, unfolding without end: refused', () => {
    let deep: object = {}
    for (let n = 0; n < 40; n += 1) deep = { items: deep }
    const wide = Object.fromEntries(Array.from({ length: 6000 }, (_, n) => [`p${n}`, {}]))
    const levels = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [
        `l${n}`,
        { properties: { x: { $ref: `#/$defs/l${n + 1}` }, y: { $ref: `#/$defs/l${n + 1}` } } },
      ]),
    )
    for (const schema of [
      deep,
      { properties: wide },
      { $ref: '#/$defs/l0', $defs: { ...levels, l30: {} } },
      { enum: ['x'.repeat(6_000_000)] },
    ])
      expect(tameSchema(schema)).toHaveProperty('refused')
    for (const schema of [null, 5, 'x', []]) expect(tameSchema(schema)).toHaveProperty('refused')
  })

  test('whatever is given, what comes out can be checked against', { timeout: 30_000 }, () => {
    const keyword = fc.constantFrom(
      'type',
      'properties',
      'items',
      'anyOf',
      'allOf',
      'not',
      '$ref',
      'required',
      'enum',
      'if',
      'pattern',
      '$defs',
      'minItems',
      'prefixItems',
      'additionalProperties',
      'dependentSchemas',
    )
    const { schema } = fc.letrec<{ schema: unknown; value: unknown }>((tie) => ({
      schema: fc.dictionary(keyword, tie('value'), { maxKeys: 4 }),
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>('object', '#', '#/$defs/a', 5, true, null, [], ['a'], {}),
        tie('schema'),
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b'), tie('schema'), { maxKeys: 2 }),
      ),
    }))
    const data = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<Json>
    fc.assert(
      fc.property(schema, data, (given, value) => {
        const tamed = tameSchema(given)
        if ('schema' in tamed) expect(Array.isArray(findMismatches(tamed.schema, value))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
