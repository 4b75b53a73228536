import type { Json } from './values.ts'

/** An answer in the cache. It has proven good, and holds no known secret. */
export interface KeptAnswer {
  /** Digest of the question: the whole request, who asked, and what it was asked of. */
  readonly key: string
  readonly kind: 'model' | 'script'
  readonly answer: Json
  readonly labels?: readonly string[]
  /** What it cost, in integer nano-dollars; absent when nobody told. */
  readonly cost?: number
  /** ms UTC. */
  readonly made: number
  /** `PROVIDER/MODEL`, or the script. */
  readonly source: string
  /** What was run when it was made: an ensemble, a chain. */
  readonly target: string
  readonly run: string
  readonly step: string
}

/** Who looks for an answer. */
export interface CacheQuestion {
  readonly key: string
  /** ms UTC; an answer made before does not serve. */
  readonly since: number
  readonly run: string
  readonly step: string
}
