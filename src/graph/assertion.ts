import type { Json } from '../events/values.ts'
import { CALLS, METHODS } from './assertion-calls.ts'
import { checkCount, Evaluation } from './assertion-evaluate.ts'
import { type Expression, parseAssertion } from './assertion-syntax.ts'
import { AssertionFault } from './assertion-tokens.ts'
import { isTruthy, type Operand, OperandSet } from './assertion-values.ts'

/** The names that an assertion may use beside the functions. */
const ASSERTION_NAMES = ['results', 'execution_order', 'execution_time', 'agent_outputs', 'ensemble_name'] as const

export type AssertionAnswer =
  | { readonly ok: true; readonly value: Json; readonly passed: boolean }
  | { readonly ok: false; readonly message: string; readonly column: number }

/**
 * Reads an assertion without computing it: syntax, functions, methods and names. The language is a small part of Python's
 * expressions; nothing in it can reach beyond the given names.
 */
export function checkAssertion(
  text: string,
  names: readonly string[] = ASSERTION_NAMES,
): { readonly message: string; readonly column: number } | undefined {
  const answer = catchFault(() => checkNames(parseAssertion(text), new Set(names)))
  return answer.ok ? undefined : answer
}

/** Computes an assertion over plain data. `passed` is the truth of the value as Python sees it. */
export function evaluateAssertion(text: string, names: { readonly [name: string]: Json }): AssertionAnswer {
  const answer = catchFault(() => new Evaluation().run(parseAssertion(text), names))
  return answer.ok ? { ok: true, value: toJson(answer.value), passed: isTruthy(answer.value) } : answer
}

function catchFault<Value>(
  compute: () => Value,
): { ok: true; value: Value } | { ok: false; message: string; column: number } {
  try {
    return { ok: true, value: compute() }
  } catch (error) {
    // data may be nested more deeply than the stack
    if (error instanceof RangeError) return { ok: false, message: 'the data is nested too deeply', column: 1 }
    if (!(error instanceof AssertionFault)) throw error
    return { ok: false, message: `column ${error.column}: ${error.message}`, column: error.column }
  }
}

function checkNames(expression: Expression, names: ReadonlySet<string>): void {
  const checkAll = (parts: readonly (Expression | undefined)[], known = names) => {
    for (const part of parts) if (part) checkNames(part, known)
  }
  switch (expression.kind) {
    case 'constant':
      return
    case 'name':
      if (names.has(expression.name)) return
      throw new AssertionFault(
        CALLS.has(expression.name)
          ? `${expression.name} is a function and must be called`
          : `the name ${expression.name} is not known; known are ${[...names].join(', ')}`,
        expression.column,
      )
    case 'call':
    case 'method': {
      const known = (expression.kind === 'call' ? CALLS : METHODS).get(expression.name)
      if (!known)
        throw new AssertionFault(
          `there is no ${expression.kind === 'call' ? 'function' : 'method'} ${expression.name}`,
          expression.column,
        )
      checkCount(expression, known)
      checkAll(expression.kind === 'method' ? [expression.of, ...expression.args] : expression.args)
      return
    }
    case 'comprehension':
      checkNames(expression.over, names)
      checkAll([expression.each, ...expression.tests], new Set([...names, ...expression.targets]))
      return
    case 'list':
    case 'set':
      return checkAll(expression.items)
    case 'dict':
      return checkAll(expression.entries.flat())
    case 'compare':
      return checkAll([expression.first, ...expression.rest.map((link) => link.right)])
    case 'and':
    case 'or':
    case 'arithmetic':
      return checkAll([expression.left, expression.right])
    case 'subscript':
      return checkAll([expression.of, expression.index])
    case 'slice':
      return checkAll([expression.of, expression.from, expression.to])
    case 'not':
    case 'minus':
    case 'plus':
      return checkNames(expression.of, names)
  }
}

function toJson(value: Operand): Json {
  if (value instanceof OperandSet) return [...value.members.values()].map(toJson)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
  return value as Json
}
