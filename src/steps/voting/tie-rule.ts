import { randomOf } from '../../events/random.ts'

/** Who of two equals goes first: negative for `a`, never 0 for different candidates. */
export type TieRule = (a: string, b: string) => number

/** Draws lots by the seed and the candidate's own name or content: where it stands in a list plays no part. */
export function makeTieRule(seed: string): TieRule {
  const lotOf = (candidate: string) => randomOf(`${seed}\u0000${candidate}`)
  return (a, b) => (a === b ? 0 : lotOf(a) - lotOf(b) || (a < b ? -1 : 1))
}
