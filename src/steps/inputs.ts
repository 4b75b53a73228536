import { buildBlocks } from '../context/prompt.ts'
import { type Inputs, StepFailure, type StepOutcome } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import type { InputRules } from '../graph/composite.ts'
import { nameOf } from './place.ts'
import { isJsonObject, readAnswer, textOfJson } from './read-json.ts'

/** What a step may look at when its rules have been applied. Dependencies go by the names their author gave them. */
export interface SeenInputs {
  /** Absent when the rules leave the original input out. */
  readonly input?: Json
  readonly dependencies: readonly StepOutcome[]
}

/**
 * `input_key`: that key of the first dependency's JSON object takes the place of the input, and the dependency is not shown besides.
 * `input_scope: dependencies`: the original input is left out. Throws a `StepFailure` `input_key_missing` when there is no such key.
 */
export function applyInputRules(rules: InputRules | undefined, inputs: Inputs): SeenInputs {
  const dependencies = inputs.dependencies.map((outcome) => ({ ...outcome, step: nameOf(outcome.step) }))
  if (rules?.input_key !== undefined) {
    const [first, ...others] = dependencies
    return { input: pickKey(rules.input_key, first), dependencies: others }
  }
  if (rules?.input_scope === 'dependencies') return { dependencies }
  return { input: inputs.input, dependencies }
}

/**
 * The one input that a graph inside a step gets. Without dependencies it is the input as it is; a single succeeded dependency
 * alone (`input_scope: dependencies`) is handed on as it is. Otherwise `{text, input, dependencies: {NAME: output}}`: agents read
 * the `text`, which holds the input and every answer in a labelled block; scripts and conditions find the parts.
 */
export function composeInput({ input, dependencies }: SeenInputs): Json {
  const [first, ...others] = dependencies
  if (!first) return input ?? ''
  if (input === undefined && others.length === 0 && first.status === 'succeeded') return first.output ?? ''
  const blocks = dependencies.map((outcome) => ({ ...outcome, label: outcome.step }))
  return {
    ...filesOf(input),
    text: buildBlocks(input === undefined ? undefined : textOfJson(input), blocks),
    ...(input === undefined ? {} : { input }),
    dependencies: Object.fromEntries(dependencies.map(({ step, output }) => [step, readAnswer(output ?? null)])),
  }
}

/** Files that came with the input stay where agents look for them. */
function filesOf(input: Json | undefined): { readonly [key: string]: Json } {
  if (!isJsonObject(input)) return {}
  return Object.fromEntries(Object.entries(input).filter(([key]) => key === 'images' || key === 'files'))
}

function pickKey(key: string, first: StepOutcome | undefined): Json {
  const reason = (text: string) => new StepFailure('input_key_missing', `input_key "${key}": ${text}`)
  if (!first) throw reason('the step has no dependency to take it from')
  const answer = readAnswer(first.output ?? null)
  if (!isJsonObject(answer)) throw reason(`the output of "${first.step}" is not a JSON object`)
  const value = Object.hasOwn(answer, key) ? answer[key] : undefined
  if (value === undefined) throw reason(`the output of "${first.step}" has no such key`)
  return value
}
