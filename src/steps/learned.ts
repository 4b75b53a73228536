import { isOfModel, kindOfFailure } from '../events/failure-kinds.ts'
import type { RouteDecision } from '../events/routing.ts'
import type { JsonObject } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { chooseAfter } from '../router/recover.ts'

/** The models that are left, in the order in which they are asked, and what another order than the usual one rests on. */
export interface Left {
  readonly candidates: readonly Candidate[]
  /** For the record: which model would have come first, and how often each of the two had helped after such a failure. */
  readonly learned?: JsonObject
}

/**
 * What runs before this one say of who helps after such a failure, as it was told with the choice. Without a choice, and where the failure
 * says nothing of the model, the order stays.
 */
export function preferHelpful(
  left: readonly Candidate[],
  decision: RouteDecision | undefined,
  code: string | undefined,
): Left {
  const [usual] = left
  if (!decision || !usual || code === undefined || !isOfModel(code)) return { candidates: left }
  const kind = kindOfFailure(code)
  const known = left.map((candidate) => {
    const index = decision.candidates.findIndex((one) => isSame(one, candidate))
    return decision.scores[index]?.obstacle === undefined ? decision.candidates[index]?.after?.[kind] : undefined
  })
  const index = chooseAfter(known)
  const first = left[index]
  if (index === 0 || !first) return { candidates: left }
  const learned = {
    after: kind,
    ...known[index],
    instead: { provider: usual.provider, model: usual.model, ...known[0] },
  }
  return { candidates: [first, ...left.filter((candidate) => candidate !== first)], learned }
}

type Named = Pick<Candidate, 'profile' | 'provider' | 'model'>

function isSame(one: Named, other: Named): boolean {
  return one.profile === other.profile && one.provider === other.provider && one.model === other.model
}
