import { AssertionFault } from './assertion-tokens.ts'

/** What an assertion computes with: JSON, and sets. Tuples are lists. */
export type Operand =
  | null
  | boolean
  | number
  | string
  | readonly Operand[]
  | OperandSet
  | { readonly [key: string]: Operand }

/** Where a computation stands, and the meter every unit of work is paid to. */
export interface Spot {
  readonly column: number
  readonly spend: (units?: number) => void
}

export class OperandSet {
  /** By a text that is equal for equal members. */
  readonly members: ReadonlyMap<string, Operand>
  constructor(members: Iterable<Operand>, column: number) {
    this.members = new Map(Array.from(members, (member) => [keyOf(member, column), member]))
  }
}

export function isList(value: Operand): value is readonly Operand[] {
  return Array.isArray(value)
}

export function isDict(value: Operand): value is { readonly [key: string]: Operand } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof OperandSet)
}

export function isNumeric(value: Operand): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

/** Empty things, zero and None are false, as in Python. */
export function isTruthy(value: Operand): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value)
  return sizeOf(value) > 0
}

export function sizeOf(value: Operand): number {
  if (typeof value === 'string' || isList(value)) return value.length
  if (value instanceof OperandSet) return value.members.size
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

/** The Python word for a kind of value. */
export function nameType(value: Operand): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  if (typeof value === 'string') return 'str'
  return isList(value) ? 'list' : value instanceof OperandSet ? 'set' : 'dict'
}

/** Equality by content; True is 1. Every member looked at is paid for with `spend`. */
export function areEqual(a: Operand, b: Operand, spend: () => void): boolean {
  spend()
  if (isNumeric(a) && isNumeric(b)) return Number(a) === Number(b)
  if (isList(a) && isList(b))
    return a.length === b.length && a.every((item, index) => areEqual(item, b[index] ?? null, spend))
  if (a instanceof OperandSet || b instanceof OperandSet)
    return (
      a instanceof OperandSet &&
      b instanceof OperandSet &&
      a.members.size === b.members.size &&
      [...a.members.keys()].every((key) => b.members.has(key))
    )
  if (isDict(a) && isDict(b)) {
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && areEqual(a[key] ?? null, b[key] ?? null, spend))
    )
  }
  return a === b
}

/** Negative, zero or positive; only numbers, texts and lists have an order. Texts are ordered by code point. */
export function compareOperands(a: Operand, b: Operand, at: Spot): number {
  at.spend()
  if (isNumeric(a) && isNumeric(b)) return Number(a) - Number(b)
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (isList(a) && isList(b)) {
    for (const [index, item] of a.entries()) {
      const other = b[index]
      if (other === undefined) return 1
      if (!areEqual(item, other, at.spend)) return compareOperands(item, other, at)
    }
    return a.length - b.length
  }
  throw new AssertionFault(`${nameType(a)} and ${nameType(b)} have no order`, at.column)
}

function compareTexts(a: string, b: string): number {
  const others = b[Symbol.iterator]()
  for (const letter of a) {
    const other = others.next()
    if (other.done) return 1
    const difference = (letter.codePointAt(0) ?? 0) - (other.value.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return others.next().done ? 0 : -1
}

export function keyOf(value: Operand, column: number): string {
  if (isNumeric(value)) return `n${Number(value)}`
  if (typeof value === 'string') return `s${value}`
  if (value === null) return 'null'
  if (isList(value)) return `[${value.map((item) => JSON.stringify(keyOf(item, column))).join()}]`
  throw new AssertionFault(`${nameType(value)} cannot be a member of a set`, column)
}

/** The text that `str()` gives. */
export function printOperand(value: Operand, nested = false): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return nested ? quoteText(value) : value
  if (typeof value === 'number') return String(value)
  if (isList(value)) return `[${value.map((item) => printOperand(item, true)).join(', ')}]`
  if (value instanceof OperandSet)
    return value.members.size === 0
      ? 'set()'
      : `{${[...value.members.values()].map((item) => printOperand(item, true)).join(', ')}}`
  return `{${Object.entries(value)
    .map(([key, item]) => `${quoteText(key)}: ${printOperand(item, true)}`)
    .join(', ')}}`
}

function quoteText(text: string): string {
  return text.includes("'") && !text.includes('"')
    ? `"${text}"`
    : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
}
