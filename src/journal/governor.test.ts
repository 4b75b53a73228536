import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Governor, type Pass } from './governor.ts'
import type { Journal } from './journal.ts'
import { createMemoryJournal } from './memory.ts'
import type { RateLimits } from './rate-plan.ts'

/** One machine whose time stands still until it is moved, with processes that can end. */
function openMachine() {
  let now = 1_000
  const alarms = new Set<{ readonly at: number; readonly then: () => void }>()
  const dead = new Set<string>()
  const counted = { appends: 0, reads: 0 }
  const { journal: inner } = createMemoryJournal(() => now)
  const told: string[] = []
  let broken: keyof Journal | undefined
  const check = (what: keyof Journal): void => {
    if (broken === what) throw new Error('it is broken')
  }
  const journal: Journal = {
    append: async (entries) => (check('append'), (counted.appends += 1), inner.append(entries)),
    read: (...place) => (check('read'), (counted.reads += 1), inner.read(...place)),
    follow: (...place) => inner.follow(...place),
    list: async (query) => (check('list'), inner.list(query)),
    remove: (run) => inner.remove(run),
    drop: (stream) => inner.drop(stream),
  }
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 12; round += 1) await turn()
  }
  return {
    journal,
    counted,
    settle,
    told,
    /** From now on this fails, until it is told otherwise. */
    fail: (what: keyof Journal | undefined) => void (broken = what),
    kill: (id: string) => dead.add(id),
    now: () => now,
    start: (id: string, limits?: RateLimits) =>
      new Governor(
        {
          journal,
          clock: () => now,
          wake: (at, then) => {
            const alarm = { at: Math.max(at, now), then: dead.has(id) ? () => {} : then }
            alarms.add(alarm)
            return () => void alarms.delete(alarm)
          },
          owner: { id },
          isDead: (owner) => dead.has(owner.id),
          alone: (error) => told.push(`${id}: ${(error as Error).message}`),
        },
        'key',
        limits,
      ),
    /** Moves time on, alarm by alarm. */
    pass: async (ms: number): Promise<void> => {
      const end = now + ms
      for (;;) {
        await settle()
        const next = [...alarms].sort((a, b) => a.at - b.at)[0]
        if (!next || next.at > end) break
        alarms.delete(next)
        now = Math.max(now, next.at)
        next.then()
      }
      now = end
      await settle()
    },
  }
}

const never = new AbortController().signal

/** Starts a call and notes when it was let through. */
function call(
  machine: ReturnType<typeof openMachine>,
  governor: Governor,
  more: { tokens?: number; signal?: AbortSignal } = {},
) {
  const seen: { at?: number; left?: true; pass?: Pass } = {}
  void governor.enter(more.tokens ?? 0, more.signal ?? never).then((pass) => {
    if (!pass) seen.left = true
    else Object.assign(seen, { pass, at: machine.now() })
  })
  return seen
}

function most(times: readonly number[], window_ms: number): number {
  return Math.max(...times.map((end) => times.filter((at) => at > end - window_ms && at <= end).length))
}

describe('a governor', () => {
  test('F22 keeps the limit in every window, over processes, and uses nearly all of it', async () => {
    const machine = openMachine()
    const limits = { requests: 60, window_ms: 6_000 }
    const calls = Array.from({ length: 8 }, (_, n) => machine.start(`process ${n}`, limits)).flatMap((governor) =>
      Array.from({ length: 40 }, () => call(machine, governor)),
    )
    await machine.pass(30_000)
    const times = calls.flatMap(({ at }) => at ?? [])
    expect(most(times, 6_000)).toBeLessThanOrEqual(60)
    expect(times.length).toBeGreaterThanOrEqual(300 * 0.95)
  })

  test('F22 serves those who come first, whatever process they are of', async () => {
    const machine = openMachine()
    const limits = { requests: 10, window_ms: 1_000 }
    const busy = machine.start('busy', limits)
    const quiet = machine.start('quiet', limits)
    const many = Array.from({ length: 40 }, () => call(machine, busy))
    await machine.pass(10)
    const one = call(machine, quiet)
    await machine.pass(10)
    const later = call(machine, busy)
    await machine.pass(10_000)
    expect(one.at).toBeGreaterThan(Math.max(...many.map(({ at = Infinity }) => at)))
    expect(later.at).toBeGreaterThan(one.at as number)
  })

  test('F22 the tickets of an ended process are free again in less than 2 s', async () => {
    const machine = openMachine()
    const limits = { requests: 10, window_ms: 1_000 }
    const lost = machine.start('lost', limits)
    for (let n = 0; n < 60; n += 1) call(machine, lost)
    await machine.pass(100)
    const heir = call(machine, machine.start('heir', limits))
    await machine.pass(100)
    machine.kill('lost')
    const killed = machine.now()
    await machine.pass(10_000)
    expect(heir.at).toBeGreaterThan(killed)
    expect(heir.at).toBeLessThan(killed + 2_000)
  })

  test('a call that is aborted gives its place back', async () => {
    const machine = openMachine()
    const governor = machine.start('one', { requests: 2, window_ms: 10_000 })
    const first = call(machine, governor)
    const controller = new AbortController()
    const second = call(machine, governor, { signal: controller.signal })
    const third = call(machine, governor)
    await machine.pass(100)
    controller.abort()
    await machine.pass(5_500)
    expect(first.at).toBe(1_000)
    expect(second).toEqual({ left: true })
    expect(third.at).toBeLessThan(6_500)
    expect(await governor.enter(0, AbortSignal.abort())).toBeUndefined()
  })

  test('a Retry-After holds all processes, and for no more than 60 s (F16)', async () => {
    const machine = openMachine()
    const limits = { requests: 100, window_ms: 1_000 }
    const [one, two] = [machine.start('one', limits), machine.start('two', limits)]
    const told = call(machine, one)
    await machine.pass(1)
    told.pass?.end({ refused: true, retry_after_ms: 3_000 })
    await machine.pass(1)
    const held = call(machine, two)
    await machine.pass(2_900)
    expect(held.at).toBeUndefined()
    await machine.pass(200)
    expect(held.at).toBeGreaterThanOrEqual(4_001)
    held.pass?.end({ refused: true, retry_after_ms: 10 ** 12 })
    const again = call(machine, one)
    await machine.pass(59_000)
    expect(again.at).toBeUndefined()
    await machine.pass(2_000)
    expect(again.at).toBeLessThanOrEqual(4_101 + 61_000)
  })

  test('tokens are held as guessed and corrected when the truth is known', async () => {
    const machine = openMachine()
    const governor = machine.start('one', { tokens: 1_000, window_ms: 10_000 })
    const first = call(machine, governor, { tokens: 900 })
    const second = call(machine, governor, { tokens: 500 })
    await machine.pass(10)
    expect(first.at).toBe(1_000)
    expect(second.at).toBeUndefined()
    first.pass?.end({ tokens: 100 })
    await machine.pass(300)
    expect(second.at).toBeLessThan(1_300)
    expect((await governor.describe()).used).toEqual({ requests: 2, tokens: 600 })
    const huge = call(machine, governor, { tokens: 5_000 })
    await machine.pass(9_000)
    expect(huge.at).toBeUndefined()
    await machine.pass(2_000)
    expect(huge.at).toBeDefined()
  })

  test('without limits nothing is written, and nothing read while nobody was told to wait', async () => {
    const machine = openMachine()
    const governor = machine.start('one')
    for (let n = 0; n < 100; n += 1) {
      const { pass } = await (async () => ({ pass: await governor.enter(0, never) }))()
      pass?.end({ tokens: 10 })
      await machine.pass(100)
    }
    expect(machine.counted).toEqual({ appends: 0, reads: 0 })
  })

  test('without limits a Retry-After is shared with other processes, too', async () => {
    const machine = openMachine()
    const [one, two] = [machine.start('one'), machine.start('two')]
    const told = call(machine, one)
    await machine.settle()
    told.pass?.end({ retry_after_ms: 5_000 })
    await machine.pass(1_100)
    const held = call(machine, two)
    await machine.pass(3_000)
    expect(held.at).toBeUndefined()
    await machine.pass(1_500)
    expect(held.at).toBeGreaterThanOrEqual(6_000)
  })

  test('F15 without limits a storm teaches them', async () => {
    const machine = openMachine()
    const governor = machine.start('one')
    const taken: number[] = []
    let asked = 0
    // Three calls a second are taken; whoever is refused waits as the engine does and comes again.
    const work = async (): Promise<void> => {
      const pass = await governor.enter(0, never)
      asked += 1
      const now = machine.now()
      if (taken.filter((at) => at > now - 1_000).length >= 3) {
        pass?.end({ refused: true, retry_after_ms: 1_000 })
        return work()
      }
      taken.push(now)
      pass?.end({})
    }
    for (let n = 0; n < 50; n += 1) void work()
    await machine.pass(20_000)
    expect(taken).toHaveLength(50)
    expect(asked).toBeLessThanOrEqual(50 + 47 + 10)
  })

  test('F15 one refusal after one call is a pause, not a rate; twice it is one', async () => {
    const machine = openMachine()
    const governor = machine.start('one')
    const first = call(machine, governor)
    const refused = call(machine, governor)
    await machine.pass(1)
    first.pass?.end({})
    refused.pass?.end({ refused: true, retry_after_ms: 3_000 })
    await machine.pass(3_100)
    const crowd = Array.from({ length: 14 }, () => call(machine, governor))
    await machine.pass(1_000)
    expect(crowd.filter((one) => one.at === undefined)).toHaveLength(0)

    const again = call(machine, governor)
    await machine.pass(10_000)
    again.pass?.end({ refused: true, retry_after_ms: 3_000 })
    await machine.pass(3_100)
    const paced = Array.from({ length: 4 }, () => call(machine, governor))
    await machine.pass(3_000)
    expect(paced.filter((one) => one.at !== undefined).length).toBeLessThan(3)
  })

  test('a machine that started anew does not wait for times of before', async () => {
    const machine = openMachine()
    const limits = { requests: 1, window_ms: 60_000 }
    await machine.pass(1_000_000)
    call(machine, machine.start('before', limits))
    await machine.pass(10)
    const after = new Governor(
      { journal: machine.journal, clock: () => 5, wake: () => () => {}, owner: { id: 'after' }, isDead: () => false },
      'key',
      limits,
    )
    expect(await after.enter(0, never)).toBeDefined()
  })

  test('its record stays short', async () => {
    const machine = openMachine()
    const governors = ['one', 'two', 'three'].map((id) => machine.start(id, { requests: 100, window_ms: 100 }))
    for (let n = 0; n < 600; n += 1) {
      call(machine, governors[n % 3] as Governor)
      await machine.pass(20)
    }
    const streams = await machine.journal.list({ prefix: 'governor/' })
    expect(streams).toHaveLength(1)
    expect(streams[0]?.last).toBeLessThanOrEqual(256)
  })

  test.each(['read', 'list', 'append'] as const)(
    'a process keeps the limits by itself while it cannot %s the common record, and says so once',
    async (what) => {
      const machine = openMachine()
      const limits = { requests: 2, window_ms: 1_000 }
      const governor = machine.start('one', limits)
      machine.fail(what)
      const calls = Array.from({ length: 6 }, () => call(machine, governor))
      await machine.pass(100)
      expect(calls.filter(({ at }) => at !== undefined)).toHaveLength(1)
      await machine.pass(4_000)
      expect(calls.every(({ at }) => at !== undefined)).toBe(true)
      const times = calls.map(({ at = 0 }) => at).sort((a, b) => a - b)
      for (const [index, at] of times.entries())
        expect(
          times.filter((other) => other >= at && other < at + 1_000).length,
          `from call ${index}`,
        ).toBeLessThanOrEqual(2)
      expect(machine.told).toEqual(['one: it is broken'])
    },
  )

  test('back in the common line, what it did alone counts for the others, and nobody rushes', async () => {
    const machine = openMachine()
    const limits = { requests: 4, window_ms: 10_000 }
    const [one, two] = [machine.start('one', limits), machine.start('two', limits)]
    machine.fail('append')
    const first = Array.from({ length: 7 }, () => call(machine, one))
    await machine.pass(6_000)
    const alone = first.filter(({ at }) => at !== undefined).length
    expect(alone).toBeGreaterThan(1)
    machine.fail(undefined)
    await machine.pass(3_000)
    const others = Array.from({ length: 3 }, () => call(machine, two))
    await machine.pass(60_000)
    const times = [...first, ...others].map(({ at = Infinity }) => at).sort((a, b) => a - b)
    expect(times.every(Number.isFinite)).toBe(true)
    for (const at of times)
      expect(times.filter((other) => other >= at && other < at + 10_000).length).toBeLessThanOrEqual(4)
    expect(machine.told).toEqual(['one: it is broken'])
  })
})
