import type { JsonObject } from '../events/values.ts'
import type { RoutedChoice } from './routed-choice.ts'

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
  /** Dollars, the same for input and output, as older files give it: used where nobody says better. */
  readonly cost_per_token?: number
  /** The profile to take when this one fails. */
  readonly fallback?: string
  /** Instead of one model, several to choose from; provider and model then name nothing that could be asked. */
  readonly choice?: RoutedChoice
}
