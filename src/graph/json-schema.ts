import type { Json, JsonObject } from '../events/values.ts'
import { isMap, printPath } from './report.ts'
import type { Path } from './yaml.ts'

type Schema = { readonly [key: string]: unknown }

const NOTES = new Set(['$schema', '$id', 'title', 'description', 'default', 'examples', '$comment'])
const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

/** A part of JSON Schema for checking outputs: no references, no patterns, so checking is linear in the data. */
const RULES: { readonly [keyword: string]: (limit: unknown, value: Json, schema: Schema) => string | undefined } = {
  type: (limit, value) => {
    const types = [limit].flat()
    return types.some((type) => hasType(value, type))
      ? undefined
      : `should be ${types.join(' or ')}, not ${nameType(value)}`
  },
  enum: (limit, value) =>
    (limit as Json[]).some((one) => isSame(one, value)) ? undefined : `should be one of ${JSON.stringify(limit)}`,
  const: (limit, value) => (isSame(limit as Json, value) ? undefined : `should be ${JSON.stringify(limit)}`),
  minimum: (limit, value) => (typeof value === 'number' && value < (limit as number) ? `is below ${limit}` : undefined),
  maximum: (limit, value) => (typeof value === 'number' && value > (limit as number) ? `is above ${limit}` : undefined),
  minLength: (limit, value) =>
    typeof value === 'string' && [...value].length < (limit as number) ? `is shorter than ${limit}` : undefined,
  maxLength: (limit, value) =>
    typeof value === 'string' && [...value].length > (limit as number) ? `is longer than ${limit}` : undefined,
  minItems: (limit, value) =>
    Array.isArray(value) && value.length < (limit as number) ? `has fewer than ${limit} items` : undefined,
  maxItems: (limit, value) =>
    Array.isArray(value) && value.length > (limit as number) ? `has more than ${limit} items` : undefined,
  required: (limit, value) => {
    const missing = isMap(value) ? (limit as string[]).filter((key) => !Object.hasOwn(value, key)) : []
    return missing.length > 0 ? `lacks ${missing.join(', ')}` : undefined
  },
  additionalProperties: (limit, value, schema) => {
    if (limit !== false || !isMap(value)) return undefined
    const known = isMap(schema['properties']) ? schema['properties'] : {}
    const extra = Object.keys(value).filter((key) => !Object.hasOwn(known, key))
    return extra.length > 0 ? `has the unexpected ${extra.join(', ')}` : undefined
  },
}

const FORMS: { readonly [keyword: string]: (value: unknown) => boolean } = {
  type: (value) => [value].flat().every((type) => typeof type === 'string' && TYPES.has(type)),
  enum: Array.isArray,
  const: () => true,
  required: (value) => Array.isArray(value) && value.every((key) => typeof key === 'string'),
  additionalProperties: (value) => typeof value === 'boolean',
  properties: isMap,
  items: isMap,
}

/** Says which parts of a schema this program does not check. */
export function findUnsupported(schema: Schema, path: Path = []): string[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = [...path, keyword]
    if (NOTES.has(keyword)) return []
    const known = keyword === 'properties' || keyword === 'items' || Object.hasOwn(RULES, keyword)
    const fits = FORMS[keyword] ?? ((limit: unknown) => typeof limit === 'number')
    if (!known || !fits(value)) return [printPath(at)]
    if (keyword === 'items') return findUnsupported(value as Schema, at)
    if (keyword !== 'properties') return []
    return Object.entries(value as Schema).flatMap(([name, part]) =>
      isMap(part) ? findUnsupported(part, [...at, name]) : [printPath([...at, name])],
    )
  })
}

/** What keeps a value from following a schema that `findUnsupported` finds nothing in. */
export function findMismatches(schema: Schema, value: Json, path: Path = []): string[] {
  const own = Object.entries(schema).flatMap(([keyword, limit]) => {
    const fault = Object.hasOwn(RULES, keyword) ? RULES[keyword]?.(limit, value, schema) : undefined
    return fault === undefined ? [] : [`${path.length === 0 ? 'the output' : printPath(path)} ${fault}`]
  })
  const { items, properties } = schema
  const inItems =
    Array.isArray(value) && isMap(items)
      ? value.flatMap((item, index) => findMismatches(items, item, [...path, index]))
      : []
  const inProperties =
    isMap(value) && isMap(properties)
      ? Object.entries(properties).flatMap(([key, part]) =>
          isMap(part) && Object.hasOwn(value, key)
            ? findMismatches(part, (value as JsonObject)[key] ?? null, [...path, key])
            : [],
        )
      : []
  return [...own, ...inItems, ...inProperties]
}

function hasType(value: Json, type: unknown): boolean {
  return nameType(value) === type || (type === 'number' && typeof value === 'number')
}

function nameType(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}

function isSame(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]))
  if (!isMap(a) || !isMap(b)) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame((a as JsonObject)[key] ?? null, (b as JsonObject)[key] ?? null))
  )
}
