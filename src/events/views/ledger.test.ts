import { expect, test } from 'vitest'
import type { EventData } from '../event.ts'
import { ledgerView } from './ledger.ts'
import { inline, planned, SampleJournal } from './sample-events.ts'
import { foldEvents } from './view.ts'
import { waitsView } from './waits.ts'

const failure: EventData['effect-failed'] = {
  key: 'a/x',
  code: 'provider_busy',
  message: '',
  touched: 'no',
  retry: true,
  cost: 5,
}

function intend(journal: SampleJournal, more: Partial<EventData['effect-intended']> = {}): SampleJournal {
  const data = { step: 'a', attempt: 1, key: 'a/x', kind: 'script', safety: 'unsafe' as const, request: inline('go') }
  return journal.add('effect-intended', { ...data, ...more })
}

const begin = () => new SampleJournal().start([planned('a'), planned('b')]).begin('a')

test('a line for each intent: repeated tries are one, reused answers are lines of their own', () => {
  const journal = intend(begin()).add('effect-failed', failure)
  intend(journal.wait(100), { redo: 1 }).add('effect-done', { key: 'a/x', answer: inline(1), cost: 7 })
  intend(journal, { answered_by: 7, attempt: 2 })
  const { entries } = foldEvents(ledgerView, journal.events)
  expect(entries).toMatchObject([
    { seq: 4, key: 'a/x', tries: 2, outcome: 'done', source: 'world', cost: 12, answered: 7 },
    { seq: 8, key: 'a/x', tries: 0, outcome: 'reused', source: 'record', answered: 7 },
  ])
  expect(entries[0]).not.toHaveProperty('code')
})

test('what nobody knows stays open until a person, or a fork, answers', () => {
  const unknown = intend(begin()).add('effect-unknown', { key: 'a/x', step: 'a' })
  const since = unknown.events.at(-1)?.at
  expect(foldEvents(ledgerView, unknown.events).entries).toMatchObject([{ outcome: 'unknown', since }])
  const change = { answers: [{ step: 'a', kind: 'script', answer: inline(2) }] }
  const forked = { parent: 'p', at_seq: 5, parent_hash: '', started_by: 'code', kinds: {}, files: [], change } as const
  unknown.add('run-forked', forked)
  expect(foldEvents(ledgerView, unknown.events).entries).toMatchObject([
    { outcome: 'done', source: 'person', answered: 6 },
  ])
})

test('waits: for the next try, for the next attempt, for a person', () => {
  const journal = intend(begin()).add('effect-failed', failure)
  const first = journal.events.at(-1)?.at as number
  intend(journal.wait(100), { redo: 1 }).add('effect-unknown', { key: 'a/x', step: 'a' })
  journal.wait(50).add('effect-failed', { ...failure, code: 'resolved_as_failed' })
  journal.fail('a', { retry_at: 1 }).wait(30).add('step-retried', { step: 'a', attempt: 2, version: 1 })
  const { waits, open } = foldEvents(waitsView, journal.events)
  expect(waits.map(({ step, why, start, end = 0 }) => [step, why, end - start])).toEqual([
    ['a', 'repeat', 110],
    ['a', 'person', 60],
    ['a', 'retry', 40],
  ])
  expect(waits[0]?.start).toBe(first)
  expect(open.size).toBe(0)
})

test('a failed effect that is not tried again has made nobody wait', () => {
  const journal = intend(begin()).add('effect-failed', failure).fail('a').end('failed')
  expect(foldEvents(waitsView, journal.events).waits).toEqual([])
})
