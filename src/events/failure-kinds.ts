/**
 * What a call that came to nothing says of its model. `transport`: the server was away or broke off · `busy`: it had too much to do ·
 * `refused`: it does not do such a thing, or not for this key · `malformed`: what came was of no form that could be used · `judged`: an answer
 * that did not pass its checks.
 */
export const FAILURE_KINDS = ['transport', 'busy', 'refused', 'malformed', 'judged'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

const KIND_OF: { readonly [code: string]: FailureKind } = {
  provider_unreachable: 'transport',
  provider_timeout: 'transport',
  provider_error: 'transport',
  stream_stalled: 'transport',
  stream_truncated: 'transport',
  executor_crashed: 'transport',
  rate_limited: 'busy',
  provider_overloaded: 'busy',
  malformed_response: 'malformed',
  not_json: 'malformed',
  output_invalid: 'malformed',
  empty_answer: 'malformed',
  context_cut: 'malformed',
  verification_failed: 'judged',
}

/** Ends that say nothing of the model: somebody stopped the call, or it was never made. */
const NOT_ITS_OWN = new Set([
  'abandoned',
  'aborted',
  'approval_denied',
  'breaker_open',
  'budget_exhausted',
  'calls_exhausted',
  'cancelled',
  'price_unknown',
  'step_diverged',
])

export function isOfModel(code: string): boolean {
  return !NOT_ITS_OWN.has(code)
}

export function kindOfFailure(code: string): FailureKind {
  return (Object.hasOwn(KIND_OF, code) ? KIND_OF[code] : undefined) ?? 'refused'
}

/** It goes by without anybody's doing, so it soon says nothing any more. */
export function isPassing(kind: FailureKind): boolean {
  return kind === 'transport' || kind === 'busy'
}
