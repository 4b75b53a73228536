import type { Json } from '../values.ts'

/** A place at which two contents differ; a side without a value has nothing there. */
export interface Difference {
  /** `messages/0/content`; empty: the whole. */
  readonly path: string
  readonly a: Json | undefined
  readonly b: Json | undefined
}

/** Where two contents differ, at most `limit` places, in the order of the first. */
export function findDifferences(a: unknown, b: unknown, limit = 20): Difference[] {
  const found: Difference[] = []
  const walk = (left: unknown, right: unknown, path: string): void => {
    if (found.length >= limit || Object.is(left, right)) return
    if (isObject(left) && isObject(right) && Array.isArray(left) === Array.isArray(right)) {
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
        walk(left[key], right[key], path ? `${path}/${key}` : key)
      return
    }
    found.push({ path, a: left as Json | undefined, b: right as Json | undefined })
  }
  walk(a, b, '')
  return found
}

/** What came with an answer of a model and is not the answer: two calls never agree in it. */
const AROUND_ANSWERS = new Set(['first_part_ms', 'usage', 'request_id'])

/** An answer of the world; one of a model without what only tells how the call went. */
export function withoutCircumstances(answer: Json): Json {
  if (!isObject(answer) || !Array.isArray(answer['content']) || !('finish' in answer)) return answer
  return Object.fromEntries(Object.entries(answer).filter(([key]) => !AROUND_ANSWERS.has(key))) as Json
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
