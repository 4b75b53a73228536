import { describe, expect, test } from 'vitest'
import type { EffectFailed, EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import { type BreakerPorts, broken, createBreakers } from './breaker.ts'

const ok: EffectOutcome = { ok: true, answer: 'yes' }
const down = failed('provider_unreachable')

function failed(code: string, more: Partial<EffectFailed> = {}): EffectOutcome {
  return { ok: false, code, message: code, touched: 'maybe', retry: true, ...more }
}

function orderFor(model: string): EffectOrder {
  return {
    kind: 'model',
    safety: 'billable',
    request: { model },
    run: 'r',
    step: 's',
    attempt: 1,
    key: 'model',
    tries: 1,
    idempotency_key: 'k',
  }
}

/** A provider that says what it is told to, and a clock that is moved by hand. */
function openWard() {
  const world = { now: 0, says: ok as EffectOutcome | (() => Promise<EffectOutcome>), asked: 0 }
  const inner: Executor = {
    kind: 'model',
    run: async () => {
      world.asked += 1
      return typeof world.says === 'function' ? world.says() : world.says
    },
  }
  const ports: BreakerPorts = {
    clock: () => world.now,
    ward: ({ request }) => {
      const { model } = request as { readonly model: string }
      return model === 'unguarded' ? undefined : { key: model, name: `p/${model}`, failures: 5, probe_ms: 30_000 }
    },
  }
  const breakers = createBreakers(ports)
  const executor = breakers.wrap(inner)
  const call = (model = 'm', signal = new AbortController().signal) =>
    executor.run(orderFor(model), { signal, stream: () => {} })
  const codeOf = async (says: EffectOutcome, model = 'm') => {
    world.says = says
    const outcome = await call(model)
    return outcome.ok ? 'ok' : outcome.code
  }
  return { world, call, codeOf, inner, ports, describe: () => breakers.describe() }
}

describe('a breaker', () => {
  test('F18 opens after five failures in a row and answers at once', async () => {
    const { world, call, codeOf, describe } = openWard()
    for (let n = 0; n < 5; n += 1) expect(await codeOf(down)).toBe('provider_unreachable')
    expect(await call()).toEqual({
      ok: false,
      code: 'breaker_open',
      message: 'p/m failed 5 times in a row; it is not asked again for 30 s.',
      touched: 'no',
      retry: false,
    })
    expect(world.asked).toBe(5)
    expect(describe()).toEqual([{ name: 'p/m', state: 'open', probe_in_ms: 30_000 }])
    expect(await codeOf(ok, 'other')).toBe('ok')
  })

  test('F18 a provider that is down for 10 minutes gets at most one probe per interval', async () => {
    const { world, codeOf } = openWard()
    for (let second = 0; second < 600; second += 1) {
      world.now = second * 1_000
      await Promise.all([codeOf(down), codeOf(down), codeOf(down)])
    }
    // The calls under way when it opened, and one for every 30 s after them.
    expect(world.asked).toBeLessThanOrEqual(6 + 20)
    world.now = 631_000
    expect(await codeOf(ok)).toBe('ok')
    expect(await codeOf(ok)).toBe('ok')
  })

  test('F18 while a probe is under way nobody else goes', async () => {
    const { world, call, codeOf, describe } = openWard()
    for (let n = 0; n < 5; n += 1) await codeOf(down)
    world.now = 30_000
    let answer: (outcome: EffectOutcome) => void = () => {}
    world.says = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const probe = call()
    expect(describe()).toEqual([{ name: 'p/m', state: 'probing' }])
    expect(await call()).toMatchObject({ code: 'breaker_open' })
    answer(ok)
    expect(await probe).toEqual(ok)
    expect(describe()).toEqual([{ name: 'p/m', state: 'closed' }])
    expect(world.asked).toBe(6)
  })

  test('a probe that is aborted proves nothing', async () => {
    const { world, codeOf } = openWard()
    for (let n = 0; n < 5; n += 1) await codeOf(down)
    world.now = 30_000
    expect(await codeOf(failed('aborted'))).toBe('aborted')
    expect(await codeOf(ok)).toBe('breaker_open')
    world.now = 60_000
    expect(await codeOf(ok)).toBe('ok')
  })

  test.each([
    'rate_limited',
    'request_refused',
    'context_overflow',
    'provider_auth',
    'provider_quota',
    'model_not_found',
    'aborted',
    'stream_truncated',
    'malformed_response',
  ])('%s never opens it', async (code) => {
    const { codeOf } = openWard()
    for (let n = 0; n < 20; n += 1) expect(await codeOf(failed(code))).toBe(code)
  })

  test.each(['provider_overloaded', 'provider_timeout', 'stream_stalled', 'provider_error'])(
    '%s opens it',
    async (code) => {
      const { codeOf } = openWard()
      for (let n = 0; n < 5; n += 1) expect(await codeOf(failed(code))).toBe(code)
      expect(await codeOf(ok)).toBe('breaker_open')
    },
  )

  test('a wrong address is no illness', async () => {
    const { codeOf } = openWard()
    for (let n = 0; n < 6; n += 1)
      expect(await codeOf(failed('provider_error', { retry: false }))).toBe('provider_error')
  })

  test('one success begins the count anew, an abort does not', async () => {
    const { codeOf } = openWard()
    for (let n = 0; n < 4; n += 1) await codeOf(down)
    expect(await codeOf(ok)).toBe('ok')
    for (let n = 0; n < 4; n += 1) await codeOf(down)
    expect(await codeOf(failed('aborted'))).toBe('aborted')
    await codeOf(down)
    expect(await codeOf(ok)).toBe('breaker_open')
  })

  test('what comes late of calls that began before it opened changes nothing', async () => {
    const { world, call, codeOf } = openWard()
    const answers: ((outcome: EffectOutcome) => void)[] = []
    world.says = () => new Promise((resolve) => answers.push(resolve))
    const early = Array.from({ length: 10 }, () => call())
    for (const answer of answers.slice(0, 6)) answer(down)
    await Promise.all(early.slice(0, 6))
    for (const answer of answers.slice(6)) answer(ok)
    await Promise.all(early)
    expect(await codeOf(ok)).toBe('breaker_open')
  })

  test('what no breaker guards always goes, and an executor that throws counts for nothing', async () => {
    const { codeOf, world, call } = openWard()
    for (let n = 0; n < 9; n += 1) expect(await codeOf(down, 'unguarded')).toBe('provider_unreachable')
    world.says = () => Promise.reject(new Error('broken'))
    for (let n = 0; n < 9; n += 1) await expect(call()).rejects.toThrow('broken')
    expect(await codeOf(ok)).toBe('ok')
  })

  test('stands around any executor', async () => {
    const { inner, ports, world } = openWard()
    world.says = ok
    const means = { signal: new AbortController().signal, stream: () => {} }
    expect(await broken(inner, ports).run(orderFor('m'), means)).toEqual(ok)
  })
})
