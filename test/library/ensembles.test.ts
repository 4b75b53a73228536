import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Json } from '../../src/events/values.ts'
import { evaluateValidation } from '../../src/graph/validation.ts'
import { createEmbedded } from '../../src/providers/embedded.ts'
import { createScripted } from '../../src/providers/scripted.ts'
import { parseScript } from '../../src/providers/scripted-schema.ts'
import { readDocument, readLibraryEnsemble, runLibraryEnsemble } from './run-library.ts'

const ENSEMBLES = [
  { name: 'document-brief', document: 'payout-incident.md', last: 'brief' },
  { name: 'code-review', document: 'example.diff', last: 'review' },
  { name: 'decision-check', document: undefined, last: 'recommendation' },
]

describe.each(ENSEMBLES)('the shipped ensemble $name', ({ name, document, last }) => {
  const ensemble = readLibraryEnsemble(name)
  const input = document === undefined ? (ensemble.default_task ?? '') : readDocument(document)

  const validate = (results: Record<string, Json>) =>
    evaluateValidation(ensemble.validation ?? {}, {
      results,
      execution_order: Object.keys(results),
      execution_time: 1,
      agent_outputs: results,
      ensemble_name: ensemble.name,
    }).filter(({ passed }) => passed !== true)

  test('names itself, explains itself, works without input and checks itself', () => {
    expect(ensemble.name).toBe(name)
    expect(ensemble.description).toMatch(/.{20}/)
    expect(ensemble.default_task).toMatch(/.{20}/)
    expect(ensemble.validation?.structural?.required_agents).toEqual(ensemble.agents.map((agent) => agent.name))
    expect(ensemble.agents.at(-1)?.depends_on.map(({ step }) => step)).toEqual(
      ensemble.agents.slice(0, -1).map((agent) => agent.name),
    )
  })

  test('answers from a script: the last agent is given every report', async () => {
    const path = join(import.meta.dirname, 'fixtures', `${name}.scripted.yaml`)
    const scripted = createScripted(parseScript(parse(readFileSync(path, 'utf8')), path))
    const results = await runLibraryEnsemble(ensemble, input, scripted)
    expect(validate(results)).toEqual([])
    expect(results[last]).not.toBe('')
  })

  test.each([
    ['its document', input],
    ['its own example', ensemble.default_task ?? ''],
  ])('works without any model on %s', async (_, text) => {
    const results = await runLibraryEnsemble(ensemble, text, createEmbedded())
    expect(validate(results)).toEqual([])
    expect(results[last]).toMatch(/^\[embedded: extractive, not a language model\]/)
    expect(results[last]).toMatch(/^- .*".+" \(.+\)$/m)
  })
})
