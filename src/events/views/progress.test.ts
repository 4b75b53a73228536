import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noteDelta, progressView, totalsOf } from './progress.ts'
import { inline, makeRandomRun, planned, SampleJournal, seedRandom } from './sample-events.ts'
import { foldEvents } from './view.ts'

const fold = (journal: SampleJournal) => foldEvents(progressView, journal.events)

test('one of three ended steps is 33 percent, rounded to nearest', () => {
  const journal = new SampleJournal()
    .start([planned('a'), planned('b'), planned('c')])
    .begin('a')
    .finish('a')
  expect(totalsOf(fold(journal))).toMatchObject({ total: 3, succeeded: 1, waiting: 2, percentage: 33 })
  expect(totalsOf(fold(journal.begin('b').finish('b'))).percentage).toBe(67)
})

test('a run without steps and a run that has not begun are 0 percent', () => {
  expect(totalsOf(progressView.initial()).percentage).toBe(0)
  expect(totalsOf(fold(new SampleJournal().start([]))).percentage).toBe(0)
})

test('a failure with another attempt to come is retrying, and counts as running', () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .fail('a', { retry_at: 99 })
  expect(fold(journal).steps.get('a')).toMatchObject({ status: 'retrying', attempt: 1, retry_at: 99 })
  expect(totalsOf(fold(journal)).running).toBe(1)
  const again = fold(journal.add('step-retried', { step: 'a', attempt: 2, version: 1 }))
  expect(again.steps.get('a')).toMatchObject({ status: 'running', attempt: 2 })
  expect(again.steps.get('a')).not.toHaveProperty('retry_at')
})

test('route and tokens are shown as they become known, and not before', () => {
  const journal = new SampleJournal().start([planned('a')]).begin('a')
  expect(fold(journal).steps.get('a')).not.toHaveProperty('tokens')
  journal
    .route('a', { provider: 'ollama', model: 'm1', profile: 'p', reason: 'configured' })
    .call('a', { input: 5, output: 2 })
  expect(fold(journal).steps.get('a')).toMatchObject({ provider: 'ollama', model: 'm1', profile: 'p', tokens: 7 })
})

test('a call that tells no tokens leaves them unknown', () => {
  const state = fold(
    new SampleJournal()
      .start([planned('a')])
      .begin('a')
      .call('a'),
  )
  expect(state.steps.get('a')).not.toHaveProperty('tokens')
})

test('questions, approvals and unknown effects are open until someone answers', () => {
  const journal = new SampleJournal()
    .start([planned('a'), planned('b')])
    .begin('a')
    .intend('a', 'a/ask', 'ask')
  journal
    .add('approval-requested', { step: 'b', key: 'b@1/tool', request: inline({}), grant: {} })
    .add('effect-unknown', { key: 'a/x', step: 'a' })
  const asks = () => [...fold(journal).asks.values()].map(({ kind, step }) => `${kind} ${step}`)
  expect(asks()).toEqual(['question a', 'approval b', 'unknown a'])
  journal.add('run-paused', { asks: ['a/ask'] })
  expect(fold(journal).status).toBe('paused')
  journal.add('approval-denied', { step: 'b', key: 'b@1/tool', request: 'd', reason: 'no' })
  journal.add('effect-done', {
    key: 'a/ask',
    answer: journal.events[0]?.type === 'run-started' ? journal.events[0].data.input : ({} as never),
  })
  expect(asks()).toEqual(['unknown a'])
})

test('what never started is cancelled with its parent or with the run', () => {
  const journal = new SampleJournal().start([planned('a'), planned('b', ['a'])]).begin('a')
  journal.add('steps-added', { step: 'a', attempt: 1, proposal: 'p', steps: [planned('a/1')] }).fail('a')
  expect(fold(journal).steps.get('a/1')).toMatchObject({ status: 'cancelled', parent: 'a', attempt: 0 })
  expect(fold(journal).steps.get('b')?.status).toBe('waiting')
  expect(fold(journal.end('cancelled')).steps.get('b')?.status).toBe('cancelled')
})

test('live text is counted and starts anew with an attempt', () => {
  const journal = new SampleJournal().start([planned('a')]).begin('a')
  const state = fold(journal)
  noteDelta(state, 'a', 'hello')
  noteDelta(state, 'nobody', 'hello')
  expect(state.steps.get('a')?.streamed).toBe(5)
  progressView.evolve(
    state,
    journal
      .fail('a', { retry_at: 1 })
      .add('step-retried', { step: 'a', attempt: 2, version: 1 })
      .events.at(-1) as never,
  )
  expect(state.steps.get('a')?.streamed).toBe(0)
})

test('B24: in any run the counts add up to the steps, and the percentage is the rounded share of ended ones', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const state = progressView.initial()
      for (const event of makeRandomRun(seedRandom(seed))) {
        progressView.evolve(state, event)
        const { total, waiting, running, percentage } = totalsOf(state)
        expect(total).toBe(state.steps.size)
        expect(percentage).toBe(total === 0 ? 0 : Math.round(((total - waiting - running) / total) * 100))
        expect(Object.values(state.counts).every((count) => count >= 0)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
