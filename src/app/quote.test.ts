import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../engine/engine.ts'
import type { ModelCard, Prices } from '../events/model-card.ts'
import { type BudgetLimits, priceOf } from '../events/money.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { gracefulSpec } from '../graph/graceful.ts'
import type { GraphStep, StepGraph } from '../graph/step-graph.ts'
import { needFor, needOf } from '../steps/need.ts'
import { quoteRun } from './quote.ts'
import { createPast } from './quote-past.ts'

const PRICES: Prices = { input: 1_000_000_000, output: 4_000_000_000 }
const card = (more: Partial<ModelCard> = {}): ModelCard => ({
  provider: 'p',
  model: 'm',
  prices: PRICES,
  max_output: 1_000,
  context_window: 100_000,
  sources: [],
  ...more,
})

function agent(
  id: string,
  {
    card: known = card(),
    after,
    spec,
    ...more
  }: { card?: ModelCard; after?: GraphStep['after']; spec?: object } & Partial<
    Pick<GraphStep, 'retry' | 'timeout_ms'>
  > = {},
): GraphStep {
  const candidate = { provider: 'p', model: 'm', card: known }
  const whole = { agent: id, title: id, system: 'You are brief.', candidates: [candidate], blocks: [], ...spec }
  return { id, kind: 'agent', spec: whole as unknown as JsonObject, ...(after ? { after } : {}), ...more }
}

const quote = (
  steps: readonly GraphStep[],
  { input = 'hello there', limits = {}, ...graph }: { input?: Json; limits?: object } & Partial<StepGraph> = {},
) =>
  quoteRun(
    { name: 'g', steps, ...graph },
    { input, past: createPast(), limits: { ...DEFAULT_LIMITS, ...limits }, isFree: (name) => name === 'here' },
  )
const reasonsOf = (steps: readonly GraphStep[], how = {}) =>
  quote(steps, how).unbounded.map(({ step, what, why }) => `${step} ${what}: ${why}`)

describe('F3: the worst case', () => {
  test('of one call is what the engine would reserve, for every try', () => {
    const { total } = quote([agent('a')])
    const request = {
      provider: 'p',
      model: 'm',
      messages: [
        { role: 'system' as const, content: [{ type: 'text' as const, text: 'You are brief.' }] },
        { role: 'user' as const, content: [{ type: 'text' as const, text: 'hello there' }] },
      ],
    }
    const reserved = priceOf(needOf(request, card()), 1_000).cost
    expect(total.worst.calls).toBe(3)
    expect(total.worst.cost).toBeGreaterThanOrEqual(3 * reserved)
    expect(total.worst.cost).toBeLessThan(3 * reserved * 1.2)
    expect(needFor(50, 10, card())).toMatchObject({ input_tokens: 50, output_tokens: 10, input_cost: 50_000 })
  })

  test('knows step retries, fallbacks and answers asked for again, and stops at the calls of one step', () => {
    expect(quote([agent('a', { retry: { attempts: 2 } })]).total.worst.calls).toBe(6)
    const two = { candidates: [1, 2].map((n) => ({ provider: 'p', model: `m${n}`, card: card() })) }
    expect(quote([agent('a', { spec: two })]).total.worst.calls).toBe(6)
    const typed = { output_schema: { type: 'object' } }
    expect(quote([agent('a', { spec: typed })]).total.worst.calls).toBe(9)
    expect(quote([agent('a', { spec: typed })], { limits: { calls_per_step: 8 } }).total.worst.calls).toBe(8)
  })

  test('counts a loop so often as it may run, a list so often as it has items', () => {
    const one = quote([agent('a')]).total.worst.cost ?? 0
    const loop = {
      id: 'l',
      kind: 'loop',
      spec: { body: { name: 'l', steps: [agent('a')] }, max_iterations: 5, until: 'round > 2' },
    }
    expect(quote([loop as unknown as GraphStep]).total).toMatchObject({
      worst: { cost: 5 * one, calls: 15 },
      least: { calls: 1 },
    })
    const list = { id: 'e', kind: 'each', spec: { step: agent('e'), over: '[1, 2, 3]' } }
    expect(quote([list as unknown as GraphStep]).total).toMatchObject({ worst: { calls: 9 }, least: { calls: 3 } })
    const given = { id: 'e', kind: 'each', spec: { step: agent('e'), over: 'input.items' } }
    expect(quote([given as unknown as GraphStep], { input: { items: ['a', 'b'] } }).total.worst.calls).toBe(6)
  })

  test('of an ensemble inside that finishes is its graph on a part of its budget, and one more answer', () => {
    const graph = { name: 'inner', steps: [agent('a'), agent('b', { after: [{ step: 'a', on: 'always' }] })] }
    const finish = (limits: BudgetLimits): GraphStep => ({
      id: 'sub',
      kind: 'graceful',
      spec: {
        ...gracefulSpec(graph, { limits, candidates: [{ provider: 'p', model: 'm', card: card() }] }),
        ensemble: 'inner',
      } as unknown as JsonObject,
      budget: limits,
    })
    const nested = { id: 'sub', kind: 'nested', spec: { ensemble: 'inner', graph } } as unknown as GraphStep
    const [free, plain] = [quote([finish({ max_calls: 1_000 })]).total, quote([nested]).total]
    expect(free.least.cost).toBe(plain.least.cost)
    expect(free.expected.cost).toBe(plain.expected.cost)
    expect(free.worst.calls).toBeGreaterThan(plain.worst.calls ?? 0)
    expect(quote([finish({ max_cost: 9_000 })]).total.worst.cost).toBe(9_000)
    expect(reasonsOf([finish({ max_cost: 9_000 })])).toEqual([])
  })

  test('is held by the budgets of steps and of the whole, unless a person may give more', () => {
    const dear = agent('a', { card: card({ prices: { input: 1e12, output: 1e12 } }) })
    expect(quote([{ ...dear, budget: { max_cost: 5_000 } }]).total.worst.cost).toBe(5_000)
    expect(quote([dear], { budget: { limits: { max_cost: 7_000 } } }).total.worst.cost).toBe(7_000)
    expect(quote([{ ...dear, budget: { max_cost: 5_000, on_limit: 'ask' } }]).total.worst.cost).toBe(
      quote([dear]).total.worst.cost,
    )
    expect(
      quote([{ ...dear, budget: { max_cost: 5_000, on_limit: 'ask', within: { max_cost: 6_000 } } }]).total.worst.cost,
    ).toBe(6_000)
    expect(
      quote([dear], { budget: { limits: { max_cost: 7_000 }, on_limit: 'ask' } }).total.worst.cost,
    ).toBeGreaterThan(7_000)
    const unpriced = agent('a', { card: { provider: 'p', model: 'm', sources: [] } })
    expect(reasonsOf([unpriced], { budget: { limits: { max_cost: 7_000 } } })).toEqual([])
  })

  test('in time is the longest way, and longer when only one may run at once', () => {
    const steps = [
      agent('a', { timeout_ms: 1_000 }),
      agent('b', { timeout_ms: 1_000 }),
      agent('c', { timeout_ms: 1_000, after: [{ step: 'a', on: 'always' }] }),
    ]
    const { ms: free = 0 } = quote(steps).total.worst
    const { ms: one = 0 } = quote(steps, { limits: { max_concurrent: 1 } }).total.worst
    expect(one).toBe(free * 1.5)
    expect(quote(steps, { limits: { timeout_ms: 10 } }).total.worst.ms).toBe(10)
  })
})

test('F3: what a request may hold is held by the limit of its agent', () => {
  const wide = card({ context_window: 1_000_000, max_output: 10 })
  const long = 'word '.repeat(10_000)
  const free = quote([agent('a', { card: wide })], { input: long }).total.worst.tokens ?? 0
  const held = quote([agent('a', { card: wide, spec: { context: { budget_tokens: 500 } } })], { input: long }).total
  expect(free).toBeGreaterThan(30_000)
  expect(held.worst.tokens).toBe(3 * 510)
  expect(held.least.tokens).toBeLessThanOrEqual(510)
})

describe('F3: unbounded is said plainly, with the place', () => {
  test('a missing price, and answers without a limit', () => {
    expect(reasonsOf([agent('a', { card: { provider: 'p', model: 'm', max_output: 9, sources: [] } })])).toEqual([
      'a cost: the price of p/m is not known',
    ])
    const { max_output: _, context_window: __, ...open } = card()
    expect(reasonsOf([agent('a', { card: open })])[0]).toContain('a cost: the answers of p/m have no known limit')
  })

  test('a list, an ensemble or a kind that is known only when it runs', () => {
    const each = {
      id: 'e',
      kind: 'each',
      spec: { step: agent('e') },
      after: [{ step: 'a', on: 'always' }],
    } as unknown as GraphStep
    expect(reasonsOf([agent('a'), each])).toEqual(['e cost: how many items a answers is known only when it runs'])
    expect(quote([agent('a'), each]).total.worst.cost).toBeUndefined()
    expect(reasonsOf([{ id: 'd', kind: 'dispatch', spec: { ensemble: 'input' } }])[0]).toContain(
      'which ensemble input names',
    )
    expect(reasonsOf([{ id: 'n', kind: 'new', spec: {} }])[0]).toContain('the kind new')
  })

  test('a talk with tools by a model of an unknown window; waiting for a person has no limit in time alone', () => {
    const { context_window: _, ...wide } = card()
    const tools = [{ name: 't', description: 'd', input_schema: {} }]
    expect(reasonsOf([agent('a', { card: wide, spec: { tools }, timeout_ms: 5 })])[0]).toContain(
      'what its tools answer has no limit',
    )
    expect(reasonsOf([{ id: 'g', kind: 'gate', spec: {} }])).toEqual(['g time: it waits for a person'])
    expect(quote([{ id: 'g', kind: 'gate', spec: {} }]).total.worst.cost).toBe(0)
  })

  test('nothing of it where models cost nothing', () => {
    const here = { candidates: [{ provider: 'here', model: 'm' }] }
    const each = {
      id: 'e',
      kind: 'each',
      spec: { step: agent('e', { spec: here }) },
      after: [{ step: 'a', on: 'always' }],
    }
    const { total, unbounded } = quote([agent('a', { spec: here }), each as unknown as GraphStep])
    expect(unbounded).toEqual([])
    expect(total.worst.cost).toBe(0)
  })
})

test('F3: at least nothing is taken by what may be left out', () => {
  const gate: GraphStep = { id: 'a/when', kind: 'condition', spec: { expression: 'true' } }
  const gated = agent('a', { after: [{ step: 'a/when', on: 'verdict' }] })
  const behind = agent('b', { after: [{ step: 'a', on: 'always' }] })
  expect(quote([gate, gated, behind]).total.least).toMatchObject({ cost: 0, calls: 0 })
  expect(quote([agent('a'), behind]).total.least.calls).toBe(2)
})
