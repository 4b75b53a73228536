import { describe, expect, it } from 'vitest'
import type { RouteCandidate, RouteQuestion } from '../events/routing.ts'
import { chooseRoute, isRouteSound, remakeRoute } from './choose.ts'
import { normaliseWeights, scoreCandidates } from './score.ts'

/** Four models of the older system's own registry: dollars for 1,000 tokens, and skills. */
const REGISTRY: readonly {
  readonly name: string
  readonly price: number
  readonly skills: { readonly [of: string]: number }
}[] = [
  { name: 'openai-gpt35', price: 0.001, skills: { 'text-generation': 0.78, reasoning: 0.72 } },
  { name: 'anthropic-claude', price: 0.003, skills: { 'text-generation': 0.92, reasoning: 0.95, coding: 0.88 } },
  { name: 'xai-grok4-fast', price: 0.0007, skills: { 'text-generation': 0.92, reasoning: 0.9, coding: 0.88 } },
  {
    name: 'xai-grok4-fast-reasoning',
    price: 0.0007,
    skills: { 'text-generation': 0.88, reasoning: 0.92, coding: 0.89 },
  },
]

function ask(more: Partial<RouteQuestion> & Pick<RouteQuestion, 'candidates'>): RouteQuestion {
  return { method: 'weighted', weights: normaliseWeights(), need: { input_tokens: 1000, output_tokens: 500 }, ...more }
}

function candidate(model: string, more: Partial<RouteCandidate> = {}): RouteCandidate {
  return { provider: 'p', model, samples: 0, ...more }
}

describe('the formula of an earlier system', () => {
  it.each([
    [
      'text-generation',
      'xai-grok4-fast 5963.35, xai-grok4-fast-reasoning 5961.35, openai-gpt35 5074.00, anthropic-claude 2581.00',
    ],
    [
      'reasoning',
      'xai-grok4-fast-reasoning 5963.35, xai-grok4-fast 5962.35, openai-gpt35 5071.00, anthropic-claude 2582.50',
    ],
    [
      'coding',
      'xai-grok4-fast-reasoning 5961.85, xai-grok4-fast 5961.35, openai-gpt35 5028.40, anthropic-claude 2579.00',
    ],
    [
      'translation',
      'xai-grok4-fast 5914.95, xai-grok4-fast-reasoning 5913.75, openai-gpt35 5028.40, anthropic-claude 2532.60',
    ],
  ])('gives its own points for %s', (capability, expected) => {
    const candidates = REGISTRY.map(({ name, price, skills }) =>
      candidate(name, {
        price: Math.round(price * 1e9),
        general: skills['text-generation'] ?? 0,
        ...(skills[capability] === undefined ? {} : { skill: skills[capability] }),
      }),
    )
    const question = ask({ method: 'ai3', requirements: { capability, min_quality: 0.7 }, candidates })
    const { order, scores } = chooseRoute(question)
    const told = order.map((index) => `${candidates[index]?.model} ${scores[index]?.score.toFixed(2)}`)
    expect(told.join(', ')).toBe(expected)
  })

  it('takes the cheapest where ours takes what can be relied on', () => {
    const candidates = [
      candidate('cheap', { price: 100_000, estimate: 150_000, samples: 100, success: 0.2, latency_ms: 900 }),
      candidate('sound', { price: 1_000_000, estimate: 1_500_000, samples: 100, success: 0.99, latency_ms: 900 }),
    ]
    expect(chooseRoute(ask({ method: 'ai3', candidates })).order[0]).toBe(0)
    expect(chooseRoute(ask({ candidates, weights: normaliseWeights({ cost: 0.1 }) })).order[0]).toBe(1)
  })
})

describe('failures by what they cost', () => {
  const weights = normaliseWeights({ skill: 0, success: 0, latency: 0, cost: 1, context: 0 })
  const costs = (...paid: readonly (number | undefined)[]) =>
    scoreCandidates(
      ask({
        weights,
        candidates: paid.map((part, index) =>
          candidate(`m${index}`, {
            samples: 1_000,
            success: 0.5,
            estimate: 1_000_000,
            ...(part === undefined ? {} : { paid: part }),
          }),
        ),
      }),
    ).map(({ score }) => score)

  it('those that cost nothing make an answer no dearer', () => {
    const [free = 0, billed = 0, unknown = 0] = costs(1, 0.5, undefined)
    expect(free).toBe(1)
    expect(billed).toBeLessThan(0.6)
    // As it was before anybody measured it: stored choices come out as they did.
    expect(unknown).toBe(billed)
  })

  it('however bad it is, the price of an answer stays within bounds', () => {
    const [free = 0, nothing = 0] = costs(1, 0)
    expect(free / nothing).toBeLessThan(21)
  })
})

describe('scores', () => {
  it('weights are brought to 1, and nothing but zeros is as usual', () => {
    const sum = Object.values(normaliseWeights({ cost: 7, skill: 2 })).reduce((total, weight) => total + weight, 0)
    expect(sum).toBeCloseTo(1, 5)
    expect(normaliseWeights({ skill: 0, success: 0, latency: 0, cost: 0, context: 0 })).toEqual(normaliseWeights())
  })

  it('lie between 0 and 1, whatever is known', () => {
    const candidates = [
      candidate('a'),
      candidate('b', { skill: 0, estimate: 0, latency_ms: 0, samples: 9, success: 0 }),
      candidate('c', { skill: 1, estimate: 1e12, usual_latency_ms: 1e7, context_window: 10 }),
    ]
    for (const { score, parts = [] } of scoreCandidates(ask({ candidates }))) {
      expect(score).toBeGreaterThanOrEqual(0)
      expect(score).toBeLessThanOrEqual(1.000001)
      for (const part of parts) expect(part >= 0 && part <= 1).toBe(true)
    }
  })

  it('small differences stay small', () => {
    const [a, b] = scoreCandidates(
      ask({ candidates: [candidate('a', { latency_ms: 1000 }), candidate('b', { latency_ms: 1010 })] }),
    )
    expect((a?.score ?? 0) - (b?.score ?? 0)).toBeLessThan(0.002)
  })

  it('ties go to the one that stands first', () => {
    expect(chooseRoute(ask({ candidates: ['a', 'b', 'c'].map((model) => candidate(model)) })).order).toEqual([0, 1, 2])
  })
})

describe('obstacles', () => {
  const requirements = { capability: 'coding', min_quality: 0.7, max_cost_per_call: 1000, max_latency_ms: 2000 }

  it('quality and cost keep a model out, time and an open breaker put it behind', () => {
    const candidates = [
      candidate('poor', { skill: 0.6 }),
      candidate('dear', { skill: 0.9, estimate: 1001 }),
      candidate('slow', { skill: 0.99, latency_ms: 2001 }),
      candidate('open', { skill: 0.98, open: true }),
      candidate('plain', { skill: 0.7, estimate: 1000, latency_ms: 2000 }),
    ]
    const { order, scores } = chooseRoute(ask({ requirements, candidates }))
    expect(order[0]).toBe(4)
    expect([...order].sort()).toEqual([2, 3, 4])
    expect(scores.map(({ obstacle }) => obstacle)).toEqual([
      'min_quality',
      'max_cost_per_call',
      'max_latency_ms',
      'open',
      undefined,
    ])
  })

  it('what nobody knows keeps nobody out', () => {
    expect(chooseRoute(ask({ requirements, candidates: [candidate('new')] })).order).toEqual([0])
  })
})

describe('exploration', () => {
  const candidates = [
    candidate('known', { samples: 500, success: 1 }),
    candidate('half', { samples: 20, success: 0.5 }),
    candidate('well', { samples: 400, success: 0.5 }),
  ]

  it('tries the least known, and half as often once it was asked twenty times', () => {
    const under = (draw: number) => chooseRoute(ask({ candidates, exploration: 0.2, draw }))
    expect(under(0.09)).toMatchObject({ order: [1, 0, 2], explored: true })
    expect(under(0.11)).toMatchObject({ explored: false })
    expect(under(0.11).order[0]).toBe(0)
  })

  it('never tries what does not fit', () => {
    const broken = [candidates[0] as RouteCandidate, candidate('open', { open: true })]
    expect(chooseRoute(ask({ candidates: broken, exploration: 1, draw: 0 })).explored).toBe(false)
  })
})

describe('what if', () => {
  const candidates = [
    candidate('fast', { estimate: 5_000_000, latency_ms: 300, samples: 50, success: 0.97 }),
    candidate('cheap', { estimate: 50_000, latency_ms: 9000, samples: 50, success: 0.95 }),
  ]
  const question = ask({ candidates, weights: normaliseWeights({ latency: 5, cost: 0 }) })
  const decision = { ...question, ...chooseRoute(question) }

  it('the stored decision is made again as it was', () => {
    expect(decision.order[0]).toBe(0)
    expect(isRouteSound(decision)).toBe(true)
    expect(isRouteSound(JSON.parse(JSON.stringify(decision)))).toBe(true)
    expect(isRouteSound({ ...decision, order: [1, 0] })).toBe(false)
  })

  it('other weights give another model', () => {
    const other = remakeRoute(decision, { weights: { cost: 1, latency: 0 } })
    expect(other.order[0]).toBe(1)
    expect(remakeRoute(decision, { weights: { cost: 1, latency: 0 } })).toEqual(other)
  })
})
