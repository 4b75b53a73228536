import type { JsonObject } from '../events/values.ts'

/** A name for provider, model and settings. `options` go to the provider untouched. */
export type ModelProfile = {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly base_url?: string
  readonly system_prompt?: string
  readonly temperature?: number
  readonly max_tokens?: number
  readonly options?: JsonObject
  readonly timeout_seconds?: number
  /** Informational, in dollars, as older files give it. */
  readonly cost_per_token?: number
  /** The profile to take when this one fails. */
  readonly fallback?: string
}
