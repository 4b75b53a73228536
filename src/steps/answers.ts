import type { Inputs, StepOutcome } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import { nameOf } from './place.ts'
import { isJsonObject, readAnswer } from './read-json.ts'

/** One of the answers that are to become one. `name` is the step's, for an item of a list `STEP[3]`. */
export interface NamedAnswer {
  readonly name: string
  readonly content: Json
}

export interface Answers {
  readonly there: readonly NamedAnswer[]
  /** Those that are not, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[]
}

/** The answers of the dependencies. A single one that holds a list (items of a `fan_out`) counts as the answers in it. */
export function readAnswers({ dependencies }: Pick<Inputs, 'dependencies'>): Answers {
  const [only, ...others] = dependencies
  const list = only && others.length === 0 ? readList(only) : undefined
  if (list) return list
  const outcomes = dependencies.map((outcome) => ({ ...outcome, name: nameOf(outcome.step) }))
  return {
    there: outcomes.flatMap(({ name, status, output }) =>
      status === 'succeeded' && output !== undefined ? [{ name, content: plainAnswer(output) }] : [],
    ),
    missing: outcomes.flatMap(({ name, ...outcome }) =>
      outcome.status === 'succeeded' ? [] : [{ name, why: describeEnd(outcome) }],
    ),
  }
}

/** A list, or `{data: list, items: how each ended}`, where `null` stands for an item that failed. */
function readList({ step, output = null }: StepOutcome): Answers | undefined {
  const answer = readAnswer(output)
  const list = isJsonObject(answer) && Array.isArray(answer['items']) ? answer['data'] : answer
  if (!Array.isArray(list)) return undefined
  const ends = isJsonObject(answer) && Array.isArray(answer['items']) ? (answer['items'] as readonly Json[]) : []
  const named = (list as readonly Json[]).map((content, index) => ({
    name: `${nameOf(step)}[${index}]`,
    content,
    index,
  }))
  return {
    there: named.flatMap(({ name, content }) => (content === null ? [] : [{ name, content: plainAnswer(content) }])),
    missing: named.flatMap(({ name, content, index }) =>
      content === null ? [{ name, why: describeItem(ends[index]) }] : [],
    ),
  }
}

function describeItem(end: Json | undefined): string {
  const error = isJsonObject(end) ? end['error'] : undefined
  return isJsonObject(error) ? `it failed (${String(error['code'])}: ${String(error['message'])})` : 'it has no output'
}

function describeEnd({ status, code, message }: StepOutcome): string {
  if (status !== 'failed') return status === 'skipped' ? 'it was skipped' : 'it was cancelled'
  return `it failed (${code}: ${message})`
}

/** A script's plain text is wrapped as `{success: true, output: TEXT}`; the text is what it answered. */
function plainAnswer(content: Json): Json {
  if (!isJsonObject(content) || content['success'] !== true || Object.keys(content).length !== 2) return content
  return typeof content['output'] === 'string' ? content['output'] : content
}
