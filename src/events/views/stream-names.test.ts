import { expect, test } from 'vitest'
import { inline, planned, SampleJournal } from './sample-events.ts'
import { createStreamNames } from './stream-names.ts'

function translate(journal: SampleJournal) {
  const names = createStreamNames()
  return journal.events.flatMap((event) => names.translate(event))
}

test('a run is told under the names its older users know', () => {
  const journal = new SampleJournal().start([planned('a'), planned('b'), planned('c', ['a', 'b'])])
  journal.begin('a').begin('b').finish('a').fail('b').begin('c').finish('c').end('partial')
  const stream = translate(journal)
  expect(stream.map(({ type }) => type)).toEqual([
    'execution_started',
    'phase_started',
    'agent_started',
    'agent_started',
    'agent_completed',
    'agent_completed',
    'phase_completed',
    'phase_started',
    'agent_started',
    'agent_completed',
    'phase_completed',
    'execution_completed',
  ])
  expect(stream[0]?.data).toEqual({ ensemble: 'demo', timestamp: 1767323045, total_agents: 3 })
  expect(stream[1]?.data).toEqual({ phase_index: 0, phase_agents: ['a', 'b'], total_phases: 2 })
  expect(stream[5]?.data).toMatchObject({ agent_name: 'b', error: 'the model broke' })
  expect(stream[6]?.data).toEqual({ phase_index: 0, successful_agents: 1, failed_agents: 1 })
  expect(stream.at(-1)?.data).toMatchObject({
    ensemble: 'demo',
    status: 'completed_with_errors',
    results: { a: { status: 'success' } },
  })
})

test('a fallback is told from start to end', () => {
  const facts = {
    provider: 'x',
    model: 'm',
    profile: 'spare',
    reason: 'fallback',
    from: 'first',
    because: 'provider_auth',
  }
  const good = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .route('a', facts)
    .finish('a', 'y'.repeat(300))
  const told = translate(good).filter(({ type }) => type.startsWith('agent_fallback'))
  expect(told[0]).toEqual({
    type: 'agent_fallback_started',
    data: {
      agent_name: 'a',
      failure_type: 'authentication_error',
      original_error: 'provider_auth',
      original_model_profile: 'first',
      fallback_model_profile: 'spare',
      fallback_model_name: 'm',
    },
  })
  expect(told[1]).toEqual({
    type: 'agent_fallback_completed',
    data: { agent_name: 'a', response_preview: 'y'.repeat(100) },
  })
  const bad = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .route('a', facts)
    .route('a', facts)
    .fail('a')
  expect(
    translate(bad)
      .map(({ type }) => type)
      .filter((type) => type.startsWith('agent_fallback')),
  ).toEqual(['agent_fallback_started', 'agent_fallback_failed', 'agent_fallback_started', 'agent_fallback_failed'])
})

test('a failed run ends as execution_failed, and questions to a person are told', () => {
  const journal = new SampleJournal().start([planned('a')]).begin('a')
  journal.add('effect-intended', {
    step: 'a',
    attempt: 1,
    key: 'a/ask',
    kind: 'ask',
    safety: 'pure',
    request: inline({ prompt: 'Go on?' }),
  })
  journal
    .add('effect-done', { key: 'a/ask', answer: inline('yes'), source: 'person' })
    .fail('a')
    .end('failed')
  const stream = translate(journal)
  expect(stream.find(({ type }) => type === 'user_input_required')?.data).toEqual({ agent_name: 'a', prompt: 'Go on?' })
  expect(stream.some(({ type }) => type === 'user_input_completed')).toBe(true)
  expect(stream.at(-1)).toMatchObject({
    type: 'execution_failed',
    data: { error: 'a: the model broke', status: 'failed' },
  })
})

test('the ticker speaks only while the run goes on', () => {
  const journal = new SampleJournal().start([planned('a')]).end('cancelled')
  const names = createStreamNames()
  expect(names.describeProgress(0)).toBeUndefined()
  names.translate(journal.events[0] as never)
  expect(names.describeProgress(1767323046500)?.data).toEqual({
    ensemble: 'demo',
    timestamp: 1767323046.5,
    elapsed: 1.5,
  })
  names.translate(journal.events[2] as never)
  expect(names.describeProgress(1767323046500)).toBeUndefined()
})
