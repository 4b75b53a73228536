import { describe, expect, it } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import type { EffectAsk } from '../engine/effect.ts'
import { StepFailure } from '../engine/step.ts'
import type { RoutePlan, TelemetryAnswer } from '../events/routing.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { agentStep } from './agent.ts'
import { chooseOrder, keepCheaper } from './route.ts'

function candidate(model: string, dollars?: number): Candidate {
  const price = dollars === undefined ? undefined : Math.round(dollars * 1e9)
  const prices = price === undefined ? {} : { prices: { input: price, output: price } }
  return { provider: 'p', model, card: { provider: 'p', model, ...prices, sources: ['test'] } }
}

function routed(plan: Partial<RoutePlan>, ...all: readonly Candidate[]): readonly Candidate[] {
  const [first, ...others] = all
  return [{ ...(first as Candidate), route: { among: all.length, ...plan } }, ...others]
}

const tell = (models: TelemetryAnswer['models']) => () => ({ models }) as unknown as Json
const names = (candidates: readonly Candidate[]) => candidates.map(({ model }) => model)

describe('chooseOrder', () => {
  it('without a choice nothing is asked, counted or recorded', async () => {
    const ctx = new FakeContext(() => null)
    const candidates = [candidate('a'), candidate('b')]
    const route = await chooseOrder(ctx, candidates, () => {
      throw new Error('counted')
    })
    expect(route).toEqual({ candidates })
    expect(ctx.asked).toEqual([])
  })

  it('asks once how the models did, and goes by it', async () => {
    const ctx = new FakeContext(tell({ 'p/a': { samples: 50, success: 0.1 }, 'p/b': { samples: 50, success: 1 } }))
    const candidates = routed({ requirements: { capability: 'coding' } }, candidate('a', 1), candidate('b', 1))
    const route = await chooseOrder(ctx, candidates, () => 1000)
    expect(ctx.asked).toEqual([
      { kind: 'telemetry', safety: 'pure', request: { models: ['p/a', 'p/b'], capability: 'coding' } },
    ])
    expect(names(route.candidates)).toEqual(['b', 'a'])
    expect(route.decision).toMatchObject({
      exploration: 0.05,
      draw: 0.5,
      explored: false,
      need: { input_tokens: 1000 },
    })
    expect(route.candidates.some((one) => one.route)).toBe(false)
  })

  it('what the budget does not pay for is asked after what it pays for, and what nobody knows the price of stays', async () => {
    const ctx = new FakeContext(() => ({ models: { 'p/dear': { samples: 50, success: 1 } }, left: 500_000 }))
    const candidates = routed({ exploration: 0 }, candidate('dear', 5), candidate('cheap', 0.1), candidate('unknown'))
    const route = await chooseOrder(ctx, candidates, () => 1000)
    expect(route.decision).toMatchObject({ left: 500_000, scores: [{ obstacle: 'budget' }, {}, {}] })
    expect(names(route.candidates).at(-1)).toBe('dear')
    expect(route.decision?.scores.slice(1).some(({ obstacle }) => obstacle)).toBe(false)
  })

  it('fallbacks stay behind those that were chosen from, in their order', async () => {
    const ctx = new FakeContext(tell({ 'p/b': { samples: 9, success: 1 }, 'p/a': { samples: 9, success: 0.2 } }))
    const candidates = routed({ among: 2 }, candidate('a'), candidate('b'), candidate('z'), candidate('y'))
    expect(names((await chooseOrder(ctx, candidates, () => 1)).candidates)).toEqual(['b', 'a', 'z', 'y'])
  })

  it('fails when none of them may be asked, and says what stands against each', async () => {
    const ctx = new FakeContext(tell({}))
    const candidates = routed({ requirements: { max_cost_per_call: 10 } }, candidate('a', 1), candidate('b', 2))
    const failure = await chooseOrder(ctx, candidates, () => 1000).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'no_model_fits',
      message: 'no model is what the step requires: p/a (max_cost_per_call), p/b (max_cost_per_call)',
    })
  })
})

describe('I05: when the budget does not pay', () => {
  it('cheaper models are left, the cheapest first', () => {
    const left = [
      candidate('dearer', 9),
      candidate('cheap', 1),
      candidate('free', 0),
      candidate('same', 5),
      candidate('unknown'),
    ]
    expect(names(keepCheaper(left, candidate('refused', 5)))).toEqual(['free', 'cheap', 'unknown'])
  })

  it('the step goes on with them', async () => {
    const answers = (ask: EffectAsk): Json | StepFailure => {
      const { model } = ask.request as { readonly model?: string }
      if (ask.kind === 'telemetry') return { models: {} }
      if (model !== 'cheap') return new StepFailure('budget_exhausted', 'no money')
      return { content: [{ type: 'text', text: 'hi' }], finish: 'stop', usage: {} }
    }
    const ctx = new FakeContext(answers)
    const weights = { cost: 0, skill: 1, success: 0, latency: 0, context: 0 }
    const candidates = routed(
      { weights, exploration: 0 },
      candidate('first', 5),
      candidate('dear', 9),
      candidate('cheap', 1),
    )
    const spec = { agent: 'a', title: 'A', system: '', candidates, blocks: [] } as unknown as JsonObject
    const done = await agentStep.run(
      { id: 'a', kind: 'agent', attempt: 1, spec },
      { input: 'x', dependencies: [] },
      ctx,
    )
    expect(done).toEqual({ output: 'hi' })
    const routes = ctx.recorded.filter(({ type }) => type === 'step-routed').map(({ facts }) => facts)
    expect(routes.map(({ model, reason, because }) => [model, reason, because])).toEqual([
      ['first', 'routed', undefined],
      ['cheap', 'fallback', 'budget_exhausted'],
    ])
    expect(routes[0]?.['route']).toMatchObject({ order: [0, 1, 2] })
  })
})
