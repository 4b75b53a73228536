import type { Json, JsonObject } from '../events/values.ts'
import { evaluateAssertion } from './assertion.ts'
import { findMismatches } from './json-schema.ts'

/** What one agent's output must look like. */
export interface SchemaCheck {
  readonly agent: string
  readonly required_fields?: readonly string[]
  /** A JSON Schema; a bare name (of a model class, in older files) says nothing that can be checked. */
  readonly output_schema?: string | JsonObject
}

/** The checks an ensemble carries for itself. Times are seconds. */
export interface Validation {
  readonly structural?: {
    readonly required_agents?: readonly string[]
    readonly max_execution_time?: number
    readonly min_execution_time?: number
  }
  readonly schema?: readonly SchemaCheck[]
  readonly behavioral?: readonly { readonly name: string; readonly description?: string; readonly assertion: string }[]
  readonly quantitative?: readonly {
    readonly metric: 'execution_time' | 'agent_count'
    readonly threshold: string
    readonly description?: string
    readonly record?: boolean
  }[]
  readonly semantic?: { readonly enabled?: boolean; readonly validator_model?: string; readonly criteria?: Json }
}

/** What a run left behind, as its validation sees it. */
export interface ValidationRecord {
  /** The parsed output of every agent that has one, failed ones included. */
  readonly results: { readonly [agent: string]: Json }
  /** The agents that ran, in the order they ended; those that ended together stand in the order of the file. */
  readonly execution_order: readonly string[]
  /** Seconds. */
  readonly execution_time: number
  readonly agent_outputs: { readonly [agent: string]: Json }
  readonly ensemble_name: string
}

export interface ValidationResult {
  readonly layer: 'structural' | 'schema' | 'behavioral' | 'quantitative' | 'semantic'
  readonly name: string
  /** null: not evaluated, and why stands in the message. */
  readonly passed: boolean | null
  readonly message: string
}

const NOT_JUDGED: ValidationResult = {
  layer: 'semantic',
  name: 'semantic',
  passed: null,
  message: 'not evaluated: it would need a judging model',
}
const THRESHOLD = /^\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/

/** Reads a limit such as `< 30`. */
export function parseThreshold(text: string): { readonly sign: string; readonly limit: number } | undefined {
  const found = THRESHOLD.exec(text)
  return found?.[1] && found[2] ? { sign: found[1], limit: Number(found[2]) } : undefined
}

/** Runs every layer over the record; the answers stand in the order of the file's layers. Nothing here throws. */
export function evaluateValidation(validation: Validation, record: ValidationRecord): ValidationResult[] {
  const { structural, schema = [], behavioral = [], quantitative = [], semantic } = validation
  return [
    ...(structural ? checkStructure(structural, record) : []),
    ...schema.flatMap((check) => checkOutput(check, record)),
    ...behavioral.map((check) => checkBehaviour(check, record)),
    ...quantitative.map((check) => checkQuantity(check, record)),
    ...(semantic && semantic.enabled !== false ? [NOT_JUDGED] : []),
  ]
}

function checkStructure(
  { required_agents, max_execution_time: most, min_execution_time: least }: NonNullable<Validation['structural']>,
  { execution_order, execution_time: took }: ValidationRecord,
): ValidationResult[] {
  const layer = 'structural'
  const answers: ValidationResult[] = []
  if (required_agents) {
    const ran = new Set(execution_order)
    const missing = required_agents.filter((agent) => !ran.has(agent))
    const passed = missing.length === 0
    answers.push({
      layer,
      name: 'required_agents',
      passed,
      message: passed ? 'all ran' : `did not run: ${missing.join(', ')}`,
    })
  }
  if (most !== undefined)
    answers.push({
      layer,
      name: 'max_execution_time',
      passed: took <= most,
      message: `took ${took} s, at most ${most} s allowed`,
    })
  if (least !== undefined)
    answers.push({
      layer,
      name: 'min_execution_time',
      passed: took >= least,
      message: `took ${took} s, at least ${least} s wanted`,
    })
  return answers
}

function checkOutput(
  { agent, required_fields, output_schema }: SchemaCheck,
  { results }: ValidationRecord,
): ValidationResult[] {
  const about = { layer: 'schema', name: agent } as const
  if (!Object.hasOwn(results, agent)) return [{ ...about, passed: false, message: 'the agent has no output' }]
  const output = results[agent] ?? null
  const answers: ValidationResult[] = []
  if (required_fields) {
    const isObject = typeof output === 'object' && output !== null && !Array.isArray(output)
    const missing = isObject ? required_fields.filter((field) => !Object.hasOwn(output, field)) : required_fields
    const passed = missing.length === 0
    const fault = isObject ? `lacks ${missing.join(', ')}` : 'the output is not an object'
    answers.push({ ...about, passed, message: passed ? 'has all required fields' : fault })
  }
  if (typeof output_schema === 'string') {
    answers.push({
      ...about,
      passed: null,
      message: `not evaluated: "${output_schema}" names a schema outside the file`,
    })
  } else if (output_schema) {
    const mismatches = findMismatches(output_schema, output)
    const message = mismatches.slice(0, 5).join('; ') || 'follows its schema'
    answers.push({ ...about, passed: mismatches.length === 0, message })
  }
  return answers
}

function checkBehaviour(
  { name, description, assertion }: NonNullable<Validation['behavioral']>[number],
  record: ValidationRecord,
): ValidationResult {
  const answer = evaluateAssertion(assertion, { ...record })
  const message = !answer.ok ? answer.message : answer.passed ? 'holds' : `does not hold: ${assertion}`
  return {
    layer: 'behavioral',
    name,
    passed: answer.ok && answer.passed,
    message: description ? `${description}: ${message}` : message,
  }
}

function checkQuantity(
  { metric, threshold }: NonNullable<Validation['quantitative']>[number],
  { execution_time, execution_order }: ValidationRecord,
): ValidationResult {
  const about = { layer: 'quantitative', name: metric } as const
  const value = metric === 'agent_count' ? execution_order.length : execution_time
  const bound = parseThreshold(threshold)
  if (!bound) return { ...about, passed: false, message: `"${threshold}" is not a limit such as "< 30"` }
  const passed = compare(bound.sign, value, bound.limit)
  return { ...about, passed, message: `${value} ${passed ? 'is' : 'is not'} ${bound.sign} ${bound.limit}` }
}

function compare(sign: string, value: number, limit: number): boolean {
  if (sign === '<') return value < limit
  if (sign === '<=') return value <= limit
  if (sign === '>') return value > limit
  if (sign === '>=') return value >= limit
  return sign === '==' ? value === limit : value !== limit
}
