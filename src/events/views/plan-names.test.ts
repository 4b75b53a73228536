import { expect, test } from 'vitest'
import { createPlanNames } from './plan-names.ts'
import { inline, planned, SampleJournal } from './sample-events.ts'

test('a task whose answer is checked and repaired is one decision, until another model has it', () => {
  const near = { provider: 'ollama', model: 'small' }
  const far = { provider: 'openai', model: 'large' }
  const plan = { tasks: [{ id: 'a', description: 'look' }] }
  const journal = new SampleJournal()
    .start([planned('plan', [], 'plan')])
    .begin('plan')
    .add('note-written', {
      step: 'plan',
      attempt: 1,
      n: 1,
      facts: { about: 'plan', task_count: 1 },
      content: inline(plan),
    })
    .begin('plan/a')
    .route('plan/a', near)
    .route('plan/a/answer', near)
    .route('plan/a/answer~1', near)
    .route('plan/a', far)
    .route('plan/a/answer~2', far)
    .finish('plan/a')
    .end('succeeded')
  const names = createPlanNames()
  const told = journal.events.flatMap((event) => names.translate(event))
  expect(told.filter(({ type }) => type === 'decision')).toEqual([
    { type: 'decision', task_id: 'a', provider: 'ollama' },
    { type: 'decision', task_id: 'a', provider: 'openai' },
  ])
  expect(told.at(-1)).toMatchObject({ type: 'stats', stats: { task_count: 1, decision_count: 2 } })
})

test('an artifact is told before it is verified, each once', () => {
  const verdict = (status: string, answer: string, repair: number) => ({
    step: 'plan/a',
    attempt: 1,
    n: 1,
    facts: { status, answer, repair, criteria: ['coherent'], failed: status === 'failed' ? ['coherent'] : [] },
  })
  const journal = new SampleJournal()
    .start([planned('plan', [], 'plan')])
    .begin('plan')
    .add('note-written', {
      step: 'plan',
      attempt: 1,
      n: 1,
      facts: { about: 'plan', task_count: 1 },
      content: inline({ tasks: [{ id: 'a', description: 'look' }] }),
    })
    .begin('plan/a')
    .finish('plan/a/answer', 'too short')
    .add('step-verified', verdict('failed', 'plan/a/answer', 0))
    .finish('plan/a/answer~1', 'long enough')
    .add('step-verified', verdict('passed', 'plan/a/answer~1', 1))
    .finish('plan/a', 'long enough')
  const names = createPlanNames()
  const told = journal.events.flatMap((event) => names.translate(event))
  const artifact = (content: string) => ({
    type: 'task_artifact',
    task_id: 'a',
    artifact: { task_id: 'a', content, meta: {} },
  })
  expect(told.slice(-5)).toEqual([
    artifact('too short'),
    {
      type: 'task_verified',
      task_id: 'a',
      verification: { status: 'failed', criteria: ['coherent'], failures: ['coherent'] },
    },
    { type: 'task_repaired', task_id: 'a', attempt: 1 },
    artifact('long enough'),
    { type: 'task_verified', task_id: 'a', verification: { status: 'passed', criteria: ['coherent'], failures: [] } },
  ])
})
