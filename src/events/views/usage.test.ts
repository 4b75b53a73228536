import { expect, test } from 'vitest'
import { describeCost, describeTokens, formatCost, formatCount, formatDuration } from './amounts.ts'
import { inline, planned, SampleJournal } from './sample-events.ts'
import { emptySpent, usageView } from './usage.ts'
import { foldEvents } from './view.ts'

const fold = (journal: SampleJournal) => foldEvents(usageView(), journal.events)
const begin = () => new SampleJournal().start([planned('a'), planned('b')]).begin('a')

test('tokens, money and calls add up per step, model, provider and run', () => {
  const journal = begin()
    .route('a', { provider: 'x', model: 'big' })
    .call('a', { input: 10, output: 4, cost: 300 })
    .call('a', { input: 1, output: 1, cost: 5 })
    .route('b', { provider: 'x', model: 'small' })
    .call('b', { input: 2, output: 2, cost: 7 })
  const usage = fold(journal)
  expect(usage.total).toMatchObject({ calls: 3, input: 13, output: 7, cost: 312, unpriced: 0, unmetered: 0 })
  expect(usage.steps.get('a')).toMatchObject({ calls: 2, input: 11, cost: 305 })
  expect(usage.models.get('x/small')).toMatchObject({ calls: 1, cost: 7 })
  expect(usage.providers.get('x')).toMatchObject({ calls: 3, output: 7 })
})

test('unknown stays unknown: no zero for what nobody told', () => {
  const { total } = fold(begin().call('a'))
  expect(total).toEqual({ calls: 1, failed_calls: 0, cached_calls: 0, unmetered: 1, unpriced: 1 })
  expect(describeCost(total)).toBe('unknown')
  expect(describeTokens(total)).toBe('unknown')
})

test('a sum with unknown parts says at least', () => {
  const { total } = fold(begin().call('a', { input: 1200, output: 3, cost: 2_000_000 }).call('a'))
  expect(describeCost(total)).toBe('at least $0.002')
  expect(describeTokens(total)).toBe('at least 1,200 in, 3 out')
  expect(describeTokens({ ...total, cached: 1000 })).toBe('at least 1,200 in (1,000 cached), 3 out')
})

test('failed calls count with what they cost; one that never reached the server costs nothing', () => {
  const fail = { code: 'c', message: 'm', retry: true } as const
  const journal = begin()
    .intend('a', 'k')
    .add('effect-failed', { key: 'k', ...fail, touched: 'yes', cost: 9, usage: { input: 4 } })
  expect(fold(journal).total).toMatchObject({ calls: 1, failed_calls: 1, cost: 9, input: 4, unpriced: 0 })
  journal.intend('a', 'k').add('effect-failed', { key: 'k', ...fail, touched: 'no' })
  expect(fold(journal).total).toMatchObject({ calls: 2, failed_calls: 2, cost: 9, unpriced: 0 })
  journal.intend('a', 'k').add('effect-failed', { key: 'k', ...fail, touched: 'maybe' })
  expect(fold(journal).total).toMatchObject({ calls: 3, failed_calls: 3, unpriced: 1 })
})

test('a call lost in a crash and asked again is two calls, one of unknown price', () => {
  const journal = begin()
    .intend('a', 'k')
    .intend('a', 'k')
    .add('effect-done', { key: 'k', answer: inline(''), cost: 3, usage: { input: 1 } })
  expect(fold(journal).total).toMatchObject({ calls: 2, failed_calls: 1, cost: 3, unpriced: 1, unmetered: 1 })
})

test('an answer from the cache is no call and costs nothing, intent or not', () => {
  const done = { key: 'a@1/model', answer: inline(''), source: 'cache', cost: 50, usage: { input: 8 } } as const
  const { total, steps } = fold(begin().add('effect-done', done))
  expect(total).toEqual({ ...emptySpent(), cached_calls: 1 })
  expect(steps.get('a')?.cached_calls).toBe(1)
  const intended = fold(
    begin()
      .intend('a', 'k')
      .add('effect-done', { ...done, key: 'k' }),
  )
  expect(intended.total).toEqual(total)
  const script = fold(
    begin()
      .intend('a', 'k', 'script')
      .add('effect-done', { ...done, key: 'k', cost: 0 }),
  )
  expect(script.total).toEqual(total)
})

test('a breaker that refuses before the intent is no call; a tool is no model call', () => {
  const journal = begin()
    .add('effect-failed', { key: 'a/model', code: 'breaker_open', message: '', touched: 'no', retry: false })
    .intend('a', 'a/tool', 'tool')
    .add('effect-done', { key: 'a/tool', answer: inline('') })
  expect(fold(journal).total).toEqual(emptySpent())
})

test('the request says which model was asked where the route does not', () => {
  const journal = begin()
  journal.add('effect-intended', {
    step: 'a',
    attempt: 1,
    key: 'k',
    kind: 'model',
    safety: 'billable',
    request: inline({ provider: 'p', model: 'm' }),
  })
  journal.add('effect-done', { key: 'k', answer: inline(''), cost: 2 })
  expect(fold(journal).models.get('p/m')).toMatchObject({ calls: 1, cost: 2 })
})

test('amounts are written for people', () => {
  expect([0, 420, 12_340, 60_000, 184_000, 7_500_000].map(formatDuration)).toEqual([
    '0.00s',
    '0.42s',
    '12.3s',
    '1m 00s',
    '3m 04s',
    '2h 05m',
  ])
  expect([0, 1, 12_345, 1_230_000, 500_000_000, 1_234_567_890].map(formatCost)).toEqual([
    '$0',
    '$0.000000001',
    '$0.0000123',
    '$0.00123',
    '$0.50',
    '$1.23',
  ])
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567'])
})
