import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noteDelta, progressView, totalsOf } from './progress.ts'
import { describeWork } from './progress-words.ts'
import { createReport } from './report.ts'
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

const agents = (state: ReturnType<typeof fold>) =>
  [...state.steps.values()].filter(({ kind, parent }) => kind !== 'condition' && parent === undefined)

test('conditions are counted nowhere, steps inside others by themselves', () => {
  const journal = new SampleJournal().start([
    planned('a/when', [], 'condition'),
    planned('a', ['a/when']),
    planned('b'),
  ])
  journal.begin('a/when').finish('a/when').begin('a')
  journal.add('steps-added', { step: 'a', attempt: 1, proposal: 'p', steps: [planned('a/x'), planned('a/y')] })
  journal.begin('a/x').fail('a/x')
  expect(totalsOf(fold(journal))).toMatchObject({
    total: 2,
    running: 1,
    failed: 0,
    percentage: 0,
    inner: { total: 2, failed: 1, waiting: 1 },
  })
  expect(fold(journal).steps.get('a')?.inner).toEqual({ total: 2, ended: 1, failed: 1 })
})

test('a list that is worked through counts for the part that is done, and never as finished', () => {
  const journal = new SampleJournal().start([planned('each', [], 'each'), planned('last', ['each'])]).begin('each')
  journal.add('note-written', { step: 'each', attempt: 1, n: 1, facts: { about: 'items', total: 4 } })
  for (const item of ['each[0]', 'each[1]']) {
    journal.add('steps-added', { step: 'each', attempt: 1, proposal: item, steps: [planned(item)] })
    journal.begin(item).finish(item)
  }
  expect(totalsOf(fold(journal)).percentage).toBe(25)
  expect(describeWork(fold(journal).steps.get('each') as never)).toEqual(['2 of 4 items'])
  expect(totalsOf(fold(journal.finish('each'))).percentage).toBe(50)
})

test('the words on a step: rounds, tries, what is inside, why it was skipped', () => {
  const journal = new SampleJournal()
    .start([
      planned('polish', [], 'loop'),
      planned('brief', [], 'verified'),
      planned('left'),
      planned('vote', [], 'assemble'),
    ])
    .begin('polish')
    .begin('brief')
    .begin('vote')
  const round = (n: number) => ({
    step: 'polish',
    attempt: 1,
    proposal: `round#${n}`,
    steps: [planned(`polish#${n}/write`), planned(`polish#${n}/read`)],
  })
  journal.add('steps-added', round(1)).begin('polish#1/write').finish('polish#1/write')
  const words = (id: string) => describeWork(fold(journal).steps.get(id) as never).join('; ')
  expect(words('polish')).toBe('round 1; 1 of 2 steps')
  journal.add('steps-added', round(2))
  expect(words('polish')).toBe('round 2; 0 of 2 steps')
  const facts = {
    status: 'failed',
    try: 1,
    repair: 0,
    answer: 'brief/answer',
    criteria: ['citation'],
    failed: ['citation'],
  }
  journal.add('step-verified', { step: 'brief', attempt: 1, n: 1, facts })
  expect(words('brief')).toBe('try 1 failed: citation')
  journal.add('steps-added', { step: 'vote', attempt: 1, proposal: 'v', steps: [planned('vote/a'), planned('vote/b')] })
  expect(words('vote')).toBe('0 of 2 voters')
  journal.add('step-skipped', { step: 'left', reason: 'condition' })
  expect(words('left')).toBe('skipped: its condition did not hold')
})

test('a condition that could not be computed is another reason than one that did not hold', () => {
  const journal = new SampleJournal().start([planned('a/when', [], 'condition'), planned('a', ['a/when'])])
  journal.begin('a/when').fail('a/when', { code: 'condition_failed', message: 'when: no such key: foo' })
  journal.add('step-skipped', { step: 'a', reason: 'condition' }).end('failed')
  const [step] = [...foldEvents(progressView, journal.events).steps.values()].filter(({ id }) => id === 'a')
  expect(step && describeWork(step)).toEqual(['skipped: its condition could not be computed'])
  const report = createReport(journal.events)
  expect(report.agents.map(({ name }) => name)).toEqual(['a'])
  expect(report.errors).toMatchObject([
    { agent: 'a/when', code: 'condition_failed', message: 'when: no such key: foo' },
  ])
})

test('B24: in any run the counts add up to the steps, and the percentage is the rounded share of ended ones', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const state = progressView.initial()
      for (const event of makeRandomRun(seedRandom(seed))) {
        progressView.evolve(state, event)
        const { total, waiting, running, percentage } = totalsOf(state)
        expect(total).toBe(agents(state).length)
        expect(percentage).toBe(total === 0 ? 0 : Math.round(((total - waiting - running) / total) * 100))
        expect(Object.values(state.counts).every((count) => count >= 0)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
