import { type StepContext, StepFailure } from '../engine/step.ts'
import type { Candidate } from '../graph/candidates.ts'
import { type Left, preferHelpful } from './learned.ts'
import { keepPromising, mayFallBack } from './recovery.ts'
import { chooseOrder, recordRoute } from './route.ts'

interface Failed {
  readonly candidate: Candidate
  readonly failure: StepFailure
}

/**
 * Asks one model after another until one answers, and records who was asked and why. Rejects with the failure of the last one, which
 * names them all; at once where no other model would do better. `learns`: who is asked next goes by what helped before; earlier versions
 * of steps kept the order of the choice.
 */
export async function tryCandidates<T>(
  ctx: StepContext,
  given: { readonly candidates: readonly Candidate[]; countInput(): number; readonly learns: boolean },
  ask: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const failures: Failed[] = []
  const route = await chooseOrder(ctx, given.candidates, given.countInput)
  let next: Left = route
  for (let [candidate] = next.candidates; candidate; [candidate] = next.candidates) {
    const left = next.candidates.slice(1)
    const before = failures.at(-1)
    const fallback = before && { from: modelOf(before.candidate), because: before.failure.code }
    recordRoute(ctx, candidate, { fallback, decision: route.decision, learned: next.learned })
    try {
      return await ask(candidate)
    } catch (failure) {
      if (!(failure instanceof StepFailure) || !mayFallBack(failure.code) || ctx.signal.aborted) throw failure
      failures.push({ candidate, failure })
      const candidates = keepPromising(left, candidate, failure.code)
      next = given.learns ? preferHelpful(candidates, route.decision, failure.code) : { candidates }
    }
  }
  const last = failures.at(-1)?.failure
  if (!last) throw new StepFailure('profile_missing', 'the agent has no model to ask')
  const tried = failures.map(({ candidate, failure }) => `${modelOf(candidate)} (${failure.code}: ${failure.message})`)
  const more = last.detail === undefined ? {} : { detail: last.detail }
  throw new StepFailure(last.code, `no model answered: ${tried.join('; ')}`, more)
}

export function modelOf({ profile, provider, model }: Candidate): string {
  return profile ?? `${provider}/${model}`
}
