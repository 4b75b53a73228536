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
    return { ok: true, json: copy(value, [], []) }
  } catch (error) {
    if (error instanceof NotJson) return { ok: false, reason: error.message }
    throw error
  }
}

class NotJson extends Error {}

/** Where a value stands: names of properties and places in lists, from the outermost. Only a refusal spells it out. */
type Place = readonly (string | number)[]

function spell(place: Place): string {
  let path = ''
  for (const name of place) path += typeof name === 'number' ? `[${name}]` : path === '' ? name : `.${name}`
  return path
}

function copy(value: unknown, place: (string | number)[], above: unknown[]): Json {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : value.toWellFormed()
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new NotJson(`${spell(place) || 'the value'} is ${value}`)
      return value === 0 ? 0 : value
    case 'object':
      break
    default:
      throw new NotJson(`${spell(place) || 'the value'} is of type ${typeof value}`)
  }
  if (value === null) return null
  if (above.includes(value)) throw new NotJson(`${spell(place)} refers back to itself`)
  if (above.length > 200) throw new NotJson(`${spell(place)} is nested deeper than 200 levels`)
  above.push(value)
  const result = Array.isArray(value) ? copyItems(value, place, above) : copyMembers(value, place, above)
  above.pop()
  return result
}

function copyItems(items: readonly unknown[], place: (string | number)[], above: unknown[]): Json {
  const copies: Json[] = []
  for (let index = 0; index < items.length; index++) {
    place.push(index)
    copies.push(copy(items[index], place, above))
    place.pop()
  }
  return copies
}

function copyMembers(value: object, place: (string | number)[], above: unknown[]): Json {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw new NotJson(`${spell(place) || 'the value'} is not plain data`)
  const object: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    const item = (value as Readonly<Record<string, unknown>>)[key]
    if (item === undefined) continue
    const name = key.isWellFormed() ? key : key.toWellFormed()
    if (name === '__proto__') throw new NotJson(`${spell(place)} has a key named __proto__`)
    place.push(name)
    object[name] = copy(item, place, above)
    place.pop()
  }
  return object
}
