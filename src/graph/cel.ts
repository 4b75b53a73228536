import { type ASTNode, Environment, EvaluationError, Optional, ParseError } from '@marcbachmann/cel-js'
import type { Json } from '../events/values.ts'
import { suggest } from './nearest.ts'

/** What is wrong with an expression, before anything runs. `at` counts characters from 0. */
export interface CelFault {
  readonly message: string
  readonly hint?: string
  readonly at?: number
}

export type CelResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly code: 'condition_failed'; readonly message: string }

/** `steps` and `input` are always there; a step kind may add others, such as `round`. */
export type CelScope = { readonly [name: string]: Json }

const MAX_LENGTH = 10_000

const language = makeLanguage()

/** Parses, checks types as far as they are known, and demands that every `steps.NAME` is one of the names. */
export function checkCel(text: string, names: ReadonlySet<string>, variables: readonly string[] = []): CelFault[] {
  if (text.length > MAX_LENGTH) return [{ message: `the expression is longer than ${MAX_LENGTH} characters` }]
  const checked = language.clone()
  checked.registerVariable('input', 'dyn').registerVariable('steps', 'map<string, dyn>')
  for (const name of variables) checked.registerVariable(name, 'dyn')
  const parsed = parse(text)
  if ('fault' in parsed) return [parsed.fault]
  const { error } = checked.check(text)
  const faults = findSteps(parsed.ast).flatMap(({ name, at }) =>
    names.has(name) ? [] : [unknownStep(name, names, at)],
  )
  return error && !isPartly(error) ? [describeFault(error, names), ...faults] : faults
}

/** The steps an expression refers to by name, each once, in the order of the text; none for a text that is no expression. */
export function celSteps(text: string): string[] {
  const parsed = parse(text)
  return 'fault' in parsed ? [] : [...new Set(findSteps(parsed.ast).map(({ name }) => name))]
}

/** Whole numbers of JSON are CEL ints, others doubles; the two may be mixed in sums and comparisons. */
export function evaluateCel(text: string, scope: CelScope): CelResult {
  const parsed = parse(text)
  if ('fault' in parsed) return { ok: false, code: 'condition_failed', message: parsed.fault.message }
  try {
    const values = Object.fromEntries(Object.entries(scope).map(([name, value]) => [name, toCelValue(value)]))
    return { ok: true, value: toJson(parsed.run(values)) }
  } catch (error) {
    if (!isForeign(error) && !(error instanceof NotJson)) throw error
    const message = isForeign(error) ? error.summary : error.message
    return { ok: false, code: 'condition_failed', message: `${JSON.stringify(shorten(text))}: ${message}` }
  }
}

/**
 * The older `${agent.field}`, alone or compared with a literal, as CEL over `steps.agent.output.field`. A field that is missing is
 * null, as those files expect. Every other text is CEL already and stays.
 */
export function toCel(text: string): string {
  const compared = OLDER_COMPARISON.exec(text)
  if (compared) return `${toCel(compared[1] ?? '')} ${compared[2]} ${toLiteral(compared[3] ?? '')}`
  return text.replace(OLDER_REFERENCE, (whole, inner: string) => toPath(inner.trim()) ?? whole)
}

/** The same for a condition: a bare older reference holds when it is neither missing, null, false, 0 nor empty. */
export function toCondition(text: string): string {
  return OLDER_ALONE.test(text) ? `truthy(${toCel(text.trim())})` : toCel(text)
}

const OLDER_REFERENCE = /\$\{([^{}]*)\}/g
const OLDER_ALONE = /^\s*\$\{[^{}]*\}\s*$/
const OLDER_COMPARISON = /^\s*(\$\{[^{}]*\})\s*(==|!=)\s*(.+?)\s*$/s
const OLDER_PATH = /^([^.[\]{}$\s][^.[\]{}$]*)((?:\.[^.[\]{}$\s]+|\[\d{1,9}\])*)$/
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

function toPath(inner: string): string | undefined {
  const found = OLDER_PATH.exec(inner)
  if (!found?.[1]) return undefined
  const parts = [...(found[2] ?? '').matchAll(/\.([^.[]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    key === undefined ? `[?${index}]` : isIdentifier(key) ? `.?${key}` : `[?${JSON.stringify(key)}]`,
  )
  const output = `${stepPath(found[1])}.output`
  return parts.length === 0 ? output : `${output}${parts.join('')}.orValue(null)`
}

/** `steps.name`, or `steps["quality-check"]` where the name is no identifier. */
export function stepPath(name: string): string {
  return isIdentifier(name) ? `steps.${name}` : `steps[${JSON.stringify(name)}]`
}

function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name) && !RESERVED.has(name)
}

/** Older files left the quotes away: `${a.route} == code`. */
function toLiteral(text: string): string {
  if (/^(true|false|null|-?\d+(\.\d+)?)$/i.test(text)) return text.toLowerCase()
  return /^[\p{L}_][\p{L}\p{N}_ .:/-]*$/u.test(text) ? JSON.stringify(text) : toCel(text)
}

function makeLanguage(): Environment {
  const made = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxDepth: 100, maxAstNodes: 5_000 },
  })
  const sums: [string, (a: number, b: number) => number][] = [
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
    ['*', (a, b) => a * b],
    ['/', (a, b) => a / b],
  ]
  for (const [sign, sum] of sums)
    for (const types of [`double ${sign} int`, `int ${sign} double`])
      made.registerOperator(types, (a: number | bigint, b: number | bigint) => sum(Number(a), Number(b)))
  made.registerFunction('truthy(dyn): bool', isTruthy)
  return made
}

function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

type Parsed = { readonly ast: ASTNode; run(scope: { readonly [name: string]: unknown }): unknown }

function parse(text: string): Parsed | { readonly fault: CelFault } {
  try {
    const run = language.parse(text)
    return { ast: run.ast, run }
  } catch (error) {
    if (!isForeign(error)) throw error
    return { fault: describeFault(error, new Set()) }
  }
}

interface FoundStep {
  readonly name: string
  readonly at: number
}

/** Every `steps.NAME`, `steps["NAME"]` and their optional forms. */
function findSteps(root: ASTNode): FoundStep[] {
  const found: FoundStep[] = []
  const left: unknown[] = [root]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (Array.isArray(node)) {
      left.push(...node.toReversed())
      continue
    }
    if (!isNode(node)) continue
    const name = stepOf(node)
    if (name !== undefined) found.push({ name, at: node.start })
    if (Array.isArray(node.args)) left.push(...(node.args as readonly unknown[]).toReversed())
    else left.push(node.args)
  }
  return found
}

function stepOf(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined
  const [base, key] = node.args
  if (base.op !== 'id' || base.args !== 'steps') return undefined
  if (typeof key === 'string') return key
  return key.op === 'value' && typeof key.args === 'string' ? key.args : undefined
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

function unknownStep(name: string, names: ReadonlySet<string>, at: number): CelFault {
  const dashed = [...names].find((known) => known.startsWith(`${name}-`))
  const hint = dashed === undefined ? suggest(name, names).hint : `A name with a dash is written ${stepPath(dashed)}.`
  const known = names.size === 0 ? 'This agent depends on none.' : `It may name ${[...names].slice(0, 8).join(', ')}.`
  return { message: `"${name}" is not a step that it can see`, hint: hint ?? known, at }
}

interface Foreign extends Error {
  readonly code: string
  readonly summary: string
  readonly range?: { readonly start: number }
}

function isForeign(error: unknown): error is Foreign {
  return (
    error instanceof Error && (error instanceof ParseError || error instanceof EvaluationError || 'summary' in error)
  )
}

/** The static check knows nothing of what is inside an answer; what it says about that is left to the run. */
function isPartly(error: Error): boolean {
  return isForeign(error) && error.summary.includes('dyn')
}

function describeFault(error: Error, names: ReadonlySet<string>): CelFault {
  if (!isForeign(error)) return { message: error.message }
  const at = error.range?.start
  const variable = /^Unknown variable: (.+)$/.exec(error.summary)?.[1]
  const hint =
    variable === undefined
      ? undefined
      : names.has(variable)
        ? `Write ${stepPath(variable)}.output.`
        : 'An expression sees input and steps.NAME.output or steps.NAME.status; texts stand in quotes.'
  return {
    message: `${error.summary.charAt(0).toLowerCase()}${error.summary.slice(1)}`,
    ...(hint === undefined ? {} : { hint }),
    ...(at === undefined ? {} : { at }),
  }
}

class NotJson extends Error {}

function toCelValue(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(toCelValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toCelValue(item)]))
}

function toJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw new NotJson('the result is not a finite number')
  }
  if (Array.isArray(value)) return value.map(toJson)
  if (value instanceof Optional) return value.hasValue() ? toJson(value.value()) : null
  if (value instanceof Date) return value.toISOString()
  if (typeof value !== 'object' || value instanceof Uint8Array) throw new NotJson('the result is not plain data')
  const entries = value instanceof Map ? [...value] : isPlain(value) ? Object.entries(value) : undefined
  if (entries) return Object.fromEntries(entries.map(([key, item]) => [String(key), toJson(item)]))
  const whole = 'value' in value ? Number(value.value) : Number.NaN
  return Number.isFinite(whole) ? whole : String(value)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
