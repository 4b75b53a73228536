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

const THRESHOLD = /^\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/

/** Reads a limit such as `< 30`. */
export function parseThreshold(text: string): { readonly sign: string; readonly limit: number } | undefined {
  const found = THRESHOLD.exec(text)
  return found?.[1] && found[2] ? { sign: found[1], limit: Number(found[2]) } : undefined
}

/** Runs every layer over the record; the answers stand in the order of the file's layers. Nothing here throws. */
export function evaluateValidation(validation: Validation, record: ValidationRecord): ValidationResult[] {
  return [
    ...checkStructure(validation.structural ?? {}, record),
    ...(validation.schema ?? []).flatMap((check) => checkOutput(check, record)),
    ...(validation.behavioral ?? []).map(({ name, description, assertion }) => {
      const answer = evaluateAssertion(assertion, { ...record })
      const message = answer.ok ? (answer.passed ? 'holds' : `does not hold: ${assertion}`) : answer.message
      return result(
        'behavioral',
        name,
        answer.ok && answer.passed,
        description ? `${description}: ${message}` : message,
      )
    }),
    ...(validation.quantitative ?? []).map((check) => checkQuantity(check, record)),
    ...(validation.semantic && validation.semantic.enabled !== false
      ? [result('semantic', 'semantic', null, 'not evaluated: it would need a judging model')]
      : []),
  ]
}

function checkStructure(
  { required_agents, max_execution_time: most, min_execution_time: least }: NonNullable<Validation['structural']>,
  { execution_order, execution_time }: ValidationRecord,
): ValidationResult[] {
  const ran = new Set(execution_order)
  const missing = (required_agents ?? []).filter((agent) => !ran.has(agent))
  const seconds = `${execution_time} s`
  return [
    ...(required_agents
      ? [
          result(
            'structural',
            'required_agents',
            missing.length === 0,
            missing.length > 0 ? `did not run: ${missing.join(', ')}` : 'all ran',
          ),
        ]
      : []),
    ...(most === undefined
      ? []
      : [
          result(
            'structural',
            'max_execution_time',
            execution_time <= most,
            `took ${seconds}, at most ${most} s allowed`,
          ),
        ]),
    ...(least === undefined
      ? []
      : [
          result(
            'structural',
            'min_execution_time',
            execution_time >= least,
            `took ${seconds}, at least ${least} s wanted`,
          ),
        ]),
  ]
}

function checkOutput(
  { agent, required_fields, output_schema }: SchemaCheck,
  { results }: ValidationRecord,
): ValidationResult[] {
  if (!Object.hasOwn(results, agent)) return [result('schema', agent, false, 'the agent has no output')]
  const output = results[agent] ?? null
  const answers: ValidationResult[] = []
  if (required_fields) {
    const isObject = typeof output === 'object' && output !== null && !Array.isArray(output)
    const missing = isObject ? required_fields.filter((field) => !Object.hasOwn(output, field)) : required_fields
    const fault = isObject ? `lacks ${missing.join(', ')}` : 'the output is not an object'
    const passed = missing.length === 0
    answers.push(result('schema', agent, passed, passed ? 'has all required fields' : fault))
  }
  if (typeof output_schema === 'string')
    answers.push(result('schema', agent, null, `not evaluated: "${output_schema}" names a schema outside the file`))
  else if (output_schema) {
    const mismatches = findMismatches(output_schema, output)
    answers.push(
      result('schema', agent, mismatches.length === 0, mismatches.slice(0, 5).join('; ') || 'follows its schema'),
    )
  }
  return answers
}

function checkQuantity(
  { metric, threshold }: NonNullable<Validation['quantitative']>[number],
  { execution_time, execution_order }: ValidationRecord,
): ValidationResult {
  const value = metric === 'agent_count' ? execution_order.length : execution_time
  const bound = parseThreshold(threshold)
  if (!bound) return result('quantitative', metric, false, `"${threshold}" is not a limit such as "< 30"`)
  const passed = compare(bound.sign, value, bound.limit)
  return result('quantitative', metric, passed, `${value} ${passed ? 'is' : 'is not'} ${bound.sign} ${bound.limit}`)
}

function compare(sign: string, value: number, limit: number): boolean {
  if (sign === '<') return value < limit
  if (sign === '<=') return value <= limit
  if (sign === '>') return value > limit
  if (sign === '>=') return value >= limit
  return sign === '==' ? value === limit : value !== limit
}

function result(
  layer: ValidationResult['layer'],
  name: string,
  passed: boolean | null,
  message: string,
): ValidationResult {
  return { layer, name, passed, message }
}
