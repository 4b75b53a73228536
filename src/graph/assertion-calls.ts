import { AssertionFault } from './assertion-tokens.ts'
import {
  areEqual,
  compareOperands,
  isDict,
  isList,
  isNumeric,
  isTruthy,
  nameType,
  type Operand,
  OperandSet,
  printOperand,
  type Spot,
  sizeOf,
} from './assertion-values.ts'

type Call = (args: readonly Operand[], at: Spot) => Operand
type Method = (self: Operand, args: readonly Operand[], at: Spot) => Operand

const NONE: Operand = null

/** The functions of the language, with the fewest and most arguments each takes. */
export const CALLS: ReadonlyMap<string, { readonly least: number; readonly most: number; readonly run: Call }> =
  new Map(
    Object.entries({
      len: take(1, 1, ([value = NONE], at) => {
        if (typeof value === 'string') return [...value].length
        if (typeof value !== 'object' || value === null) throw fault(`${nameType(value)} has no length`, at)
        return sizeOf(value)
      }),
      str: take(0, 1, ([value = '']) => printOperand(value)),
      int: take(0, 1, ([value = 0], at) => toNumber(value, at, /^[+-]?\d+$/)),
      float: take(0, 1, ([value = 0], at) => toNumber(value, at, /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i)),
      bool: take(0, 1, ([value = false]) => isTruthy(value)),
      all: take(1, 1, ([value = NONE], at) => iterate(value, at).every(isTruthy)),
      any: take(1, 1, ([value = NONE], at) => iterate(value, at).some(isTruthy)),
      sum: take(1, 2, ([value = NONE, start = 0], at) =>
        iterate(value, at).reduce<number>((total, item) => total + number(item, at), number(start, at)),
      ),
      min: take(1, 99, (args, at) => pickExtreme(args, -1, at)),
      max: take(1, 99, (args, at) => pickExtreme(args, 1, at)),
      sorted: take(1, 1, ([value = NONE], at) => iterate(value, at).toSorted((a, b) => compareOperands(a, b, at))),
      reversed: take(1, 1, ([value = NONE], at) => iterate(value, at).toReversed()),
      range: take(1, 3, makeRange),
      enumerate: take(1, 2, ([value = NONE, start = 0], at) =>
        iterate(value, at).map((item, index) => [index + number(start, at), item]),
      ),
      zip: take(0, 9, (args, at) => {
        const lists = args.map((list) => iterate(list, at))
        const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length))
        return Array.from({ length }, (_, index) => lists.map((list) => list[index] ?? null))
      }),
      list: take(0, 1, ([value = []], at) => [...iterate(value, at)]),
      tuple: take(0, 1, ([value = []], at) => [...iterate(value, at)]),
      set: take(0, 1, ([value = []], at) => new OperandSet(iterate(value, at), at.column)),
      dict: take(0, 1, ([value = []], at) => {
        if (isDict(value)) return value
        return makeDict(
          iterate(value, at).map((pair) =>
            isList(pair) ? ([pair[0] ?? null, pair[1] ?? null] as const) : ([pair, null] as const),
          ),
          at,
        )
      }),
    }),
  )

/** The methods of the language; each says which kinds of value have it. */
export const METHODS: ReadonlyMap<string, { readonly least: number; readonly most: number; readonly run: Method }> =
  new Map(
    Object.entries({
      index: take(
        1,
        1,
        onEither({
          list: (self, item, at) =>
            require(self.findIndex((one) =>
              areEqual(one, item, at.spend),
            ), `${printOperand(item, true)} is not in the list`, at),
          str: (self, item, at) => require(self.indexOf(item), `${printOperand(item, true)} is not in the text`, at),
        }),
      ),
      count: take(
        1,
        1,
        onEither({
          list: (self, item, at) => self.filter((one) => areEqual(one, item, at.spend)).length,
          str: (self, item) => (item === '' ? self.length + 1 : self.split(item).length - 1),
        }),
      ),
      get: take(1, 2, (self, [key = NONE, fallback = NONE], at) => {
        const dict = requireDict(self, at)
        return typeof key === 'string' && Object.hasOwn(dict, key) ? (dict[key] ?? null) : fallback
      }),
      keys: take(0, 0, (self, _, at) => iterate(requireDict(self, at), at)),
      values: take(0, 0, (self, _, at) => Object.values(requireDict(self, at))),
      items: take(0, 0, (self, _, at) => Object.entries(requireDict(self, at))),
      lower: take(0, 0, (self, _, at) => requireText(self, at).toLowerCase()),
      upper: take(0, 0, (self, _, at) => requireText(self, at).toUpperCase()),
      strip: take(0, 1, (self, [letters = NONE], at) => stripText(requireText(self, at), letters)),
      startswith: take(1, 1, (self, [start = NONE], at) => requireText(self, at).startsWith(requireText(start, at))),
      endswith: take(1, 1, (self, [end = NONE], at) => requireText(self, at).endsWith(requireText(end, at))),
      split: take(0, 1, (self, [separator = NONE], at) => {
        const text = requireText(self, at)
        at.spend(text.length)
        if (separator === null) return text.trim() === '' ? [] : text.trim().split(/\s+/)
        if (separator === '') throw fault('the separator is empty', at)
        return text.split(requireText(separator, at))
      }),
    }),
  )

/** The members that a loop over a value meets; a dict gives its keys. Costs one unit a member. */
export function iterate(value: Operand, at: Spot): readonly Operand[] {
  if (typeof value !== 'object' && typeof value !== 'string') throw fault(`${nameType(value)} has no members`, at)
  if (value === null) throw fault('None has no members', at)
  at.spend(sizeOf(value))
  if (typeof value === 'string') return [...value]
  if (isList(value)) return value
  return value instanceof OperandSet ? [...value.members.values()] : Object.keys(value)
}

export function makeDict(entries: Iterable<readonly [Operand, Operand]>, at: Spot): Operand {
  const dict: { [key: string]: Operand } = Object.create(null)
  for (const [key, value] of entries) {
    if (typeof key !== 'string') throw fault('the keys of a dict must be texts', at)
    dict[key] = value
  }
  return dict
}

function take<Run>(
  least: number,
  most: number,
  run: Run,
): { readonly least: number; readonly most: number; readonly run: Run } {
  return { least, most, run }
}

function fault(message: string, at: Spot): AssertionFault {
  return new AssertionFault(message, at.column)
}

function number(value: Operand, at: Spot): number {
  if (!isNumeric(value)) throw fault(`${nameType(value)} is not a number`, at)
  return Number(value)
}

function toNumber(value: Operand, at: Spot, form: RegExp): number {
  const whole = !form.source.includes('e')
  if (isNumeric(value)) return whole ? Math.trunc(Number(value)) : Number(value)
  if (typeof value === 'string' && value.length < 400 && form.test(value.trim())) return Number(value.trim())
  throw fault(
    `${typeof value === 'string' ? printOperand(value.slice(0, 40), true) : `${nameType(value)}`} is not a number`,
    at,
  )
}

function pickExtreme(args: readonly Operand[], sign: 1 | -1, at: Spot): Operand {
  const [first = NONE, ...more] = args.length === 1 ? iterate(args[0] ?? NONE, at) : args
  if (args.length === 1 && sizeOf(args[0] ?? NONE) === 0) throw fault('nothing to choose from', at)
  return more.reduce((best, item) => (compareOperands(item, best, at) * sign > 0 ? item : best), first)
}

function makeRange(args: readonly Operand[], at: Spot): Operand {
  const [a = 0, b, c = 1] = args.map((value) => number(value, at))
  const [from, to] = b === undefined ? [0, a] : [a, b]
  if (![from, to, c].every(Number.isInteger) || c === 0)
    throw fault('range needs whole numbers and a step other than 0', at)
  const length = Math.max(0, Math.ceil((to - from) / c))
  at.spend(length)
  return Array.from({ length }, (_, index) => from + index * c)
}

function onEither(kinds: {
  list: (self: readonly Operand[], item: Operand, at: Spot) => Operand
  str: (self: string, item: string, at: Spot) => Operand
}): Method {
  return (self, [item = NONE], at) => {
    if (isList(self)) return kinds.list(self, item, at)
    at.spend(sizeOf(self))
    return kinds.str(requireText(self, at), requireText(item, at), at)
  }
}

function require(index: number, message: string, at: Spot): number {
  if (index < 0) throw fault(message, at)
  return index
}

function requireDict(value: Operand, at: Spot): { readonly [key: string]: Operand } {
  if (!isDict(value)) throw fault(`this belongs to a dict, not to ${nameType(value)}`, at)
  return value
}

function requireText(value: Operand, at: Spot): string {
  if (typeof value !== 'string') throw fault(`this needs a text, not ${nameType(value)}`, at)
  return value
}

function stripText(text: string, letters: Operand): string {
  if (typeof letters !== 'string') return text.trim()
  let start = 0
  let end = text.length
  while (start < end && letters.includes(text.charAt(start))) start++
  while (end > start && letters.includes(text.charAt(end - 1))) end--
  return text.slice(start, end)
}
