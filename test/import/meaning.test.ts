import { expect, test } from 'vitest'
import type { RunResult } from '../../src/app/runs.ts'
import { hasPython, importInto, makeWorkshop, runImported } from './imports.ts'

async function runOne(source: string, path: string, input: string): Promise<RunResult> {
  const shop = makeWorkshop()
  await importInto(shop, source)
  return runImported(shop, path, input)
}

const statuses = ({ report }: RunResult) => Object.fromEntries(report.agents.map(({ name, status }) => [name, status]))
const outputs = ({ report }: RunResult) => Object.fromEntries(report.agents.map(({ name, output }) => [name, output]))

test.each([
  ['{"letter": "about money", "count": 9}', 'bill_desk'],
  ['{"letter": "hello", "count": 9}', 'fast_desk'],
  ['{"letter": "urgent"}', 'fast_desk'],
  ['{"letter": "hello"}', 'other_desk'],
])('Dify: %s takes the way of its first case that holds', async (input, desk) => {
  const run = await runOne('dify/branch.yml', 'ensembles/branch.yaml', input)
  const desks = Object.entries(statuses(run)).filter(([name]) => /^\w+_desk$/.test(name))
  expect(desks.filter(([, status]) => status === 'succeeded').map(([name]) => name)).toEqual([desk])
  expect(desks.filter(([, status]) => status === 'skipped')).toHaveLength(2)
  expect(outputs(run)['gather']).toBe(outputs(run)[desk])
  expect(String(outputs(run)['polish'])).toContain('Polish: [openai-gpt-4o]')
})

test.runIf(hasPython)(
  'Dify: code in Python and JavaScript computes what it did, and its values reach prompts and ends',
  async () => {
    const run = await runOne('dify/code.yml', 'ensembles/count.yaml', '{"text": "one two three four"}')
    expect(outputs(run)).toMatchObject({ count_words: { words: 4, long: true }, double: { twice: 8 } })
    expect(outputs(run)['say']).toBe('[openai-gpt-4o] It has 4 words, at most 3 are wanted; twice is 8.')
    expect(outputs(run)['long_end']).toEqual({ said: outputs(run)['say'], words: 4 })
    expect(statuses(run)['short_end']).toBe('skipped')
  },
)

test.runIf(hasPython)(
  'promptflow: a node whose condition does not hold is passed by, and the next one reads the other',
  async () => {
    const run = await runOne('promptflow/branch', 'ensembles/branch.yaml', '')
    expect(statuses(run)).toMatchObject({ short_answer: 'succeeded', long_answer: 'skipped', join: 'succeeded' })
    expect(outputs(run)['join']).toBe(`${String(outputs(run)['short_answer'])}\n`)
  },
)

test.runIf(hasPython)('promptflow: templates are filled as Jinja would, and outputs have their names', async () => {
  const run = await runOne('promptflow/chain', 'ensembles/chain.yaml', '')
  expect(outputs(run)['examples']).toBe('1. NEWS (reads)\n2. SHOP (buys)\n\n')
  expect(outputs(run)['outputs']).toEqual({ category: outputs(run)['classify'], shout: outputs(run)['frame'] })
  expect(outputs(await runOne('promptflow/score', 'ensembles/score.yaml', ''))['outputs']).toEqual({
    score: { same: false, note: 'different' },
    same: false,
  })
  expect(outputs(await runOne('promptflow/fields', 'ensembles/fields.yaml', ''))['outputs']).toEqual({ name: 'Ada' })
})

test('CrewAI: placeholders are filled from the input, braces of other kinds stay', async () => {
  const run = await runOne('crewai/research', 'ensembles/research.yaml', '{"topic": "tides", "year": 2026}')
  expect(outputs(run)['research_task']).toBe(
    '[default] Collect five facts about tides as of 2026. Expected answer: A list ...',
  )
  const braces = await runOne('crewai/braces', 'ensembles/braces.yaml', '{"customer": "Ada"}')
  expect(outputs(braces)['format_task']).toBe(
    '[default] Write the order of Ada as {"customer": "...", "items": []}. Expected answer: ...',
  )
})

test('cagent: the lead answers last, and a schema makes data of its answer', async () => {
  const run = await runOne('cagent/deep.yaml', 'ensembles/deep.yaml', 'Hello')
  expect(run.report.order.filter((name) => !name.includes('/')).at(-1)).toBe('lead')
  expect(outputs(await runOne('cagent/structured.yaml', 'ensembles/structured.yaml', 'A bill'))['root']).toEqual({
    total: 12.5,
    currency: 'EUR',
  })
})

test('a task graph keeps its edges and its checks', async () => {
  const run = await runOne('other/plan.json', 'ensembles/plan.yaml', 'A day out')
  expect(run.status).toBe('succeeded')
  expect(statuses(run)).toMatchObject({ a: 'succeeded', b: 'succeeded', c: 'succeeded', d: 'succeeded' })
})
