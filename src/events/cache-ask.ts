/**
 * That an answer may be taken from the cache, and be kept there when the step that asked has succeeded. It stands in the request, so it is
 * part of the record; what performs the effect never sees it.
 */
export type CacheAsk = {
  /** An answer older than this does not serve. */
  readonly ttl_ms?: number
  /** Globs below the project's folder: what stands in the files they match is part of the question. */
  readonly files?: readonly string[]
}
