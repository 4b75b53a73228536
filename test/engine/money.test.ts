import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { EffectOutcome } from '../../src/engine/effect.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { Event, EventOf, RunLimits } from '../../src/events/event.ts'
import type { Amount, Need } from '../../src/events/money.ts'
import { createRandom } from '../../src/events/random.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { type LawOptions, runWithLaws } from '../laws.ts'

/** 100 tokens of input for 100 nano-dollars, up to 900 of output at one nano-dollar each. */
const NEED: Need = { input_tokens: 100, input_cost: 100, output_tokens: 900, least_output: 50, output_price: 1_000_000 }

type Body = (ctx: StepContext, id: string) => Promise<Json>
type Bill = (request: JsonObject, world: VirtualWorld, order: { output_tokens?: number }) => Promise<EffectOutcome>

const call = (ctx: StepContext, { request = {}, need = NEED }: { request?: JsonObject; need?: Need | 'none' } = {}) =>
  ctx.effect({ kind: 'model', safety: 'billable', request, ...(need === 'none' ? {} : { need }) })

const billed = (cost: number, output: number): EffectOutcome => ({
  ok: true,
  answer: 'ok',
  cost,
  usage: { input: 100, output },
})

async function run(
  bodies: Body | { readonly [id: string]: Body },
  how: {
    limits?: Partial<RunLimits>
    bill?: Bill
    steps?: readonly GraphStep[]
    cuts?: LawOptions['cuts']
    seed?: string
  } = {},
) {
  const code: StepKind = {
    kind: 'code',
    version: 1,
    run: async (step, _, ctx) => {
      const body = typeof bodies === 'function' ? bodies : (bodies[step.id] as Body)
      return { output: await body(ctx, step.id) }
    },
  }
  const bill: Bill = how.bill ?? (async () => billed(1_000, 900))
  const { events } = await runWithLaws(
    { name: 'g', steps: how.steps ?? [{ id: 's', kind: 'code', spec: {} }] },
    {
      kinds: { code },
      executors: (world) => ({
        model: { kind: 'model', run: (order) => bill(order.request as JsonObject, world, order) },
      }),
      plan: { limits: { tries: 3, calls_per_step: 20, backoff_ms: 10, backoff_cap_ms: 100, ...how.limits } },
      ...(how.cuts ? { cuts: how.cuts } : {}),
      ...(how.seed ? { seed: how.seed } : {}),
    },
  )
  expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
  return events
}

function ofType<T extends Event['type']>(events: readonly Event[], type: T): EventOf<T>[] {
  return events.filter((event) => event.type === type) as EventOf<T>[]
}

const spentIn = (events: readonly Event[]): Amount =>
  ofType(events, 'budget-settled').reduce(
    (sum, { data }) => ({ cost: sum.cost + data.amount.cost, tokens: sum.tokens + data.amount.tokens }),
    { cost: 0, tokens: 0 },
  )
const statusOf = (events: readonly Event[]) => ofType(events, 'run-finished')[0]?.data.status

describe('a budget', () => {
  test('holds the worst before the call and settles what it cost after it', async () => {
    const events = await run((ctx) => call(ctx), { limits: { max_cost: 5_000 }, bill: async () => billed(400, 300) })
    expect(ofType(events, 'effect-intended')[0]?.data.reserved).toEqual({ cost: 1_000, tokens: 1_000 })
    expect(ofType(events, 'budget-settled').map(({ data }) => data)).toMatchObject([
      { amount: { cost: 400, tokens: 400 }, basis: 'told' },
    ])
  })

  test('a call that cannot be paid whole gets less output; one that cannot be paid at all is refused and the run is exhausted', async () => {
    const cuts: (number | undefined)[] = []
    const events = await run(async (ctx) => [await call(ctx), await call(ctx), await call(ctx)], {
      limits: { max_cost: 1_400 },
      bill: async (_, __, order) => {
        cuts.push(order.output_tokens)
        return billed(100 + (order.output_tokens ?? 900), order.output_tokens ?? 900)
      },
      cuts: () => [],
    })
    expect(cuts).toEqual([undefined, 300])
    expect(ofType(events, 'budget-refused').map(({ data }) => data.code)).toEqual(['budget_exhausted'])
    expect(spentIn(events)).toEqual({ cost: 1_400, tokens: 1_400 })
    expect(statusOf(events)).toBe('exhausted')
  })

  test('calls that cannot be paid now wait until others are settled, first come first served', async () => {
    const steps = ['a', 'b', 'c', 'd'].map((id) => ({ id, kind: 'code', spec: {} }))
    const events = await run((ctx) => call(ctx), {
      steps,
      limits: { max_cost: 2_000 },
      bill: async (_, world) => {
        await world.sleep(10)
        return billed(200, 100)
      },
    })
    expect(statusOf(events)).toBe('succeeded')
    expect(ofType(events, 'effect-intended').map(({ data }) => data.step)).toEqual(['a', 'b', 'c', 'd'])
    expect(ofType(events, 'effect-intended').every(({ data }) => data.output_tokens === undefined)).toBe(true)
  })

  test('F18 an answer without usage is charged at what was held, and marked', async () => {
    const events = await run((ctx) => call(ctx), {
      limits: { max_cost: 5_000 },
      bill: async () => ({ ok: true, answer: 'x' }),
    })
    expect(ofType(events, 'budget-settled')[0]?.data).toMatchObject({
      amount: { cost: 1_000, tokens: 1_000 },
      basis: 'reserved',
    })
  })

  test('a bill ten times too high is settled as it is, and no new call starts', async () => {
    const events = await run(async (ctx) => [await call(ctx), await call(ctx)], {
      limits: { max_cost: 5_000 },
      bill: async () => billed(10_000, 900),
    })
    expect(spentIn(events).cost).toBe(10_000)
    expect(ofType(events, 'effect-intended')).toHaveLength(1)
    expect(statusOf(events)).toBe('exhausted')
  })

  test('a price nobody knows is refused under a limit on cost, and not under one on tokens', async () => {
    const unknown: Need = { input_tokens: 100, output_tokens: 900, least_output: 50 }
    const refused = await run((ctx) => call(ctx, { need: unknown }), { limits: { max_cost: 5_000 } })
    expect(ofType(refused, 'budget-refused')[0]?.data.code).toBe('price_unknown')
    expect(statusOf(await run((ctx) => call(ctx, { need: unknown }), { limits: { max_tokens: 5_000 } }))).toBe(
      'succeeded',
    )
    const silent = await run((ctx) => call(ctx, { need: 'none' }), { limits: { max_tokens: 5_000 } })
    expect(ofType(silent, 'budget-refused')[0]?.data.code).toBe('price_unknown')
  })

  test('what never reached the provider costs nothing; every try is held for and settled', async () => {
    let tries = 0
    const events = await run((ctx) => call(ctx), {
      limits: { max_cost: 2_000 },
      cuts: () => [],
      bill: async () =>
        ++tries < 3
          ? { ok: false, code: 'provider_unreachable', message: 'no', touched: 'no', retry: true }
          : billed(500, 400),
    })
    expect(ofType(events, 'budget-settled').map(({ data }) => [data.basis, data.amount.cost])).toEqual([
      ['untouched', 0],
      ['untouched', 0],
      ['told', 500],
    ])
  })

  test('a try that may have been billed is charged whole; when no further one can be paid, the step is told', async () => {
    const events = await run((ctx) => call(ctx), {
      limits: { max_cost: 1_500 },
      bill: async () => ({ ok: false, code: 'provider_error', message: 'no', touched: 'maybe', retry: true }),
    })
    expect(ofType(events, 'budget-refused')).toMatchObject([{ actor: 'engine', data: { code: 'budget_exhausted' } }])
    expect(spentIn(events).cost).toBe(1_000)
    expect(statusOf(events)).toBe('exhausted')
  })

  test('the budget of a step binds what it proposes, and leaves its neighbours alone', async () => {
    const outcome = async (ctx: StepContext) => {
      try {
        return await call(ctx)
      } catch (error) {
        if (error instanceof StepFailure && error.code !== 'aborted') return error.code
        throw error
      }
    }
    const events = await run(
      {
        tight: async (ctx) => {
          const children = await ctx.propose('c', [
            { id: 'tight/x', kind: 'code', spec: {} },
            { id: 'tight/y', kind: 'code', spec: {}, after: [{ step: 'tight/x', on: 'always' }] },
          ])
          return children.map(({ output = null }) => output)
        },
        'tight/x': outcome,
        'tight/y': outcome,
        free: async (ctx) => [await outcome(ctx), await outcome(ctx)],
      },
      {
        steps: [
          { id: 'tight', kind: 'code', spec: {}, budget: { max_cost: 1_000 } },
          { id: 'free', kind: 'code', spec: {} },
        ],
      },
    )
    expect(ofType(events, 'budget-refused').map(({ data }) => data.step)).toEqual(['tight/y'])
    // Where nothing limits them, calls hold nothing.
    expect(spentIn(events).cost).toBe(1_000)
  })
})

describe('U11 a budget under crowds and crashes', () => {
  const SEEDS = process.env.LAWS === 'full' ? 300 : 12

  test(`${SEEDS} crowds: billed within the limit, nothing held at the end, the ledger is the sum of the bills`, async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = createRandom(`crowd ${seed}`)
      const limit = 2_000 + Math.floor(random() * 20_000)
      const steps = Array.from({ length: 8 + Math.floor(random() * 24) }, (_, n) => ({
        id: `s${n}`,
        kind: 'code',
        spec: {},
      }))
      const events = await run(
        async (ctx, id) => {
          const needs = Array.from({ length: 1 + (id.length % 3) }, () => call(ctx, { request: { id } }))
          const ends = await Promise.allSettled(needs)
          return ends.map(({ status }) => status)
        },
        {
          steps,
          seed: `crowd ${seed}`,
          limits: { max_cost: limit },
          bill: async (_, world, order) => {
            await world.sleep(1 + Math.floor(random() * 30))
            const chance = random()
            if (chance < 0.15)
              return { ok: false, code: 'flaky', message: 'm', touched: chance < 0.07 ? 'no' : 'maybe', retry: true }
            const output = Math.floor((order.output_tokens ?? 900) * random())
            return chance < 0.3 ? { ok: true, answer: 'x' } : billed(100 + output, output)
          },
          cuts: (all) => [Math.floor(all.length / 3), Math.floor((2 * all.length) / 3)].filter((cut) => cut > 1),
        },
      )
      expect(spentIn(events).cost).toBeLessThanOrEqual(limit)
    }
  })

  test('200 calls side by side against a budget for 37: no overshoot, at least 95 % of it used', async () => {
    const steps = Array.from({ length: 200 }, (_, n) => ({ id: `s${n}`, kind: 'code', spec: {} }))
    const events = await run((ctx) => call(ctx), {
      steps,
      limits: { max_cost: 37_000 },
      cuts: () => [],
      bill: async (_, world) => {
        await world.sleep(5)
        return billed(1_000, 900)
      },
    })
    const { cost } = spentIn(events)
    expect(cost).toBeLessThanOrEqual(37_000)
    expect(cost).toBeGreaterThanOrEqual(0.95 * 37_000)
    expect(statusOf(events)).toBe('exhausted')
  })
})

describe('other limits', () => {
  test('a limit on calls holds for repetitions, too', async () => {
    const events = await run((ctx) => call(ctx), {
      limits: { max_calls: 2 },
      bill: async () => ({ ok: false, code: 'provider_error', message: 'no', touched: 'maybe', retry: true }),
    })
    expect(ofType(events, 'effect-intended')).toHaveLength(2)
    expect(ofType(events, 'budget-refused').map(({ data }) => data.code)).toEqual(['budget_exhausted'])
    expect(statusOf(events)).toBe('exhausted')
  })

  test('an unpriced model is free only where that is allowed', async () => {
    const need = { input_tokens: 100, output_tokens: 900, least_output: 50 }
    const refused = await run((ctx) => call(ctx, { need }), { limits: { max_cost: 2_000 } })
    expect(ofType(refused, 'budget-refused').map(({ data }) => data.code)).toEqual(['price_unknown'])
    const allowed = await run((ctx) => call(ctx, { need }), { limits: { max_cost: 2_000, unpriced: 'allow' } })
    expect(statusOf(allowed)).toBe('succeeded')
  })
})

test('an answer from the cache gives back what was held, and its place among the calls', async () => {
  const events = await run(async (ctx) => [await call(ctx), await call(ctx), await call(ctx)], {
    limits: { max_cost: 1_500, max_calls: 1 },
    bill: async () => ({ ok: true, answer: 'ok', source: 'cache' }),
  })
  expect(ofType(events, 'budget-settled').map(({ data }) => data.basis)).toEqual([
    'untouched',
    'untouched',
    'untouched',
  ])
  expect(spentIn(events).cost).toBe(0)
  expect(statusOf(events)).toBe('succeeded')
})
