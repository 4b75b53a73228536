import { type Inputs, type StepContext, StepFailure, type StepOutcome } from '../engine/step.ts'
import type { BudgetAnswer, Measures } from '../events/money.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { type CelScope, evaluateCel, looksAt, RUN } from '../graph/cel.ts'
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

/**
 * What expressions name besides what templates do: whether a step that succeeded did so in part (`.partial`), and what of it is missing
 * (`.missing`, by the ids of those that failed).
 */
export function listEnds(outcomes: readonly StepOutcome[]): JsonObject {
  const steps = listSteps(outcomes)
  return Object.fromEntries(
    outcomes.map(({ step, lost }) => {
      const name = nameOf(step)
      return [name, { ...(steps[name] as JsonObject), partial: lost !== undefined, missing: lost ?? [] }]
    }),
  )
}

/** What the expressions of a step see of what it sees. */
export function expressionScope({ input, dependencies }: Inputs): { readonly input: Json; readonly steps: JsonObject } {
  return { input: readAnswer(input), steps: listEnds(dependencies) }
}

/**
 * `run` of the expressions that look at it: `run.budget.left`, `.spent` and `.limit`, each with `cost` in US dollars, `tokens`, `calls` and
 * `seconds`; infinite where there is no limit. It comes by an effect, so the journal holds what they saw; nothing is asked where none looks.
 */
export async function readRun(ctx: StepContext, ...expressions: readonly (string | undefined)[]): Promise<CelScope> {
  if (!expressions.some((expression) => expression !== undefined && looksAt(expression, RUN))) return {}
  // `idempotent`: everything before it is on disk, where its executor reads.
  const answer = await ctx.effect({ kind: 'budget', safety: 'idempotent', request: {} })
  const { spent, limit, left } = answer as unknown as BudgetAnswer
  return { [RUN]: { budget: { spent: showMeasures(spent), limit: showMeasures(limit), left: showMeasures(left) } } }
}

function showMeasures({ cost = Infinity, tokens = Infinity, calls = Infinity, ms = Infinity }: Measures): JsonObject {
  return { cost: cost / 1e9, tokens, calls, seconds: ms / 1000 }
}

/** An expression under the name of the setting in which it stands. */
export type Setting = readonly [key: string, expression: string]

/** The value of an expression; a `StepFailure` when it has none. `run` is what `readRun` gave. */
export function evaluate([key, expression]: Setting, scope: CelScope, run: CelScope = {}): Json {
  const result = evaluateCel(expression, scope, run)
  if (!result.ok) throw new StepFailure(result.code, `${key}: ${result.message}`)
  return result.value
}

/** Does a condition hold? What is no boolean does unless it is null, 0 or empty. */
export function isTrue(value: Json): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
