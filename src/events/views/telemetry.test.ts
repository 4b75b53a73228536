import { describe, expect, it } from 'vitest'
import type { Event, EventData, EventType } from '../event.ts'
import { type CallSample, HALF_LIFE_MS, HORIZON_MS, summariseCalls, telemetryView } from './telemetry.ts'
import { foldEvents } from './view.ts'

const NOW = 1_800_000_000_000

function fold(...given: readonly { readonly type: EventType; readonly data: object }[]) {
  const events = given.map(
    ({ type, data }, index) => ({ seq: index + 1, at: NOW + index, type, data }) as unknown as Event,
  )
  return foldEvents(telemetryView, events).samples
}

const event = <T extends EventType>(type: T, data: Partial<EventData[T]>) => ({ type, data })
const route = (step: string, model: string, more: object = {}) =>
  event('step-routed', { step, attempt: 1, n: 1, facts: { provider: 'p', model, ...more } })
const ask = (step: string, key = `${step}/model`) => event('effect-intended', { step, key, kind: 'model' })
const done = (key: string, more: object = {}) => event('effect-done', { key, ms: 100, cost: 5, ...more })
const fail = (key: string, code: string) => event('effect-failed', { key, code })

describe('calls of a run', () => {
  it('count by the model that the step went to; repetitions count each', () => {
    const samples = fold(
      route('a', 'x', { route: { requirements: { capability: 'coding' } } }),
      ask('a'),
      fail('a/model', 'rate_limited'),
      ask('a'),
      done('a/model', { usage: { output: 7 } }),
    )
    expect(samples).toMatchObject([
      { model: 'x', capability: 'coding', code: 'rate_limited' },
      { model: 'x', capability: 'coding', ms: 100, cost: 5, output_tokens: 7 },
    ])
  })

  it('what says nothing of the model does not count: stopped, refused, cached, copied by a fork', () => {
    expect(
      fold(route('a', 'x'), ask('a'), fail('a/model', 'aborted'), ask('a'), done('a/model', { source: 'cache' })),
    ).toEqual([])
    expect(fold(route('a', 'x'), ask('a'), done('a/model'), event('run-forked', {}))).toEqual([])
  })

  it('an answer that was of no use is no success', () => {
    const verdict = event('step-verified', {
      step: 'v',
      attempt: 1,
      n: 1,
      facts: { status: 'failed', answer: 'v/answer' },
    })
    expect(fold(route('v/answer', 'x'), ask('v/answer'), done('v/answer/model'), verdict)).toMatchObject([
      { verified: false },
    ])
    const next = route('a', 'y', { reason: 'fallback', because: 'output_invalid' })
    expect(fold(route('a', 'x'), ask('a'), done('a/model'), next)).toMatchObject([{ model: 'x', verified: false }])
    const over = event('step-failed', { step: 'a', code: 'output_invalid' })
    expect(fold(route('a', 'x'), ask('a'), done('a/model'), over)).toMatchObject([{ verified: false }])
  })
})

describe('what they say', () => {
  const sample = (age: number, more: Partial<CallSample> = {}): CallSample => ({
    provider: 'p',
    model: 'x',
    at: NOW - age,
    ...more,
  })

  it('newer calls weigh more, and old ones nothing', () => {
    const samples = [
      sample(0, { ms: 100 }),
      sample(HALF_LIFE_MS, { code: 'model_not_found' }),
      sample(HORIZON_MS + 1, { code: 'x' }),
    ]
    const failures = { refused: 0.3333 }
    const told = { samples: 1.5, success: 0.6667, failures, latency_ms: 100, age_ms: 0 }
    expect(summariseCalls(samples, { now: NOW })).toEqual(told)
    expect(summariseCalls([], { now: NOW })).toEqual({ samples: 0 })
  })

  it('failures are told apart, and those that pass by themselves are soon forgotten', () => {
    const day = (code: string) => sample(HALF_LIFE_MS, { code })
    const samples = [
      ...Array.from({ length: 2 }, () => sample(0, { ms: 100 })),
      sample(0, { verified: false, flaw: 'judged' }),
      sample(0, { verified: false, flaw: 'malformed' }),
      sample(0, { code: 'rate_limited' }),
      ...['provider_unreachable', 'stream_stalled', 'provider_error', 'provider_overloaded'].map(day),
    ]
    const { success, samples: count, failures } = summariseCalls(samples, { now: NOW })
    expect({ success, count, failures }).toEqual({
      success: 0.4,
      count: 5,
      failures: { busy: 0.2, malformed: 0.2, judged: 0.2 },
    })
    // What is of the model itself counts as long as its answers do.
    const lasting = ['request_refused', 'malformed_response'].map(day)
    expect(summariseCalls([sample(0), ...lasting], { now: NOW })).toMatchObject({
      success: 0.5,
      failures: { refused: 0.25, malformed: 0.25 },
    })
  })

  it('what helped after a failure of another model is told by what that failed of', () => {
    const because = (model: string, code: string) => route('a', model, { reason: 'fallback', because: code })
    const samples = fold(
      route('a', 'x'),
      ask('a'),
      fail('a/model', 'provider_unreachable'),
      because('y', 'provider_unreachable'),
      ask('a'),
      done('a/model'),
      because('z', 'budget_exhausted'),
      ask('a'),
      done('a/model'),
      route('v', 'y', { reason: 'fallback', because: 'verification_failed' }),
      route('v/answer~1', 'y'),
      ask('v/answer~1'),
      fail('v/answer~1/model', 'rate_limited'),
    )
    expect(samples.map(({ model, after }) => [model, after])).toEqual([
      ['x', undefined],
      ['y', 'transport'],
      ['z', undefined],
      ['y', 'judged'],
    ])
    const { after } = summariseCalls(
      samples.filter(({ model }) => model === 'y'),
      { now: NOW },
    )
    expect(after).toEqual({ transport: { samples: 1, success: 1 }, judged: { samples: 1, success: 0 } })
  })

  it('what was paid for nothing is told', () => {
    const failed = { code: 'provider_error' } as const
    const paid = (more: Partial<CallSample>) =>
      summariseCalls([sample(0, { cost: 6 }), sample(0, more)], { now: NOW }).paid
    expect(paid({ ...failed, cost: 2 })).toBe(0.75)
    expect(paid(failed)).toBe(1)
    expect(paid({ verified: false, cost: 6 })).toBe(0.5)
    expect(summariseCalls([sample(0)], { now: NOW })).not.toHaveProperty('paid')
  })

  it('the median is not moved by one slow call', () => {
    const samples = [10, 11, 12, 13, 90_000].map((ms) => sample(0, { ms }))
    expect(summariseCalls(samples, { now: NOW }).latency_ms).toBe(12)
  })

  it('those for the same capability alone, where there are enough', () => {
    const own = Array.from({ length: 5 }, () => sample(0, { capability: 'coding' }))
    const others = Array.from({ length: 5 }, () => sample(0, { code: 'provider_error' }))
    const told = (samples: readonly CallSample[]) => summariseCalls(samples, { now: NOW, capability: 'coding' }).success
    expect(told([...own, ...others])).toBe(1)
    expect(told([...own.slice(1), ...others])).toBeCloseTo(4 / 9, 3)
  })
})
