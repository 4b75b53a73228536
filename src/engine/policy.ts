import type { Rights } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import type { EffectAsk } from './effect.ts'

/** An effect as policy sees it, before anything is written about it. */
export interface PolicyAsk extends EffectAsk {
  readonly run: string
  readonly step: string
  readonly key: string
  /** What the step has read, directly or through others, brought these with it. */
  readonly labels: readonly string[]
  /** What the step and every step above it may do; absent where none of them has a limit. */
  readonly rights?: Rights
}

/**
 * `ask`: a person is to decide; the grant says what exactly would be granted, as plain data without secrets. Two asks with equal
 * grants are the same thing. `deny` and `ask` leave an event, `allow` none.
 */
export type Judgement =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'ask'; readonly grant: JsonObject; readonly expires_in_ms?: number }
  | { readonly verdict: 'deny'; readonly reason: string }

/** Decides whether an effect may happen. Asked by the live engine alone, never in replay; it must answer at once. */
export interface Policy {
  judge(ask: PolicyAsk): Judgement
}
