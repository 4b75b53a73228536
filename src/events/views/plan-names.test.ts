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
