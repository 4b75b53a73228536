import type { Json } from './values.ts'

/** RFC 8785 text of plain JSON. The input must be plain data (see `toJson`). */
export function canonicalJson(value: unknown): string {
  return inOrder(value) ? JSON.stringify(value) : write(value)
}

/** Native stringify already gives RFC 8785 when every object's keys stand in order and none looks like an integer. */
function inOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null && !inOrder(item)) return false
    return true
  }
  let last = ''
  for (const key in value) {
    if (key <= last && last !== '') return false
    const first = key.charCodeAt(0)
    if (first >= 48 && first <= 57) return false
    last = key
    const item = (value as Record<string, unknown>)[key]
    if (item === undefined) return false
    if (typeof item === 'object' && item !== null && !inOrder(item)) return false
  }
  return true
}

function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const object = value as Record<string, unknown>
  const keys = Object.keys(object).filter((key) => object[key] !== undefined)
  keys.sort(compareCodeUnits)
  return `{${keys.map((key) => `${JSON.stringify(key)}:${write(object[key])}`).join(',')}}`
}

function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export type JsonCheck = { readonly ok: true; readonly json: Json } | { readonly ok: false; readonly reason: string }

/**
 * A plain-JSON copy of anything: lone surrogates are replaced, -0 becomes 0, properties that are `undefined` are left out.
 * Dates, maps, class instances, functions, bigints, non-finite numbers and cycles are refused with a path.
 */
export function toJson(value: unknown): JsonCheck {
  try {
    return { ok: true, json: copy(value, '', []) }
  } catch (error) {
    if (error instanceof NotJson) return { ok: false, reason: error.message }
    throw error
  }
}

class NotJson extends Error {}

function copy(value: unknown, path: string, above: unknown[]): Json {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : value.toWellFormed()
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new NotJson(`${path || 'the value'} is ${value}`)
      return value === 0 ? 0 : value
    case 'object':
      break
    default:
      throw new NotJson(`${path || 'the value'} is of type ${typeof value}`)
  }
  if (value === null) return null
  if (above.includes(value)) throw new NotJson(`${path} refers back to itself`)
  if (above.length > 200) throw new NotJson(`${path} is nested deeper than 200 levels`)
  above.push(value)
  let result: Json
  if (Array.isArray(value)) {
    result = value.map((item, index) => copy(item, `${path}[${index}]`, above))
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null)
      throw new NotJson(`${path || 'the value'} is not plain data`)
    const object: Record<string, Json> = {}
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue
      const name = key.isWellFormed() ? key : key.toWellFormed()
      if (name === '__proto__') throw new NotJson(`${path} has a key named __proto__`)
      object[name] = copy(item, path ? `${path}.${name}` : name, above)
    }
    result = object
  }
  above.pop()
  return result
}
