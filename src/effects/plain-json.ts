import type { Json } from '../events/values.ts'

const DEPTH_LIMIT = 64

/**
 * Foreign data as JSON that canonical form and digests can hold: well-formed strings, finite numbers without -0, no `undefined`,
 * at most 64 levels. What cannot be said becomes `null`.
 */
export function toPlainJson(value: unknown, depth = 0): Json {
  switch (typeof value) {
    case 'string':
      return value.toWellFormed()
    case 'number':
      return Number.isFinite(value) ? value + 0 : null
    case 'boolean':
      return value
    case 'object':
      if (value === null || depth >= DEPTH_LIMIT) return null
      if (Array.isArray(value)) return value.map((entry) => toPlainJson(entry, depth + 1))
      return Object.fromEntries(
        Object.entries(value)
          .filter(([key, entry]) => entry !== undefined && key !== '__proto__')
          .map(([key, entry]) => [key.toWellFormed(), toPlainJson(entry, depth + 1)]),
      )
    default:
      return null
  }
}
