import { CALLS, iterate, METHODS, makeDict } from './assertion-calls.ts'
import type { ArithmeticSign, ComparisonSign, Comprehension, Expression } from './assertion-syntax.ts'
import { AssertionFault } from './assertion-tokens.ts'
import {
  areEqual,
  compareOperands,
  isDict,
  isList,
  isNumeric,
  isTruthy,
  keyOf,
  nameType,
  type Operand,
  OperandSet,
  printOperand,
  type Spot,
} from './assertion-values.ts'

const MAX_WORK = 100_000
const MAX_LENGTH = 100_000

type Names = { readonly [name: string]: Operand }
type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>

/** Computes an expression; throws an `AssertionFault`. Work is metered, so an expression always ends. */
export class Evaluation {
  #work = 0

  run(expression: Expression, names: Names): Operand {
    this.#spend(expression.column)
    switch (expression.kind) {
      case 'constant':
        return expression.value
      case 'name':
        if (Object.hasOwn(names, expression.name)) return names[expression.name] ?? null
        throw new AssertionFault(`the name ${expression.name} is not known`, expression.column)
      case 'list':
        return expression.items.map((item) => this.run(item, names))
      case 'set':
        return new OperandSet(
          expression.items.map((item) => this.run(item, names)),
          expression.column,
        )
      case 'dict':
        return makeDict(
          expression.entries.map(([key, value]) => [this.run(key, names), this.run(value, names)] as const),
          this.#at(expression.column),
        )
      case 'comprehension':
        return [...this.#loop(expression, names)]
      case 'not':
        return !isTruthy(this.run(expression.of, names))
      case 'minus':
      case 'plus': {
        const value = this.run(expression.of, names)
        if (!isNumeric(value)) throw new AssertionFault(`${nameType(value)} has no sign`, expression.column)
        return expression.kind === 'minus' ? -Number(value) : Number(value)
      }
      case 'and':
      case 'or': {
        const left = this.run(expression.left, names)
        return isTruthy(left) === (expression.kind === 'and') ? this.run(expression.right, names) : left
      }
      case 'compare':
        return this.#compareAll(expression, names)
      case 'arithmetic': {
        const left = this.run(expression.left, names)
        return this.#calculate(expression.sign, [left, this.run(expression.right, names)], expression.column)
      }
      case 'subscript':
        return readMember(this.run(expression.of, names), this.run(expression.index, names), expression.column)
      case 'slice':
        return this.#slice(expression, names)
      case 'call':
        return this.#call(expression, names)
      case 'method': {
        const method = METHODS.get(expression.name)
        if (!method) throw new AssertionFault(`there is no method ${expression.name}`, expression.column)
        checkCount(expression, method)
        const self = this.run(expression.of, names)
        const args = expression.args.map((argument) => this.run(argument, names))
        return method.run(self, args, this.#at(expression.column))
      }
    }
  }

  #at(column: number): Spot {
    return { column, spend: (units = 1) => this.#spend(column, units) }
  }

  #spend(column: number, units = 1): void {
    this.#work += units
    if (this.#work > MAX_WORK) throw new AssertionFault('the assertion needs too much work', column)
  }

  #call(call: Of<'call'>, names: Names): Operand {
    const builtin = CALLS.get(call.name)
    if (!builtin) throw new AssertionFault(`there is no function ${call.name}`, call.column)
    checkCount(call, builtin)
    const [first] = call.args
    // all and any stop at the first member that decides, so members behind it cannot fail
    if (first?.kind === 'comprehension' && (call.name === 'all' || call.name === 'any')) {
      const decisive = call.name === 'any'
      for (const value of this.#loop(first, names)) if (isTruthy(value) === decisive) return decisive
      return !decisive
    }
    return builtin.run(
      call.args.map((argument) => this.run(argument, names)),
      this.#at(call.column),
    )
  }

  *#loop(loop: Comprehension & { readonly column: number }, names: Names): Generator<Operand> {
    for (const item of iterate(this.run(loop.over, names), this.#at(loop.column))) {
      const inner = { ...names, ...bindTargets(loop, item) }
      if (loop.tests.every((test) => isTruthy(this.run(test, inner)))) yield this.run(loop.each, inner)
    }
  }

  #compareAll({ first, rest, column }: Of<'compare'>, names: Names): boolean {
    let left = this.run(first, names)
    for (const { sign, right: expression } of rest) {
      const right = this.run(expression, names)
      if (!this.#compare(sign, [left, right], column)) return false
      left = right
    }
    return true
  }

  #compare(sign: ComparisonSign, [left, right]: readonly [Operand, Operand], column: number): boolean {
    const { spend } = this.#at(column)
    switch (sign) {
      case '==':
        return areEqual(left, right, spend)
      case '!=':
        return !areEqual(left, right, spend)
      case 'is':
        return left === right
      case 'is not':
        return left !== right
      case 'in':
        return this.#contains(right, left, column)
      case 'not in':
        return !this.#contains(right, left, column)
      default: {
        const order = compareOperands(left, right, this.#at(column))
        if (sign === '<') return order < 0
        if (sign === '<=') return order <= 0
        return sign === '>' ? order > 0 : order >= 0
      }
    }
  }

  #contains(container: Operand, item: Operand, column: number): boolean {
    if (typeof container === 'string' && typeof item === 'string') return container.includes(item)
    if (isList(container)) return container.some((one) => areEqual(one, item, () => this.#spend(column)))
    if (container instanceof OperandSet) return container.members.has(keyOf(item, column))
    if (isDict(container)) return typeof item === 'string' && Object.hasOwn(container, item)
    throw new AssertionFault(`${nameType(item)} cannot be searched in ${nameType(container)}`, column)
  }

  #calculate(sign: ArithmeticSign, [left, right]: readonly [Operand, Operand], column: number): Operand {
    if (isNumeric(left) && isNumeric(right)) return calculate(sign, [Number(left), Number(right)], column)
    if (sign === '+' && typeof left === 'string' && typeof right === 'string') return this.#bound(left + right, column)
    if (sign === '+' && isList(left) && isList(right)) return this.#bound([...left, ...right], column)
    throw new AssertionFault(`${nameType(left)} ${sign} ${nameType(right)} is not defined`, column)
  }

  #bound<Grown extends string | readonly Operand[]>(value: Grown, column: number): Grown {
    if (value.length > MAX_LENGTH) throw new AssertionFault('the value grows too long', column)
    this.#spend(column, Math.ceil(value.length / 10))
    return value
  }

  #slice({ of, from, to, column }: Of<'slice'>, names: Names): Operand {
    const value = this.run(of, names)
    const bounds = [from, to].map((bound) => {
      const index = bound ? this.run(bound, names) : null
      if (index !== null && !(typeof index === 'number' && Number.isInteger(index)))
        throw new AssertionFault('a slice needs whole numbers', column)
      return index ?? undefined
    })
    if (isList(value)) return value.slice(bounds[0], bounds[1])
    if (typeof value === 'string') return [...value].slice(bounds[0], bounds[1]).join('')
    throw new AssertionFault(`${nameType(value)} cannot be sliced`, column)
  }
}

export function checkCount(
  call: Of<'call'> | Of<'method'>,
  { least, most }: { readonly least: number; readonly most: number },
): void {
  const given = call.args.length
  if (given >= least && given <= most) return
  const wanted = least === most ? String(least) : `${least} to ${most}`
  throw new AssertionFault(`${call.name} takes ${wanted} arguments, not ${given}`, call.column)
}

function bindTargets(loop: Comprehension & { readonly column: number }, item: Operand): Names {
  const [target, ...more] = loop.targets
  if (target === undefined || more.length === 0) return target === undefined ? {} : { [target]: item }
  if (!isList(item) || item.length !== loop.targets.length)
    throw new AssertionFault(`the members are not lists of ${loop.targets.length}`, loop.column)
  return Object.fromEntries(loop.targets.map((name, index) => [name, item[index] ?? null]))
}

function readMember(of: Operand, index: Operand, column: number): Operand {
  if (isDict(of)) {
    if (typeof index === 'string' && Object.hasOwn(of, index)) return of[index] ?? null
    const keys = Object.keys(of)
    const listed =
      keys.length === 0 ? 'it is empty' : `it has ${keys.slice(0, 8).join(', ')}${keys.length > 8 ? ', …' : ''}`
    throw new AssertionFault(`there is no ${printOperand(index, true)}; ${listed}`, column)
  }
  if (!isList(of) && typeof of !== 'string') throw new AssertionFault(`${nameType(of)} has no members`, column)
  if (typeof index !== 'number' || !Number.isInteger(index))
    throw new AssertionFault('an index must be a whole number', column)
  const items = typeof of === 'string' ? [...of] : of
  const item = items.at(index)
  if (item === undefined) throw new AssertionFault(`there is no member ${index}; the length is ${items.length}`, column)
  return item
}

function calculate(sign: ArithmeticSign, [a, b]: readonly [number, number], column: number): number {
  if ((sign === '/' || sign === '//' || sign === '%') && b === 0) throw new AssertionFault('division by zero', column)
  const result = {
    '+': () => a + b,
    '-': () => a - b,
    '*': () => a * b,
    '/': () => a / b,
    '//': () => Math.floor(a / b),
    '%': () => a - b * Math.floor(a / b),
    '**': () => a ** b,
  }[sign]()
  if (!Number.isFinite(result)) throw new AssertionFault('the number is too large', column)
  return result
}
