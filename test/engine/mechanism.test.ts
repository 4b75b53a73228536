import { describe, expect, test } from 'vitest'
import type { EffectOutcome } from '../../src/engine/effect.ts'
import { startRun, verifyRun } from '../../src/engine/engine.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { Json } from '../../src/events/values.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { createRoom, eventsOf, type LawOptions, planOf, runToEnd, runWithLaws } from '../laws.ts'

type Body = (ctx: StepContext, attempt: number) => Promise<Json>

/** A step kind made of named functions: `spec.body` picks one. */
function kindOf(bodies: { readonly [name: string]: Body }): StepKind {
  return {
    kind: 'code',
    version: 1,
    run: async (step, _, ctx) => ({ output: await (bodies[step.spec.body as string] as Body)(ctx, step.attempt) }),
  }
}

function step(id: string, body: string, more: Partial<GraphStep> = {}): GraphStep {
  return { id, kind: 'code', spec: { body }, ...more }
}

type Perform = (request: { [key: string]: Json }, world: VirtualWorld, signal: AbortSignal) => Promise<EffectOutcome>

function lawsOf(bodies: { readonly [name: string]: Body }, perform: Perform = answerAfter): LawOptions {
  return {
    kinds: { code: kindOf(bodies) },
    executors: (world) => ({
      fake: {
        kind: 'fake',
        run: (order, { signal }) => perform(order.request as { [key: string]: Json }, world, signal),
      },
    }),
  }
}

const answerAfter: Perform = async (request, world, signal) => {
  await world.sleep((request.ms as number) ?? 1, signal)
  if (signal.aborted) return { ok: false, code: 'aborted', message: 'stopped', touched: 'maybe', retry: false }
  return { ok: true, answer: request.say ?? 'ok' }
}

const ask = (ctx: StepContext, say: string, ms = 1, name?: string) =>
  ctx.effect({ kind: 'fake', safety: 'idempotent', request: { say, ms }, ...(name ? { name } : {}) })

const spin = async (rounds: number) => {
  for (let i = 0; i < rounds; i++) await undefined
}

describe('recorded positions, recomputed contents', () => {
  test('three answers of one step in one burst, branches of different depth', async () => {
    const bodies = {
      burst: async (ctx: StepContext) => {
        const shared: string[] = []
        const branch = async (name: string, depth: number) => {
          await ask(ctx, name, 5, name)
          await spin(depth)
          shared.push(name)
          await ask(ctx, shared.join(), 1, `after ${name}`)
        }
        await Promise.all([branch('a', 60), branch('b', 35), branch('c', 10)])
        return shared
      },
    }
    const { events } = await runWithLaws({ name: 'burst', steps: [step('s', 'burst')] }, lawsOf(bodies))
    expect(events.filter((event) => event.type === 'effect-intended')).toHaveLength(6)
  })

  test('a journal made with one drain verifies with another', async () => {
    const bodies = {
      deep: async (ctx: StepContext) => {
        const seen: string[] = []
        await Promise.all(
          ['a', 'b'].map(async (name, i) => {
            await ask(ctx, name, 3, name)
            await spin(30 * (i + 1))
            seen.push(name)
          }),
        )
        return ask(ctx, seen.join())
      },
    }
    const options = lawsOf(bodies)
    const { events, room } = await runWithLaws(
      { name: 'drains', steps: [step('s', 'deep'), step('t', 'deep')] },
      options,
    )
    const slow = {
      ...room.world,
      drain: async () => {
        for (let i = 0; i < 3; i++) await room.world.drain()
      },
    }
    expect(await verifyRun(events, { world: slow, blobs: room.blobs, kinds: options.kinds })).toMatchObject({
      equal: true,
    })
  })

  test('race, then an effect on the winner; generators; a synchronous throw beside an open effect', async () => {
    const bodies = {
      race: async (ctx: StepContext) =>
        ask(ctx, `won: ${await Promise.race([ask(ctx, 'slow', 9, 'slow'), ask(ctx, 'fast', 2, 'fast')])}`),
      generator: async (ctx: StepContext) => {
        async function* numbers() {
          for (let i = 0; i < 3; i++) yield ask(ctx, `n${i}`)
        }
        const all: Json[] = []
        for await (const n of numbers()) all.push(n)
        return all
      },
      throws: (ctx: StepContext) => {
        void ask(ctx, 'open')
        throw new TypeError('at once')
      },
      lazy: async (ctx: StepContext) => {
        await import('node:zlib')
        return ask(ctx, 'after import')
      },
    }
    const names = Object.keys(bodies)
    const { events } = await runWithLaws({ name: 'rows', steps: names.map((name) => step(name, name)) }, lawsOf(bodies))
    expect(events.at(-1)?.data).toMatchObject({ status: 'partial' })
    expect(events.find((event) => event.type === 'note-written')?.actor).toBe('engine')
  })

  test('clock and chance in a request are found, with a hint', async () => {
    for (const [name, value, hint] of [
      ['clock', () => Date.now(), 'ctx.now()'],
      ['chance', () => Math.random(), 'ctx.random()'],
      ['id', () => crypto.randomUUID(), 'ctx.random()'],
    ] as const) {
      const options = lawsOf({
        bad: (ctx: StepContext) => ctx.effect({ kind: 'fake', safety: 'pure', request: { say: 'x', t: value() } }),
      })
      const room = createRoom(options)
      const run = await startRun(room.ports, planOf({ name, steps: [step('s', 'bad')] }, options))
      await runToEnd(run, room.world)
      await new Promise((resolve) => setTimeout(resolve, 3))
      const verdict = await verifyRun(await eventsOf(room), {
        world: room.world,
        blobs: room.blobs,
        kinds: options.kinds,
      })
      expect(verdict).toMatchObject({ equal: false, code: 'content', hint: expect.stringContaining(hint) })
    }
  })

  test('a step that asks something else, or nothing, is named', async () => {
    let changed = false
    const bodies = {
      s: async (ctx: StepContext) => (changed ? ask(ctx, 'x', 1, 'right') : ask(ctx, 'x', 1, 'left')),
    }
    const options = lawsOf(bodies)
    const { events, room } = await runWithLaws({ name: 'change', steps: [step('s', 's')] }, options)
    changed = true
    const verdict = await verifyRun(events, { world: room.world, blobs: room.blobs, kinds: options.kinds })
    expect(verdict).toMatchObject({
      equal: false,
      seq: 4,
      code: 'other-ask',
      message: expect.stringContaining('s@1/right'),
    })
  })

  test('an altered event is called altered, never non-determinism', async () => {
    const options = lawsOf({ s: (ctx: StepContext) => ask(ctx, 'x') })
    const { events, room } = await runWithLaws({ name: 'altered', steps: [step('s', 's')] }, options)
    const bad = structuredClone(events) as { data: { answer: { inline: { text: string } } } }[]
    ;(bad[4] as (typeof bad)[0]).data.answer.inline.text = '"y"'
    const verdict = await verifyRun(bad as never, { world: room.world, blobs: room.blobs, kinds: options.kinds })
    expect(verdict).toMatchObject({ equal: false, seq: 5, code: 'altered' })
  })
})

describe('steps and effects', () => {
  test('a step starts the moment its own dependency ends; there is no phase barrier', async () => {
    const bodies = {
      quick: (ctx: StepContext) => ask(ctx, 'quick', 1),
      slow: (ctx: StepContext) => ask(ctx, 'slow', 500),
    }
    const steps = [
      step('slow', 'slow'),
      step('quick', 'quick'),
      step('next', 'quick', { after: [{ step: 'quick', on: 'always' }] }),
    ]
    const { events } = await runWithLaws({ name: 'barrier', steps }, { ...lawsOf(bodies), orderInsensitive: true })
    const at = (type: string, id: string) =>
      events.findIndex((event) => event.type === type && 'step' in event.data && event.data.step === id)
    expect(at('step-finished', 'next')).toBeLessThan(at('step-finished', 'slow'))
  })

  test('max_concurrent holds, and a proposer that waits takes no place', async () => {
    let running = 0
    let most = 0
    const perform: Perform = async (request, world, signal) => {
      most = Math.max(most, ++running)
      const outcome = await answerAfter(request, world, signal)
      running--
      return outcome
    }
    const bodies = {
      leaf: (ctx: StepContext) => ask(ctx, 'leaf', 3),
      lead: async (ctx: StepContext) => {
        const children = await ctx.propose('work', [
          step('lead/a', 'leaf'),
          step('lead/b', 'leaf'),
          step('lead/c', 'leaf'),
        ])
        return children.map((child) => child.status)
      },
    }
    const options = { ...lawsOf(bodies, perform), plan: { limits: { max_concurrent: 1 } }, cuts: () => [] }
    const { events } = await runWithLaws(
      { name: 'narrow', steps: [step('lead', 'lead'), step('x', 'leaf'), step('y', 'leaf')] },
      options,
    )
    expect(events.at(-1)?.data).toMatchObject({ status: 'succeeded' })
    expect(most).toBe(1)
  })

  test('a pool holds back asks, not steps', async () => {
    let running = 0
    let most = 0
    const perform: Perform = async (request, world, signal) => {
      most = Math.max(most, ++running)
      const outcome = await answerAfter(request, world, signal)
      running--
      return outcome
    }
    const bodies = {
      s: (ctx: StepContext) => ctx.effect({ kind: 'fake', safety: 'billable', pool: 'provider:x', request: { ms: 2 } }),
    }
    const steps = Array.from({ length: 20 }, (_, i) => step(`s${i}`, 's'))
    await runWithLaws({ name: 'pool', steps }, { ...lawsOf(bodies, perform), poolLimit: () => 3, cuts: () => [] })
    expect(most).toBe(3)
  })

  test('the engine alone retries: exponential waits, Retry-After kept, then the step is told once', async () => {
    const waits: number[] = []
    let last = 0
    let told = 0
    const perform: Perform = async (_, world) => {
      if (last) waits.push(world.clock() - last)
      last = world.clock()
      return {
        ok: false,
        code: 'rate_limited',
        message: 'slow down',
        touched: 'no',
        retry: true,
        ...(waits.length === 1 ? { retry_after_ms: 5_000 } : {}),
      }
    }
    const bodies = {
      s: (ctx: StepContext) =>
        ctx.effect({ kind: 'fake', safety: 'billable', request: {} }).catch((error: StepFailure) => {
          told++
          throw error
        }),
    }
    const options = { ...lawsOf(bodies, perform), plan: { limits: { tries: 4, backoff_ms: 100 } }, cuts: () => [] }
    const { events } = await runWithLaws({ name: 'retry', steps: [step('s', 's')] }, options)
    expect(waits).toHaveLength(3)
    expect(waits[1]).toBeGreaterThanOrEqual(5_000)
    expect(told).toBe(2)
    expect(events.filter((event) => event.type === 'effect-failed')).toHaveLength(4)
    expect(events.filter((event) => event.type === 'step-failed')).toHaveLength(1)
  })

  test('F16 a Retry-After beyond the cap is not waited for', async () => {
    const perform: Perform = async () => ({
      ok: false,
      code: 'rate_limited',
      message: 'x',
      touched: 'no',
      retry: true,
      retry_after_ms: 9e9,
    })
    const bodies = { s: (ctx: StepContext) => ctx.effect({ kind: 'fake', safety: 'billable', request: {} }) }
    const { events } = await runWithLaws({ name: 'cap', steps: [step('s', 's')] }, lawsOf(bodies, perform))
    expect(events.filter((event) => event.type === 'effect-intended')).toHaveLength(1)
  })

  test('I15 calls of one step are capped over retry and fallback together', async () => {
    const perform: Perform = async () => ({ ok: false, code: 'x', message: 'x', touched: 'no', retry: true })
    const call = (ctx: StepContext) =>
      ctx.effect({ kind: 'fake', safety: 'billable', request: {} }).catch((error: StepFailure) => error.code)
    const bodies = { s: async (ctx: StepContext) => [await call(ctx), await call(ctx), await call(ctx)] }
    const options = { ...lawsOf(bodies, perform), plan: { limits: { tries: 3, calls_per_step: 5, backoff_ms: 1 } } }
    const { events } = await runWithLaws({ name: 'cap', steps: [step('s', 's')] }, options)
    expect(events.filter((event) => event.type === 'effect-intended')).toHaveLength(5)
    expect(events.find((event) => event.type === 'budget-refused')?.data).toMatchObject({ code: 'calls_exhausted' })
  })

  test('step retry runs the function again; a step that may have touched the world is not run again', async () => {
    const bodies = {
      flaky: async (ctx: StepContext, attempt: number) => {
        await ask(ctx, 'x')
        if (attempt < 3) throw new StepFailure('flaky', 'not yet')
        return attempt
      },
      unsafe: async (ctx: StepContext) => {
        await ctx.effect({ kind: 'fake', safety: 'unsafe', request: {} })
        throw new StepFailure('late', 'after the deed')
      },
    }
    const retry = { attempts: 3, delay_ms: 5 }
    const { events } = await runWithLaws(
      { name: 'again', steps: [step('a', 'flaky', { retry }), step('b', 'unsafe', { retry })] },
      lawsOf(bodies),
    )
    expect(events.filter((event) => event.type === 'step-retried')).toHaveLength(2)
    expect(events.filter((event) => event.type === 'effect-intended' && event.data.safety === 'unsafe')).toHaveLength(1)
  })

  test('timeouts of a step and of a run; an executor that stays silent is given up', async () => {
    const perform: Perform = async (request, world, signal) =>
      request.deaf ? new Promise(() => {}) : answerAfter(request, world, signal)
    const bodies = {
      slow: (ctx: StepContext) => ask(ctx, 'x', 10_000),
      deaf: (ctx: StepContext) => ctx.effect({ kind: 'fake', safety: 'unsafe', request: { deaf: true } }),
    }
    const one = await runWithLaws(
      { name: 'timeout', steps: [step('s', 'slow', { timeout_ms: 50 }), step('d', 'deaf', { timeout_ms: 20 })] },
      { ...lawsOf(bodies, perform), cuts: () => [] },
    )
    expect(one.events.filter((event) => event.type === 'step-failed').map((event) => event.data.code)).toEqual([
      'timeout',
      'timeout',
    ])
    expect(one.events.find((event) => event.type === 'effect-failed' && event.data.code === 'abandoned')).toBeDefined()
    expect(one.events.at(-1)?.data).toMatchObject({ status: 'failed', unknown: ['d/fake'] })
    const two = await runWithLaws(
      { name: 'deadline', steps: [step('s', 'slow')] },
      { ...lawsOf(bodies, perform), plan: { limits: { timeout_ms: 70 } } },
    )
    expect(two.events.at(-1)?.data).toMatchObject({ status: 'exhausted', reason: 'deadline' })
  })

  test('cancel while a lead waits for children, during a retry wait and before steps have started', async () => {
    const perform: Perform = async (request, world, signal) =>
      request.fail
        ? { ok: false, code: 'x', message: 'x', touched: 'no', retry: true, retry_after_ms: 1_000 }
        : answerAfter(request, world, signal)
    const bodies = {
      leaf: (ctx: StepContext) => ask(ctx, 'leaf', 300),
      lead: async (ctx: StepContext) =>
        (
          await ctx.propose('work', [
            step('lead/a', 'leaf'),
            step('lead/b', 'leaf', { after: [{ step: 'lead/a', on: 'always' }] }),
          ])
        ).length,
      waits: (ctx: StepContext) => ctx.effect({ kind: 'fake', safety: 'pure', request: { fail: true } }),
    }
    const steps = [
      step('lead', 'lead'),
      step('w', 'waits'),
      step('never', 'leaf', { after: [{ step: 'lead', on: 'always' }] }),
    ]
    const options: LawOptions = {
      ...lawsOf(bodies, perform),
      during: (run, world) => void world.wake(world.clock() + 40, () => run.cancel()),
    }
    const { events } = await runWithLaws({ name: 'cancel', steps }, options)
    expect(events.at(-1)?.data).toMatchObject({ status: 'cancelled' })
    expect(
      events
        .filter((event) => event.type === 'step-cancelled')
        .map((event) => event.data.step)
        .sort(),
    ).toEqual(['lead', 'lead/a', 'w'])
    expect(events.some((event) => 'step' in event.data && event.data.step === 'never')).toBe(false)
  })

  test('edges on success and failure; a step is skipped when all its dependencies were', async () => {
    const bodies = {
      ok: async () => 1,
      bad: async (): Promise<Json> => {
        throw new StepFailure('bad', 'bad')
      },
    }
    const on = (id: string, how: 'success' | 'failure' | 'always') => ({ after: [{ step: id, on: how }] })
    const steps = [
      step('a', 'ok'),
      step('b', 'bad'),
      step('a-ok', 'ok', on('a', 'success')),
      step('a-bad', 'ok', on('a', 'failure')),
      step('b-bad', 'ok', on('b', 'failure')),
      step('b-ok', 'ok', on('b', 'success')),
      step('after-skip', 'ok', on('b-ok', 'always')),
      step('plain', 'ok', on('b', 'always')),
    ]
    const { events } = await runWithLaws({ name: 'edges', steps }, lawsOf(bodies))
    const skipped = events
      .filter((event) => event.type === 'step-skipped')
      .map((event) => `${event.data.step} ${event.data.reason}`)
    expect(skipped.sort()).toEqual(['a-bad edge', 'after-skip dependencies-skipped', 'b-ok edge'])
    expect(events.at(-1)?.data).toMatchObject({ status: 'partial', steps: { succeeded: 4, failed: 1, skipped: 3 } })
  })

  test('bad proposals are refused where they are made', async () => {
    const propose = (steps: GraphStep[]) => (ctx: StepContext) =>
      ctx.propose('p', steps).then((children) => children.length)
    const bodies = {
      ok: async () => 1,
      foreign: propose([step('elsewhere', 'ok')]),
      twice: propose([step('twice/a', 'ok'), step('twice/a', 'ok')]),
      circle: propose([
        step('circle/a', 'ok', { after: [{ step: 'circle/b', on: 'always' }] }),
        step('circle/b', 'ok', { after: [{ step: 'circle/a', on: 'always' }] }),
      ]),
      again: async (ctx: StepContext) => {
        await ctx.propose('p', [step('again/a', 'ok')])
        return (await ctx.propose('q', [step('again/a', 'ok')])).length
      },
      empty: propose([]),
    }
    const { events } = await runWithLaws(
      { name: 'proposals', steps: ['foreign', 'twice', 'circle', 'again', 'empty'].map((name) => step(name, name)) },
      lawsOf(bodies),
    )
    const failed = events.filter((event) => event.type === 'step-failed')
    expect(failed.map((event) => [event.data.step, event.data.code]).sort()).toEqual([
      ['again', 'bad_proposal'],
      ['circle', 'bad_proposal'],
      ['foreign', 'bad_proposal'],
      ['twice', 'bad_proposal'],
    ])
  })

  test('requests and results that are not JSON fail with a code', async () => {
    const bodies = {
      request: (ctx: StepContext) =>
        ctx.effect({ kind: 'fake', safety: 'pure', request: { when: new Date(0) } as never }),
      result: async () => new Map() as never,
      missing: async (ctx: StepContext) => ctx.effect({ kind: 'nobody', safety: 'pure', request: null }),
    }
    const { events } = await runWithLaws(
      { name: 'json', steps: Object.keys(bodies).map((name) => step(name, name)) },
      lawsOf(bodies),
    )
    const codes = events.filter((event) => event.type === 'step-failed').map((event) => event.data.code)
    expect(codes.sort()).toEqual(['no_executor', 'not_json', 'not_json'])
  })
})
