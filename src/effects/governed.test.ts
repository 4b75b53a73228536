import { expect, test } from 'vitest'
import type { EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import { type CallEnd, governed } from './governed.ts'

const order: EffectOrder = {
  kind: 'model',
  safety: 'billable',
  request: {},
  run: 'r',
  step: 's',
  attempt: 1,
  key: 'model',
  tries: 1,
  idempotency_key: 'k',
}
const means = () => ({ signal: new AbortController().signal, stream: () => {} })

function answering(outcome: EffectOutcome): Executor & { asked: number } {
  const executor = {
    kind: 'model',
    asked: 0,
    run: async () => {
      executor.asked += 1
      return outcome
    },
  }
  return executor
}

/** Lets everybody through and notes how each call ended. */
async function endOf(outcome: EffectOutcome): Promise<CallEnd[]> {
  const ends: CallEnd[] = []
  const gate = { enter: async () => ({ end: (end: CallEnd) => void ends.push(end) }) }
  const inner = answering(outcome)
  expect(await governed(inner, { gate: () => gate }).run(order, means())).toEqual(outcome)
  expect(inner.asked).toBe(1)
  return ends
}

const failure = { ok: false, message: 'm', touched: 'yes', retry: true } as const

test('tells the line what each call was, and never repeats it (F16)', async () => {
  expect(await endOf({ ok: true, answer: '', usage: { input: 5, output: 2 } })).toEqual([{ tokens: 7 }])
  expect(await endOf({ ok: true, answer: '', usage: {} })).toEqual([{}])
  expect(await endOf({ ...failure, code: 'rate_limited', retry_after_ms: 10 })).toEqual([
    { tokens: 0, refused: true, retry_after_ms: 10 },
  ])
  expect(await endOf({ ...failure, code: 'rate_limited' })).toEqual([{ tokens: 0, refused: true }])
  expect(await endOf({ ...failure, code: 'provider_overloaded', retry_after_ms: 10 })).toEqual([{ retry_after_ms: 10 }])
  expect(await endOf({ ...failure, code: 'provider_error', retry_after_ms: 10 })).toEqual([{}])
  for (const retry_after_ms of [Number.NaN, -5, 0])
    expect(await endOf({ ...failure, code: 'rate_limited', retry_after_ms })).toEqual([{ tokens: 0, refused: true }])
  expect(await endOf({ ...failure, code: 'provider_unreachable', touched: 'no' })).toEqual([{ tokens: 0 }])
})

test('a call that is aborted while it waits never begins', async () => {
  const inner = answering({ ok: true, answer: '' })
  const gate = { enter: async () => undefined }
  expect(await governed(inner, { gate: () => gate }).run(order, means())).toMatchObject({
    code: 'aborted',
    touched: 'no',
    retry: false,
  })
  expect(inner.asked).toBe(0)
})

test('where there is no line nobody waits, and a throw ends the call too', async () => {
  const inner = answering({ ok: true, answer: '' })
  expect(await governed(inner, { gate: () => undefined }).run(order, means())).toMatchObject({ ok: true })
  const ends: CallEnd[] = []
  const gate = { enter: async () => ({ end: (end: CallEnd) => void ends.push(end) }) }
  const throwing = { kind: 'model', run: () => Promise.reject(new Error('broken')) }
  await expect(governed(throwing, { gate: () => gate }).run(order, means())).rejects.toThrow('broken')
  expect(ends).toEqual([{}])
})
