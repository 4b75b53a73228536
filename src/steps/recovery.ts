import type { Candidate } from '../graph/candidates.ts'
import { keepCheaper } from './route.ts'

/**
 * What can be done about a failure of a model call. The engine asks the same again, at once (`retry`) or when the provider says so (`wait`);
 * a person is asked (`ask`); the step asks again with less to read (`shrink`), asks another model (`fallback`), or fails (`stop`).
 */
type RecoveryAction = 'retry' | 'wait' | 'ask' | 'shrink' | 'fallback' | 'stop'

/** What is tried for each failure, in this order, as far as it is there to be tried; after the last the step fails. */
export const RECOVERY: { readonly [code: string]: readonly RecoveryAction[] } = {
  // It may pass by itself.
  provider_unreachable: ['retry', 'fallback'],
  provider_timeout: ['retry', 'fallback'],
  provider_error: ['retry', 'fallback'],
  malformed_response: ['retry', 'fallback'],
  stream_stalled: ['retry', 'fallback'],
  stream_truncated: ['retry', 'fallback'],
  // It passes, but not at once.
  rate_limited: ['wait', 'fallback'],
  provider_overloaded: ['wait', 'fallback'],
  // This provider or model will say the same again, another may not.
  breaker_open: ['fallback'],
  provider_auth: ['fallback'],
  provider_quota: ['fallback'],
  provider_unknown: ['fallback'],
  model_not_found: ['fallback'],
  request_refused: ['fallback'],
  bad_input: ['fallback'],
  internal: ['fallback'],
  executor_crashed: ['fallback'],
  no_executor: ['fallback'],
  not_json: ['fallback'],
  resolved_as_failed: ['fallback'],
  approval_denied: ['fallback'],
  empty_answer: ['fallback'],
  // The same model is told what is wrong, as often as `output_attempts` says.
  output_invalid: ['retry', 'fallback'],
  // Less to read, then models that can read more.
  context_overflow: ['shrink', 'fallback'],
  context_cut: ['fallback'],
  // Cheaper models; a person, where the budget says so.
  budget_exhausted: ['ask', 'fallback'],
  price_unknown: ['fallback'],
  // No other model would change it.
  abandoned: ['stop'],
  aborted: ['stop'],
  cancelled: ['stop'],
  calls_exhausted: ['stop'],
  step_diverged: ['stop'],
  effect_unknown: ['ask', 'stop'],
  profile_missing: ['stop'],
  no_model_fits: ['stop'],
  timeout: ['stop'],
  tool_loop: ['stop'],
  tool_turns_exhausted: ['stop'],
}

/** For failures that stand nowhere above. It is safe: fallbacks are what the user named, go in no circle, and are paid from the same budget. */
const USUAL_RECOVERY: readonly RecoveryAction[] = ['fallback']

/** How often a request that was too long is asked again with less to read, each time with at most this part of the tokens. */
export const SHRINK = { times: 2, by: 0.6 } as const

/** May another model be asked after this failure? */
export function mayFallBack(code: string): boolean {
  return (Object.hasOwn(RECOVERY, code) ? (RECOVERY[code] ?? []) : USUAL_RECOVERY).includes('fallback')
}

/** Of the models that are left, in the order in which they are asked, those that may do better where this one failed. */
export function keepPromising(left: readonly Candidate[], failed: Candidate, code: string): readonly Candidate[] {
  if (code === 'budget_exhausted') return keepCheaper(left, failed)
  const usual = left.filter((candidate) => isAskedAfter(candidate, code))
  return code === 'context_overflow' ? keepWider(usual, failed) : usual
}

/** Models for when the budget does not pay are asked for nothing else. */
export function isAskedAfter({ only_for }: Candidate, code: string | undefined): boolean {
  return only_for === undefined || code === 'budget_exhausted' || code === 'price_unknown'
}

/** Those that can read more, or of which nobody knows how much. */
function keepWider(left: readonly Candidate[], failed: Candidate): readonly Candidate[] {
  const limit = failed.card?.context_window
  if (limit === undefined) return left
  return left.filter(({ card }) => card?.context_window === undefined || card.context_window > limit)
}
