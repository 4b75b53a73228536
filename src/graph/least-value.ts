import type { Json, JsonObject } from '../events/values.ts'
import { findMismatches } from './json-schema.ts'
import { isMap } from './report.ts'

const MAX_DEPTH = 20

/** A small value that follows the schema, for an answer that cannot be made any more; undefined when none is found. */
export function makeLeastValue(schema: JsonObject): Json | undefined {
  const value = least(schema, schema, 0)
  return value !== undefined && findMismatches(schema, value).length === 0 ? value : undefined
}

function least(schema: Json | undefined, root: JsonObject, depth: number): Json | undefined {
  if (schema === true || schema === undefined) return ''
  if (!isMap(schema) || depth > MAX_DEPTH) return undefined
  const map = schema as JsonObject
  if ('const' in map) return map['const']
  if ('default' in map) return map['default']
  const { enum: values, $ref: reference } = map
  if (Array.isArray(values)) return values[0] as Json | undefined
  if (typeof reference === 'string') return least(resolve(root, reference), root, depth + 1)
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const branches = map[key]
    if (!Array.isArray(branches) || branches.length === 0) continue
    const { [key]: _, ...rest } = map
    if (key === 'allOf') return least(Object.assign({}, rest, ...(branches as JsonObject[])), root, depth + 1)
    return least({ ...rest, ...(branches[0] as JsonObject) }, root, depth + 1)
  }
  return leastOfType(map, root, depth)
}

function leastOfType(schema: JsonObject, root: JsonObject, depth: number): Json | undefined {
  const given = schema['type'] ?? (schema['properties'] || schema['required'] ? 'object' : 'string')
  const [type] = Array.isArray(given) ? given : [given]
  switch (type) {
    case 'object': {
      const properties = (schema['properties'] ?? {}) as JsonObject
      const required = (schema['required'] ?? []) as readonly string[]
      return Object.fromEntries(
        required.map((name) => [name, least(properties[name] ?? true, root, depth + 1) ?? null]),
      )
    }
    case 'array': {
      const count = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0
      return Array.from({ length: Math.min(count, 1000) }, () => least(schema['items'], root, depth + 1) ?? null)
    }
    case 'number':
    case 'integer':
      return leastNumber(schema)
    case 'boolean':
      return false
    case 'null':
      return null
    default:
      return ''.padEnd(typeof schema['minLength'] === 'number' ? Math.min(schema['minLength'], 10_000) : 0, '-')
  }
}

function leastNumber({ minimum, exclusiveMinimum, maximum, multipleOf }: JsonObject): number {
  const above = typeof exclusiveMinimum === 'number' ? Math.floor(exclusiveMinimum) + 1 : undefined
  const low = typeof minimum === 'number' ? minimum : above
  const high = typeof maximum === 'number' ? maximum : undefined
  const start = low ?? Math.min(0, high ?? 0)
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : undefined
  return step === undefined ? start : Math.ceil(start / step) * step
}

function resolve(root: JsonObject, reference: string): Json | undefined {
  let at: Json | undefined = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    at = isMap(at) ? (at as JsonObject)[name] : undefined
  }
  return at
}
