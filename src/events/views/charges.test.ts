import { expect, test } from 'vitest'
import { type Charge, listCharges } from './charges.ts'
import { inline, makeRandomRun, planned, SampleJournal, seedRandom } from './sample-events.ts'
import { createSpending, describeSpending, noteSpending } from './spending.ts'
import { addSpent, emptySpent, usageView } from './usage.ts'
import { foldEvents } from './view.ts'

const begin = () =>
  new SampleJournal()
    .start([planned('a'), planned('b')])
    .begin('a')
    .route('a', { provider: 'p', model: 'm' })
const sumOf = (charges: readonly Charge[]) => {
  const sum = emptySpent()
  for (const { spent } of charges) addSpent(sum, spent)
  return sum
}
const failed = { key: 'k', code: 'c', message: 'm', touched: 'maybe', retry: true } as const
const reserved = (cost: number) => ({ step: 'a', key: 'k', amount: { cost, tokens: 9 }, basis: 'reserved' }) as const
const done = { key: 'k', answer: inline('x'), usage: { input: 1, output: 1 } }

test('U16: the charges of 300 random runs add up to what the usage view counts, open calls besides', () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const events = makeRandomRun(seedRandom(seed))
    const { total, open } = foldEvents(usageView(), events)
    const sum = sumOf(listCharges(events))
    expect(sum).toEqual({ ...total, unmetered: total.unmetered + open.size, unpriced: total.unpriced + open.size })
  }
})

test('a failed call that was settled as reserved is charged so, and marked estimated', () => {
  const charges = listCharges(
    begin().intend('a', 'k').add('effect-failed', failed).add('budget-settled', reserved(70)).events,
  )
  expect(sumOf(charges)).toMatchObject({ calls: 1, failed_calls: 1, cost: 70, unpriced: 0 })
  expect(charges.at(-1)).toMatchObject({ step: 'a', provider: 'p', model: 'm', estimated: 70 })
})

test('an answer with a price and without usage is settled at that price: nothing is charged twice', () => {
  const { usage: _, ...priced } = done
  const events = begin()
    .intend('a', 'k')
    .add('effect-done', { ...priced, cost: 30 })
    .add('budget-settled', reserved(30)).events
  expect(sumOf(listCharges(events))).toMatchObject({ cost: 30, unpriced: 0 })
  expect(listCharges(events).reduce((sum, { estimated }) => sum + estimated, 0)).toBe(0)
})

test('a call lost in a crash is charged as reserved once, and its redo as told', () => {
  const events = begin()
    .intend('a', 'k')
    .add('budget-settled', reserved(70))
    .add('effect-intended', {
      step: 'a',
      attempt: 1,
      key: 'k',
      kind: 'model',
      safety: 'billable',
      request: inline({}),
      redo: 1,
    })
    .add('effect-done', { ...done, cost: 5 })
    .add('budget-settled', { ...reserved(5), basis: 'told' }).events
  expect(sumOf(listCharges(events))).toMatchObject({ calls: 2, failed_calls: 1, cost: 75, unpriced: 0 })
})

test('the past that a fork shares was paid by its parent', () => {
  const change = {
    parent: 'r',
    at_seq: 3,
    parent_hash: '',
    started_by: 'cli',
    kinds: {},
    files: [],
    change: {},
  } as const
  const events = begin()
    .call('a', { cost: 50, input: 1, output: 1 })
    .add('run-forked', change)
    .call('a', { cost: 7, input: 1, output: 1 }).events
  expect(sumOf(listCharges(events))).toMatchObject({ calls: 1, cost: 7, input: 1 })
})

test('I01: a run under way says what it has spent, and of how much', () => {
  const spending = createSpending()
  const tell = (journal: SampleJournal) => journal.events.forEach((event) => noteSpending(spending, event))
  tell(begin())
  expect(describeSpending(spending)).toEqual([])
  tell(new SampleJournal().add('effect-done', { ...done, cost: 2_000_000 }))
  expect(describeSpending(spending)).toEqual(['$0.002', '2 tokens'])
  Object.assign(spending, { max_cost: 500_000_000 })
  tell(new SampleJournal().add('effect-done', done))
  expect(describeSpending(spending)).toEqual(['at least $0.002 of $0.50', '4 tokens'])
})

test('I01: what was settled as reserved counts as spent, once', () => {
  const intended = {
    step: 'a',
    attempt: 1,
    key: 'k',
    kind: 'model',
    safety: 'billable',
    request: inline({}),
    reserved: { cost: 70, tokens: 9 },
  } as const
  const costOf = (journal: SampleJournal) => {
    const spending = createSpending()
    for (const event of journal.events) noteSpending(spending, event)
    return spending
  }
  const untold = begin().add('effect-intended', intended).add('effect-done', done).add('budget-settled', reserved(70))
  expect(costOf(untold)).toMatchObject({ cost: 70, unpriced: 0 })
  const told = begin()
    .add('effect-intended', intended)
    .add('effect-done', { ...done, cost: 30 })
    .add('budget-settled', reserved(30))
  expect(costOf(told)).toMatchObject({ cost: 30, unpriced: 0 })
})

test('a price of nothing is told as well as any other', () => {
  const charges = listCharges(begin().call('a', { cost: 0, input: 1 }).call('a', { cost: 0, input: 1 }).events)
  expect(charges.filter(({ spent }) => spent.cost === 0)).toHaveLength(2)
})
