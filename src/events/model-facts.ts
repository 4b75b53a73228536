import type { Place } from './errors.ts'
import type { ModelCard } from './model-card.ts'

/** What one source says of a model. */
export type ModelFacts = Omit<ModelCard, 'provider' | 'model' | 'sources' | 'as_of'>

/** Facts that a user wrote down. */
export interface StatedFacts {
  readonly provider: string
  readonly model: string
  /** The kind of file, for example `models.yaml`. */
  readonly source: string
  readonly place: Place
  readonly facts: ModelFacts
  /** A price stands there that cannot be right: it is not used, and no farther source stands in for it. */
  readonly bad_price?: true
  /** An older price that is the same for input and output, in nano-dollars for a million tokens: used where nobody says better. */
  readonly flat_price?: number
}
