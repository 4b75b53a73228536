import type { Json } from './values.ts'

/**
 * What failed inside a step that succeeded, by its verdict: the ids that it names, none where it only says that something did. Undefined
 * when nothing is missing.
 */
export function readLost(verdict: Json | undefined): readonly string[] | undefined {
  if (typeof verdict !== 'object' || verdict === null || !('partial' in verdict) || verdict.partial !== true)
    return undefined
  const failed = 'failed' in verdict ? verdict.failed : []
  return Array.isArray(failed) ? failed.filter((id) => typeof id === 'string') : []
}
