import { type Inputs, StepFailure, type StepOutcome } from '../engine/step.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { type CelScope, evaluateCel } from '../graph/cel.ts'
import { nameOf } from './place.ts'
import { readAnswer, textOfJson } from './read-json.ts'

/**
 * What expressions and templates of a step can name: `input`, and `steps.NAME.output` and `.status` of what the step sees. An input that
 * is the text of a JSON object counts as that object: a command line can give no other.
 */
export function scopeOf({ input, dependencies }: Inputs): { readonly input: Json; readonly steps: JsonObject } {
  return { input: readAnswer(input), steps: listSteps(dependencies) }
}

/**
 * A text output that is a JSON object counts as that object; a step without output has `null`. `text` is the output as it was written,
 * for those who hand it on untouched.
 */
export function listSteps(outcomes: readonly StepOutcome[]): JsonObject {
  return Object.fromEntries(
    outcomes.map(({ step, status, output }) => [
      nameOf(step),
      { output: readAnswer(output ?? null), text: output === undefined ? '' : textOfJson(output), status },
    ]),
  )
}

/** The value of an expression; a `StepFailure` when it has none. `key` says which setting it stands in. */
export function evaluate(key: string, expression: string, scope: CelScope): Json {
  const result = evaluateCel(expression, scope)
  if (!result.ok) throw new StepFailure(result.code, `${key}: ${result.message}`)
  return result.value
}

/** Does a condition hold? What is no boolean does unless it is null, 0 or empty. */
export function isTrue(value: Json): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
