import type { Json } from './values.ts'

/** RFC 8785 text of plain JSON. The input must be plain data (see `toJson`). */
export function canonicalJson(value: unknown): string {
  const ordered = order(value)
  return ordered === undefined ? write(value) : JSON.stringify(ordered)
}

/**
 * The same data with every object's keys in order, for which native stringify gives RFC 8785: much faster than writing text.
 * What stands in order already is not copied. Undefined where an object cannot be put in order: engines keep keys that look
 * like integers in front.
 */
function order(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return orderItems(value)
  const object = value as Record<string, unknown>
  const keys = Object.keys(object)
  let sorted = true
  let last = ''
  for (const key of keys) {
    const first = key.charCodeAt(0)
    if ((first >= 48 && first <= 57) || key === '__proto__') return undefined
    if (key < last) sorted = false
    last = key
  }
  if (!sorted) keys.sort()
  let copy: Record<string, unknown> | undefined = sorted ? undefined : {}
  for (const [index, key] of keys.entries()) {
    const item = object[key]
    if (item === undefined) continue
    const ordered = typeof item === 'object' && item !== null ? order(item) : item
    if (ordered === undefined) return undefined
    if (ordered !== item) copy ??= pick(object, keys.slice(0, index))
    if (copy) copy[key] = ordered
  }
  return copy ?? object
}

function orderItems(items: readonly unknown[]): readonly unknown[] | undefined {
  let copy: unknown[] | undefined
  for (const [index, item] of items.entries()) {
    if (typeof item !== 'object' || item === null) continue
    const ordered = order(item)
    if (ordered === undefined) return undefined
    if (ordered === item) continue
    copy ??= [...items]
    copy[index] = ordered
  }
  return copy ?? items
}

function pick(object: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const key of keys) picked[key] = object[key]
  return picked
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
