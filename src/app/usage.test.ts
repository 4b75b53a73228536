import { expect, test } from 'vitest'
import { makeRandomRun, planned, SampleJournal, seedRandom } from '../events/views/sample-events.ts'
import { USAGE_SPLITS, UsageSheet } from './usage.ts'

const SUMS = ['calls', 'failed_calls', 'cached_calls', 'input', 'output', 'unmetered', 'unpriced', 'cost'] as const

function spend(name: string, { status, cost }: { readonly status: 'succeeded' | 'failed'; readonly cost: number }) {
  const at = { provider: 'p', model: 'm' }
  const journal = new SampleJournal()
    .start([planned('a'), planned('a[0]')], { name })
    .begin('a')
    .route('a', at)
  return journal.call('a', { cost, input: 10, output: 2 }).finish('a').end(status).events
}

test('U16: the sum over any split is the total, whatever the runs are', () => {
  const runs = Array.from({ length: 60 }, (_, seed) => makeRandomRun(seedRandom(seed + 1_000)))
  const totals = USAGE_SPLITS.map((by) => {
    const sheet = new UsageSheet({ by })
    for (const run of runs) sheet.addRun(run)
    const { lines, total } = sheet.report()
    for (const key of SUMS) expect(lines.reduce((sum, line) => sum + (line[key] ?? 0), 0)).toBe(total[key] ?? 0)
    return total
  })
  for (const total of totals) expect(total).toEqual(totals[0])
})

test('I09: each ensemble with its success rate, mean cost and mean duration', () => {
  const sheet = new UsageSheet({ by: 'ensemble' })
  sheet.addRun(spend('x', { status: 'succeeded', cost: 30 }))
  sheet.addRun(spend('x', { status: 'failed', cost: 10 }))
  sheet.addRun(spend('y', { status: 'succeeded', cost: 1 }))
  const { lines, total } = sheet.report()
  expect(lines.map(({ key }) => key)).toEqual(['x', 'y'])
  expect(lines[0]).toMatchObject({ runs: 2, succeeded: 1, success_rate: 0.5, mean_cost: 20, calls: 2, cost: 40 })
  expect(lines[0]?.mean_ms).toBeGreaterThan(0)
  expect(total).toMatchObject({ runs: 3, cost: 41 })
})

test('I08: items and rounds belong to their agent; other ensembles and times are left out', () => {
  const journal = new SampleJournal().start([planned('a'), planned('a[0]'), planned('b#2/c')]).begin('a')
  for (const step of ['a', 'a[0]', 'b#2/c']) journal.call(step, { cost: 2, input: 1, output: 1 })
  const linesOf = (query: object) => {
    const sheet = new UsageSheet({ by: 'agent', ...query })
    sheet.addRun(journal.events)
    return sheet.report().lines.map(({ key, cost }) => [key, cost])
  }
  expect(linesOf({})).toEqual([
    ['demo/a', 4],
    ['demo/b', 2],
  ])
  expect(linesOf({ ensemble: 'other' })).toEqual([])
  expect(linesOf({ since: (journal.events.at(-1)?.at ?? 0) + 1 })).toEqual([])
})
