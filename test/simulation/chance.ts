import { createRandom } from '../../src/events/random.ts'

/** Seeded chance; nothing in a simulated run is drawn from anywhere else. */
export interface Chance {
  /** [0,1) */
  next(): number
  hit(probability: number): boolean
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number
  pick<T>(items: readonly T[]): T
}

export function createChance(seed: string): Chance {
  const next = createRandom(seed)
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    hit: (probability) => next() < probability,
    between,
    pick: (items) => items[between(0, items.length - 1)] as (typeof items)[number],
  }
}
