import type { z } from 'zod'
import type { Problem } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'

/** What keeps a caller's fields from being the input of an operation, in words for whoever sent them; never empty. */
export function describeMisfits({ issues }: z.ZodError, given: JsonObject): readonly Problem[] {
  return issues.map((issue) => {
    const field = issue.path.map(String).join('.')
    const wrong =
      issue.code === 'invalid_type' ? describeType(issue.expected, findAt(given, issue.path)) : issue.message
    return { code: 'bad_input', message: field === '' ? wrong : `${field}: ${wrong}` }
  })
}

function describeType(expected: string, found: unknown): string {
  return found === undefined ? `it is missing (${expected})` : `should be ${expected}, not ${nameType(found)}`
}

function nameType(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function findAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at: unknown, key) => (at as { readonly [key: PropertyKey]: unknown } | undefined)?.[key], value)
}
