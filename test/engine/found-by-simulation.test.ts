/** The smallest forms of what the simulation has found in the engine. */
import { describe, expect, test } from 'vitest'
import { resumeRun, startRun } from '../../src/engine/engine.ts'
import type { Command } from '../../src/engine/inbox.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { Json } from '../../src/events/values.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { createRoom, drain, eventsOf, type LawOptions, planOf, resumeFrom, runToEnd, runWithLaws } from '../laws.ts'

type Body = (ctx: StepContext, attempt: number) => Promise<Json>
type Perform = NonNullable<ReturnType<LawOptions['executors']>[string]>['run']

function kindOf(bodies: { readonly [name: string]: Body }): StepKind {
  return {
    kind: 'code',
    version: 1,
    run: async (step, _, ctx) => ({ output: await (bodies[step.spec.body as string] as Body)(ctx, step.attempt) }),
  }
}

function step(id: string, more: Partial<GraphStep> = {}): GraphStep {
  return { id, kind: 'code', spec: { body: id }, ...more }
}

function lawsOf(bodies: { readonly [name: string]: Body }, perform: (world: VirtualWorld) => Perform): LawOptions {
  return {
    kinds: { code: kindOf(bodies) },
    executors: (world) => ({ fake: { kind: 'fake', run: perform(world) } }),
    cuts: () => [],
  }
}

/** Answers after `ms`. */
const after = (world: VirtualWorld): Perform => {
  return async ({ request }, { signal }) => {
    const { ms } = request as { ms: number }
    await world.sleep(ms, signal)
    if (signal.aborted) return { ok: false, code: 'aborted', message: 'stopped', touched: 'maybe', retry: false }
    return { ok: true, answer: ms }
  }
}

const pure = (ctx: StepContext, ms: number) => ctx.effect({ kind: 'fake', safety: 'pure', request: { ms } })
const unsafe = (ctx: StepContext, ms: number, more: { pool?: string } = {}) =>
  ctx.effect({ kind: 'fake', safety: 'unsafe', request: { ms }, ...more })

function ofType<T extends Event['type']>(events: readonly Event[], type: T): EventOf<T>[] {
  return events.filter((event) => event.type === type) as EventOf<T>[]
}

/** A run whose process died during an unsafe effect; what people say about it then, and how the run went on. */
async function parkOne(...commands: readonly Command[]): Promise<Event[]> {
  const bodies = {
    s: async (ctx: StepContext) => {
      await unsafe(ctx, 1)
      void pure(ctx, 500)
      return pure(ctx, 5)
    },
  }
  const options = lawsOf(bodies, after)
  const first = createRoom(options)
  const run = await startRun(first.ports, planOf({ name: 'parked', steps: [step('s')] }, options))
  for (let i = 0; i < 6; i++) await drain()
  run.abandon()
  const past = await eventsOf(first)
  expect(past.at(-1)?.type).toBe('effect-intended')
  const resting = await resumeFrom(past, { cut: past.length, room: first, options })
  expect(resting.at(-1)?.type).toBe('run-paused')
  const next = createRoom(options, { start: (resting.at(-1) as Event).at, seed: 'next' })
  for await (const record of first.journal.read('key/run-1'))
    await next.journal.append([
      { stream: 'run/run-1', expected: 'new', records: resting },
      { stream: 'key/run-1', expected: 'new', records: [record.data] },
    ])
  await next.journal.append([{ stream: 'inbox/run-1', expected: 'any', records: commands }])
  const resumed = await resumeRun(next.ports, 'run-1')
  if ('seq' in resumed) throw new Error(resumed.message)
  expect(await runToEnd(resumed, next.world)).toEqual({ outcome: 'finished', status: 'succeeded' })
  return eventsOf(next)
}

describe('what people say', () => {
  test('an unknown effect that did not happen is done again, and counted once', async () => {
    const events = await parkOne({ type: 'resolve', key: 's/fake', outcome: 'not-done' })
    expect(ofType(events, 'effect-intended').filter((event) => event.data.key === 's/fake')).toHaveLength(2)
    const stopped = ofType(events, 'effect-failed').filter((event) => event.data.code === 'aborted')
    expect(stopped).toHaveLength(1)
    expect(events.at(-1)?.type).toBe('run-finished')
  })

  test('of two answers to one question the first counts', async () => {
    const events = await parkOne(
      { type: 'resolve', key: 's/fake', outcome: 'not-done' },
      { type: 'resolve', key: 's/fake', outcome: 'done', answer: 'late' },
    )
    expect(events.filter((event) => event.actor === 'person')).toHaveLength(1)
  })

  test('words about an earlier try do not resolve a later one', async () => {
    const stale = { type: 'resolve', key: 's/fake', outcome: 'done', answer: 'stale', intent: 1 } as const
    const events = await parkOne(stale, { ...stale, answer: 'right', intent: 4 })
    const answers = ofType(events, 'effect-done').filter((event) => event.actor === 'person')
    expect(answers.map((event) => event.data.answer.inline?.text)).toEqual(['"right"'])
  })

  test('a question of a cancelled step is dropped, and the run ends', async () => {
    const bodies = {
      s: (ctx: StepContext) => ctx.effect({ kind: 'ask', safety: 'pure', request: 'well?' }),
      t: (ctx: StepContext) => pure(ctx, 50),
    }
    const options: LawOptions = {
      ...lawsOf(bodies, after),
      during: (run, world) => void world.wake(world.clock() + 10, () => run.cancel()),
    }
    const { end } = await runWithLaws({ name: 'asked', steps: [step('s'), step('t')] }, options)
    expect(end).toEqual({ outcome: 'finished', status: 'cancelled' })
  })
})

describe('the end of a run is its last event', () => {
  test('what a foreign error said stands before the failure', async () => {
    const bodies = {
      s: async () => {
        throw new TypeError('foreign')
      },
    }
    const { events } = await runWithLaws({ name: 'foreign', steps: [step('s')] }, lawsOf(bodies, after))
    expect(events.slice(-3).map((event) => event.type)).toEqual(['note-written', 'step-failed', 'run-finished'])
  })

  test('a deadline that is due in the turn that ends the run is not written any more', async () => {
    const bodies = {
      s: async (ctx: StepContext) => {
        void pure(ctx, 500)
        return pure(ctx, 5)
      },
    }
    const perform = (world: VirtualWorld): Perform => {
      const start = world.clock()
      return async (order, { signal }) => {
        const outcome = await after(world)(order, { signal, stream: () => {} })
        if (signal.aborted) await world.sleep(start + 100 - world.clock())
        return outcome
      }
    }
    for (const seed of ['a', 'b', 'c', 'd', 'e']) {
      const options = { ...lawsOf(bodies, perform), seed, plan: { limits: { timeout_ms: 100 } } }
      const { events } = await runWithLaws({ name: 'deadline', steps: [step('s')] }, options)
      expect(events.at(-1)?.type).toBe('run-finished')
    }
  })
})

describe('limits', () => {
  test('a step that runs again waits for a place', async () => {
    const bodies = {
      a: async (ctx: StepContext, attempt: number) => {
        if (attempt === 1) throw new StepFailure('flaky', 'not yet')
        return pure(ctx, 5)
      },
      b: (ctx: StepContext) => pure(ctx, 100),
    }
    const options = { ...lawsOf(bodies, after), plan: { limits: { max_concurrent: 1 } } }
    const { events } = await runWithLaws(
      { name: 'places', steps: [step('a', { retry: { attempts: 2 } }), step('b')] },
      options,
    )
    const at = (type: string, id: string) =>
      events.findIndex((event) => event.type === type && 'step' in event.data && event.data.step === id)
    expect(at('step-retried', 'a')).toBeGreaterThan(at('step-finished', 'b'))
  })

  test('a call waiting to be repeated keeps its place among the calls', async () => {
    let calls = 0
    const perform =
      (world: VirtualWorld): Perform =>
      async ({ safety }) => {
        const call = ++calls
        await world.sleep(safety === 'pure' ? 5 : 1)
        if (call === 1) return { ok: false, code: 'x', message: 'x', touched: 'no', retry: true, retry_after_ms: 50 }
        return { ok: true, answer: 1 }
      }
    const call = (ctx: StepContext) =>
      ctx.effect({ kind: 'fake', safety: 'billable', request: {} }).catch((error: StepFailure) => error.code)
    const bodies = {
      s: async (ctx: StepContext) => {
        const first = call(ctx)
        await ctx.effect({ kind: 'fake', safety: 'pure', request: {} })
        return Promise.all([first, call(ctx)])
      },
    }
    const options = { ...lawsOf(bodies, perform), plan: { limits: { calls_per_step: 2 } } }
    const { events } = await runWithLaws({ name: 'calls', steps: [step('s')] }, options)
    const billable = ofType(events, 'effect-intended').filter((event) => event.data.safety === 'billable')
    expect(billable).toHaveLength(2)
  })
})

describe('attempts that are over', () => {
  test('an effect whose step ends in the same turn is never begun', async () => {
    let begun = 0
    const bodies = {
      s: async (ctx: StepContext) => {
        void unsafe(ctx, 1)
        throw new StepFailure('at_once', 'it fails at once')
      },
    }
    const perform =
      (world: VirtualWorld): Perform =>
      (order, means) => {
        begun++
        return after(world)(order, means)
      }
    const { events } = await runWithLaws({ name: 'declined', steps: [step('s')] }, lawsOf(bodies, perform))
    expect(begun).toBe(0)
    expect(ofType(events, 'effect-failed')[0]?.data).toMatchObject({ code: 'aborted', touched: 'no' })
  })

  test('a failed try of an ended attempt is not repeated, and the next attempt asks for itself', async () => {
    let tries = 0
    const perform = (): Perform => async () => {
      tries++
      if (tries === 1) return { ok: false, code: 'x', message: 'x', touched: 'no', retry: true, retry_after_ms: 500 }
      return { ok: true, answer: tries }
    }
    const bodies = {
      s: async (ctx: StepContext, attempt: number) => {
        const asked = unsafe(ctx, 1)
        if (attempt === 1) await Promise.race([asked, ctx.effect({ kind: 'ask', safety: 'pure', request: 'never' })])
        return asked
      },
    }
    const options = lawsOf(bodies, perform)
    const { events, end } = await runWithLaws(
      { name: 'again', steps: [step('s', { timeout_ms: 50, retry: { attempts: 2 } })] },
      options,
    )
    expect(end).toEqual({ outcome: 'finished', status: 'succeeded' })
    expect(ofType(events, 'effect-intended').map((event) => event.data.attempt)).toEqual([1, 1, 2])
  })

  test('replay does not take the offer of an ended attempt for the same offer of the next', async () => {
    const bodies = {
      busy: (ctx: StepContext) => unsafe(ctx, 45, { pool: 'one' }),
      held: (ctx: StepContext) => unsafe(ctx, 1, { pool: 'one' }),
    }
    const options = { ...lawsOf(bodies, after), poolLimit: () => 1 }
    const steps = [step('busy'), step('held', { timeout_ms: 30, retry: { attempts: 3 } })]
    const { end } = await runWithLaws({ name: 'held', steps }, options)
    expect(end).toEqual({ outcome: 'finished', status: 'succeeded' })
  })
})
