import type { AfterFailure } from '../events/routing.ts'

/** So many calls have to say it, of both models. */
export const ENOUGH_CALLS = 20
/** And so much more often one of them has to have helped. */
const CLEARLY = 0.1

/**
 * Which of the models that are left is asked after a failure. The usual one is the first; another goes before it only where both were asked
 * often enough after such a failure, and it helped clearly more often: then the one that helped most. 0 while little is known.
 */
export function chooseAfter(left: readonly (AfterFailure | undefined)[]): number {
  const helped = left.map((known) => (known && known.samples >= ENOUGH_CALLS ? known.success : undefined))
  const [usual] = helped
  if (usual === undefined) return 0
  const best = Math.max(...helped.map((success) => success ?? 0))
  return best >= usual + CLEARLY ? helped.indexOf(best) : 0
}
