import { expect, test } from 'vitest'
import type { EventData } from '../event.ts'
import { BUDGET_KEY } from '../money.ts'
import { addRecoveries, describeRecovery, listRecoveries, type RecoveryCount, recoveryView } from './recovery.ts'
import { inline, planned, SampleJournal } from './sample-events.ts'
import { foldEvents } from './view.ts'

const begin = () => new SampleJournal().start([planned('a'), planned('b')]).begin('a')

function intend(journal: SampleJournal, key = 'a/model', redo?: number): SampleJournal {
  const data = { step: 'a', attempt: 1, key, kind: 'model', safety: 'billable' as const, request: inline('go') }
  return journal.add('effect-intended', { ...data, ...(redo === undefined ? {} : { redo }) })
}

function fail(journal: SampleJournal, more: Partial<EventData['effect-failed']> = {}): SampleJournal {
  const failure = { key: 'a/model', code: 'provider_error', message: '', touched: 'yes', retry: true } as const
  return journal.add('effect-failed', { ...failure, ...more })
}

const done = (journal: SampleJournal, key = 'a/model') => journal.add('effect-done', { key, answer: inline(1) })
const tell = ({ events }: SampleJournal) =>
  listRecoveries(foldEvents(recoveryView, events)).map(({ code, action, tried, succeeded, failed }) => [
    `${code} ${action}`,
    tried,
    succeeded,
    failed,
  ])

test('repetitions of the engine, at once and when the provider says so', () => {
  const journal = fail(intend(begin()))
  fail(intend(journal, 'a/model', 1), { code: 'rate_limited', retry_after_ms: 5 })
  done(intend(journal, 'a/model', 2))
  expect(tell(journal)).toEqual([
    ['provider_error retry', 1, 0, 1],
    ['rate_limited wait', 1, 1, 0],
  ])
})

test('what is not repeated, or only after a crash, mends nothing', () => {
  const journal = fail(intend(begin()), { retry: false })
  intend(journal, 'a/other')
  done(intend(journal, 'a/other', 1), 'a/other')
  expect(tell(journal)).toEqual([])
})

test('other models: each one until the next, or the end of the step', () => {
  const route = (because: string) => ({
    step: 'a',
    attempt: 1,
    n: 1,
    facts: { reason: 'fallback', from: 'p', because },
  })
  const journal = begin().add('step-routed', { step: 'a', attempt: 1, n: 1, facts: { reason: 'configured' } })
  journal.add('step-routed', route('provider_auth')).add('step-routed', route('output_invalid'))
  const failed = new SampleJournal()
  failed.events.push(...journal.events)
  journal.finish('a', 'x')
  failed.fail('a', {})
  expect(tell(journal)).toEqual([
    ['output_invalid fallback', 1, 1, 0],
    ['provider_auth fallback', 1, 0, 1],
  ])
  expect(tell(failed)).toEqual([
    ['output_invalid fallback', 1, 0, 1],
    ['provider_auth fallback', 1, 0, 1],
  ])
})

test('a request that was made smaller is judged by its own answer', () => {
  const note = { step: 'a', attempt: 1, n: 1, facts: { about: 'recovery', code: 'context_overflow', action: 'shrink' } }
  const journal = fail(intend(begin()), { code: 'context_overflow', retry: false }).add('note-written', note)
  fail(intend(journal, 'a/model~1'), { key: 'a/model~1', code: 'context_overflow', retry: false })
  done(intend(journal.add('note-written', note), 'a/model~2'), 'a/model~2')
  expect(tell(journal)).toEqual([['context_overflow shrink', 2, 1, 1]])
})

test('people: about effects nobody knows of, and about money', () => {
  const journal = intend(begin()).add('effect-unknown', { key: 'a/model', step: 'a' })
  done(journal)
  intend(journal, 'a/two').add('effect-unknown', { key: 'a/two', step: 'a' })
  done(intend(journal, 'a/two', 1), 'a/two')
  journal.add('approval-requested', { step: 'a', key: BUDGET_KEY, request: inline(1), grant: {} })
  expect(tell(journal)).toEqual([
    ['budget_exhausted ask', 1, 0, 0],
    ['effect_unknown ask', 1, 1, 0],
    ['effect_unknown retry', 1, 1, 0],
  ])
  journal.add('approval-denied', { step: 'a', key: BUDGET_KEY, request: '', reason: 'no' })
  expect(tell(journal)[0]).toEqual(['budget_exhausted ask', 1, 0, 1])
})

test('several runs are added up, and each count is told in words', () => {
  const sum = new Map<string, RecoveryCount>()
  const count = { code: 'rate_limited', action: 'wait', tried: 2, succeeded: 1, failed: 1 } as const
  addRecoveries(sum, [count])
  addRecoveries(sum, [count, { ...count, action: 'fallback', tried: 1, failed: 0 }])
  expect([...sum.values()].map(describeRecovery)).toEqual([
    'rate_limited: waited and asked again 4 times, 2 helped',
    'rate_limited: asked another model once, which helped',
  ])
})
