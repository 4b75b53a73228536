/** Choosing models by what they cost, how fast they are and how well they do: the stored choices, and what comes of them. */
import { describe, expect, test } from 'vitest'
import { verifyRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import { listRoutes } from '../../src/events/views/routes.ts'
import { isRouteSound, remakeRoute } from '../../src/router/choose.ts'
import { type Outcome, type Seller, type Strategy, trade } from './market.ts'

const FAIR: readonly Seller[] = [
  { model: 'grand', dollars: [5, 25], latency_ms: 3000, up: 0.99, good: 0.97, skill: 0.95 },
  { model: 'sound', dollars: [1, 5], latency_ms: 1200, up: 0.98, good: 0.93, skill: 0.9 },
  { model: 'swift', dollars: [0.2, 0.8], latency_ms: 400, up: 0.97, good: 0.55, skill: 0.7 },
]

/** The cheapest bills, and hardly ever answers. */
const ROTTEN: readonly Seller[] = [
  { model: 'grand', dollars: [5, 25], latency_ms: 3000, up: 0.99, good: 0.97 },
  { model: 'sound', dollars: [1, 5], latency_ms: 1200, up: 0.98, good: 0.93 },
  { model: 'rotten', dollars: [0.6, 3], latency_ms: 6000, up: 0.15, good: 0.5 },
]

async function verify({ room, options }: Outcome, events: readonly Event[]): Promise<boolean> {
  const plain = JSON.parse(JSON.stringify(events)) as Event[]
  const { world, blobs } = room
  return (await verifyRun(plain, { world, blobs, kinds: options.kinds, eventAt: async (seq) => plain[seq - 1] })).equal
}

describe('stored routes', () => {
  test('I24 F6: 1,000 recomputed give the same choice, scores included, and their journals verify', {
    timeout: 120_000,
  }, async () => {
    const outcomes = [
      await trade(FAIR, { strategy: 'ours', seed: 'a', runs: 10, steps: 40 }),
      await trade(ROTTEN, { strategy: 'ours', seed: 'b', runs: 10, steps: 40 }),
      await trade(FAIR, { strategy: 'ai3', seed: 'c', runs: 5, steps: 40 }),
    ]
    let stored = 0
    let same = 0
    let explored = 0
    let differ = 0
    for (const outcome of outcomes) {
      for (const events of outcome.events) {
        expect(await verify(outcome, events)).toBe(true)
        for (const { decision, to } of listRoutes(JSON.parse(JSON.stringify(events)) as Event[])) {
          if (!decision) continue
          stored += 1
          const chosen = decision.candidates[decision.order[0] as number]
          if (isRouteSound(decision) && chosen?.model === to.model) same += 1
          if (decision.explored) explored += 1
          const other = { weights: { cost: 1, latency: 0 } }
          const again = remakeRoute(decision, other)
          expect(remakeRoute(JSON.parse(JSON.stringify(decision)), other)).toEqual(again)
          if (again.order[0] !== decision.order[0]) differ += 1
        }
      }
    }
    console.log(
      `${same} of ${stored} stored routes are the same; ${explored} explored; ${differ} differ under cost=1, latency=0`,
    )
    expect(stored).toBe(1000)
    expect(same).toBe(stored)
    expect(explored).toBeGreaterThan(0)
  })
})

describe('E03 I06: cost at equal success', () => {
  const strategies: readonly Strategy[] = ['fixed', 'random', 'ai3', 'ours']

  test.each([
    ['fair', FAIR],
    ['rotten', ROTTEN],
  ])('the %s market, against fixed, random and the older formula', { timeout: 120_000 }, async (name, market) => {
    const costs = new Map<Strategy, number>()
    for (const strategy of strategies) {
      const sums = { answers: 0, steps: 0, cost: 0, ms: 0 }
      for (const seed of ['1', '2', '3']) {
        const { answers, steps, cost, ms } = await trade(market, { strategy, seed, runs: 4, steps: 25 })
        sums.answers += answers
        sums.steps += steps
        sums.cost += cost * answers
        sums.ms += ms * answers
      }
      const dollars = sums.cost / sums.answers / 1e9
      costs.set(strategy, dollars)
      const success = ((100 * sums.answers) / sums.steps).toFixed(1)
      console.log(
        `${name}, ${strategy}: $${dollars.toFixed(6)} and ${Math.round(sums.ms / sums.answers)} ms per good answer, ${success} % answered`,
      )
      expect(sums.answers / sums.steps).toBeGreaterThan(0.97)
    }
    const ours = costs.get('ours') as number
    expect(ours).toBeLessThan((costs.get('fixed') as number) * 0.7)
    expect(ours).toBeLessThan(costs.get('random') as number)
    if (name === 'rotten') expect(ours).toBeLessThan(costs.get('ai3') as number)
  })
})
