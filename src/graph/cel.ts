import { type ASTNode, Environment, EvaluationError, Optional, ParseError } from '@marcbachmann/cel-js'
import { makeOnce } from '../events/once.ts'
import type { Json } from '../events/values.ts'
import { compileRegex } from './linear-regex.ts'
import { suggest } from './nearest.ts'

/** What is wrong with an expression, before anything runs. `at` counts characters from 0. */
export interface CelFault {
  readonly message: string
  readonly hint?: string
  readonly at?: number
  /** The step that is named and not among those that may be. */
  readonly step?: string
}

export type CelResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly code: 'condition_failed'; readonly message: string }

/** `steps` and `input` are always there; a step kind may add others, such as `round`. */
export type CelScope = { readonly [name: string]: Json }

/** The variable that tells of the run, for those expressions that may know of it. */
export const RUN = 'run'
/** What it holds, by its place: `run.budget.left.cost`. */
const AMOUNTS = { cost: {}, tokens: {}, calls: {}, seconds: {} }
const RUN_PARTS: Parts = { budget: { left: AMOUNTS, spent: AMOUNTS, limit: AMOUNTS } }
type Parts = { readonly [name: string]: Parts }

const MAX_LENGTH = 10_000
const LINEAR_MATCHES = 'matchesInLinearTime'

const openLanguage = makeOnce(() => makeLanguage({ unlistedVariablesAreDyn: true }))
const openStrict = makeOnce(() =>
  makeLanguage({ unlistedVariablesAreDyn: false })
    .registerVariable('input', 'dyn')
    .registerVariable('steps', 'map<string, dyn>'),
)
const listFunctions = makeOnce(
  () =>
    new Set(
      openLanguage()
        .getDefinitions()
        .functions.map(({ name }) => name),
    ),
)

/** Parses, checks types as far as they are known, and demands that every `steps.NAME` is one of the names. */
export function checkCel(text: string, names: ReadonlySet<string>, variables: readonly string[] = []): CelFault[] {
  if (text.length > MAX_LENGTH) return [{ message: `the expression is longer than ${MAX_LENGTH} characters` }]
  const checked = openStrict().clone()
  for (const name of variables) checked.registerVariable(name, 'dyn')
  const parsed = parse(text)
  if ('fault' in parsed) return [parsed.fault]
  const { error } = checked.check(text)
  const faults = findSteps(parsed.ast).flatMap(({ name, at }) =>
    names.has(name) ? [] : [unknownStep(name, names, at)],
  )
  faults.push(...findBadPatterns(parsed.ast))
  if (variables.includes(RUN)) faults.push(...findUnknownParts(parsed.ast))
  // `steps.quality-check` reads as a difference; one fault says it all
  if (!error || isPartly(error) || faults.some(({ hint }) => hint?.includes('dash'))) return faults
  return [describeFault(error, names), ...faults]
}

/** The steps an expression refers to by name, each once, in the order of the text; none for a text that is no expression. */
export function celSteps(text: string): string[] {
  const parsed = parse(text)
  return 'fault' in parsed ? [] : [...new Set(findSteps(parsed.ast).map(({ name }) => name))]
}

/** Does an expression look at this variable? Not for a text that is no expression. */
export function looksAt(text: string, variable: string): boolean {
  const parsed = parse(text)
  return !('fault' in parsed) && [...walk(parsed.ast)].some((node) => node.op === 'id' && node.args === variable)
}

/**
 * Whole numbers of JSON are CEL ints, others doubles; the two may be mixed in sums and comparisons. Numbers that were `measured` are
 * doubles, whole or not, so that a part of them is what one expects; they may be infinite.
 */
export function evaluateCel(text: string, scope: CelScope, measured: CelScope = {}): CelResult {
  const parsed = parse(text)
  if ('fault' in parsed) return { ok: false, code: 'condition_failed', message: parsed.fault.message }
  try {
    const values = Object.entries(scope).map(([name, value]) => [name, toCelValue(value)])
    return { ok: true, value: toJson(parsed.run({ ...Object.fromEntries(values), ...measured })) }
  } catch (error) {
    if (!isForeign(error) && !(error instanceof NotJson)) throw error
    const message = isForeign(error) ? reword(error.summary) : error.message
    return { ok: false, code: 'condition_failed', message: `${JSON.stringify(shorten(text))}: ${message}` }
  }
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** `steps.name`, or `steps["quality-check"]` where the name is no identifier. */
export function stepPath(name: string): string {
  return isIdentifier(name) ? `steps.${name}` : `steps[${JSON.stringify(name)}]`
}

export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name) && !RESERVED.has(name)
}

function makeLanguage(options: { readonly unlistedVariablesAreDyn: boolean }): Environment {
  const made = new Environment({
    ...options,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxDepth: 100, maxAstNodes: 100_000, maxListElements: 10_000 },
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
  made.registerFunction(`string.${LINEAR_MATCHES}(string): bool`, (text: string, pattern: string) => {
    const regex = compileRegex(pattern)
    if (!regex.ok)
      throw new EvaluationError(`${JSON.stringify(shorten(pattern))} is not a regular expression: ${regex.message}`)
    return regex.test(text)
  })
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
    const run = openLanguage().parse(text)
    useLinearMatches(run.ast)
    return { ast: run.ast, run }
  } catch (error) {
    if (!isForeign(error)) throw error
    return { fault: describeFault(error, new Set()) }
  }
}

/** `matches` of the library backtracks without bound; the call is bent to ours before anything is evaluated. */
function useLinearMatches(root: ASTNode): void {
  for (const node of walk(root))
    if (node.op === 'rcall' && node.args[0] === 'matches') (node.args as [string, ...unknown[]])[0] = LINEAR_MATCHES
}

function findBadPatterns(root: ASTNode): CelFault[] {
  return [...walk(root)].flatMap((node) => {
    const pattern = node.op === 'rcall' && node.args[0] === LINEAR_MATCHES ? node.args[2][0] : undefined
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return []
    const regex = compileRegex(pattern.args)
    return regex.ok ? [] : [{ message: regex.message, at: pattern.start }]
  })
}

interface FoundStep {
  readonly name: string
  readonly at: number
}

/** Every `steps.NAME`, `steps["NAME"]` and their optional forms. */
function findSteps(root: ASTNode): FoundStep[] {
  return [...walk(root)].flatMap((node) => {
    const name = stepOf(node)
    return name === undefined ? [] : [{ name, at: node.start }]
  })
}

function* walk(root: ASTNode): Generator<ASTNode> {
  const left: unknown[] = [root]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (Array.isArray(node)) left.push(...node.toReversed())
    if (!isNode(node)) continue
    yield node
    if (Array.isArray(node.args)) left.push(...(node.args as readonly unknown[]).toReversed())
    else left.push(node.args)
  }
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

/** Places under `run` that are not there, each where the path goes wrong. */
function findUnknownParts(root: ASTNode): CelFault[] {
  return [...walk(root)].flatMap((node) => {
    if (node.op !== '.' && node.op !== '.?') return []
    const [base, key] = node.args
    const parts = partsOf(base)
    if (!parts || typeof key !== 'string' || Object.hasOwn(parts, key)) return []
    const names = Object.keys(parts)
    const place = { at: node.start }
    if (names.length === 0) return [{ message: `a number has no ${key}`, ...place }]
    const { hint = `There are ${names.join(', ')}.` } = suggest(key, names)
    return [{ message: `there is no ${key} here`, hint, ...place }]
  })
}

/** What may stand behind a path that begins with `run`; undefined for other paths, and for those that are wrong already. */
function partsOf(node: ASTNode): Parts | undefined {
  if (node.op === 'id') return node.args === RUN ? RUN_PARTS : undefined
  if (node.op !== '.' && node.op !== '.?') return undefined
  const [base, key] = node.args
  const parts = partsOf(base)
  return parts && typeof key === 'string' && Object.hasOwn(parts, key) ? parts[key] : undefined
}

function unknownStep(name: string, names: ReadonlySet<string>, at: number): CelFault {
  const dashed = [...names].find((known) => known.startsWith(`${name}-`))
  const hint = dashed === undefined ? suggest(name, names).hint : `A name with a dash is written ${stepPath(dashed)}.`
  const known = names.size === 0 ? 'This agent depends on none.' : `It may name ${[...names].slice(0, 8).join(', ')}.`
  return { message: `"${name}" is not a step that it can see`, hint: hint ?? known, at, step: name }
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
  return isForeign(error) && error.summary.includes('dyn') && unknownFunction(error) === undefined
}

function unknownFunction({ summary }: Foreign): string | undefined {
  const name = /^found no matching overload for '(?:.*\.)?(\w+)\(/.exec(summary)?.[1]
  return name === undefined || listFunctions().has(name) ? undefined : name
}

function describeFault(error: Error, names: ReadonlySet<string>): CelFault {
  if (!isForeign(error)) return { message: error.message }
  const place = error.range ? { at: error.range.start } : {}
  const called = unknownFunction(error)
  if (called !== undefined)
    return { message: `there is no function ${called}`, ...suggest(called, listFunctions()), ...place }
  const variable = /^Unknown variable: (.+)$/.exec(error.summary)?.[1]
  if (variable === undefined) return { message: reword(error.summary), ...place }
  const hint = names.has(variable)
    ? `Write ${stepPath(variable)}.output.`
    : 'An expression sees input and steps.NAME.output or steps.NAME.status; texts stand in quotes.'
  return { message: reword(error.summary), hint, ...place }
}

function reword(summary: string): string {
  const plain = summary
    .replace(/^no such overload: /i, 'this cannot be computed: ')
    .replace(/^found no matching overload for /, 'this call does not fit: ')
    .replace('Unexpected token: EOF', 'the expression ends too early')
    .replaceAll(LINEAR_MATCHES, 'matches')
  return `${plain.charAt(0).toLowerCase()}${plain.slice(1)}`
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
