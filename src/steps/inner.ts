import { type StepContext, StepFailure, type StepOutcome } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import { nameOf, placeSteps } from './place.ts'

/** How a graph inside a step came out. */
export interface InnerEnd {
  readonly output: Json
  /** Steps that failed while the graph went on. */
  readonly failed: readonly string[]
  /** These, and what failed inside of those that went on. */
  readonly lost: readonly string[]
  /** Those of the steps that expressions may name: conditions have no content. */
  readonly outcomes: readonly StepOutcome[]
}

export interface InnerGraph {
  /** Names the proposal. */
  readonly name: string
  readonly graph: StepGraph
  /** The id its steps are put under. */
  readonly place: string
  readonly input: Json
  /** What the graph is to the user, for messages: `the ensemble "x"`. */
  readonly title: string
}

/**
 * Runs a graph as children of the step. Its output is that of its output step or its only last step, else `{NAME: output}` of the last
 * steps, without those that were skipped. It fails like a run does: when something failed and no step that counts succeeded.
 */
export async function runInner(ctx: StepContext, { name, graph, place, input, title }: InnerGraph): Promise<InnerEnd> {
  const outcomes = await ctx.propose(name, placeSteps(place, graph.steps, { input }))
  const last = findLast(graph)
  const ends = outcomes.filter((_, index) => last.has(graph.steps[index]?.id ?? ''))
  const failures = outcomes.filter(({ status }) => status === 'failed')
  const output = readOutput(ends)
  if (failures.length > 0 && !ends.some(({ status }) => status === 'succeeded'))
    throw new StepFailure('inner_failed', `${title} failed: ${describeFailures(failures)}`, { output })
  const visible = outcomes.filter((_, index) => graph.steps[index]?.kind !== 'condition')
  return { output, failed: failures.map(({ step }) => step), lost: listLost(outcomes), outcomes: visible }
}

/** What is missing of these: those that failed, and what failed inside of those that went on. */
export function listLost(outcomes: readonly StepOutcome[]): readonly string[] {
  return outcomes.flatMap(({ step, status, lost }) => {
    if (status === 'failed') return [step]
    return lost?.length === 0 ? [step] : (lost ?? [])
  })
}

/** What a step says of itself that came to an end without these. */
export function verdictOn(lost: readonly string[]): { readonly verdict?: Json } {
  return lost.length > 0 ? { verdict: { partial: true, failed: lost } } : {}
}

/** At most three, so that a thousand failed items still read as one message. */
export function describeFailures(failures: readonly StepOutcome[]): string {
  const named = failures.slice(0, 3).map(({ step, code, message }) => `${labelOf(step)} (${code}: ${message})`)
  const more = failures.length - named.length
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** A condition is called after the step it gates. */
function labelOf(id: string): string {
  return id.endsWith('/when') ? id.split('/').slice(-2).join('/') : nameOf(id)
}

export function findLast({ steps, output }: StepGraph): ReadonlySet<string> {
  if (output !== undefined) return new Set([output])
  const awaited = new Set(steps.flatMap(({ after = [] }) => after.map((edge) => edge.step)))
  return new Set(steps.flatMap(({ id }) => (awaited.has(id) ? [] : [id])))
}

export function readOutput(ends: readonly StepOutcome[]): Json {
  if (ends.length === 1) return ends[0]?.output ?? null
  const reached = ends.filter(({ status }) => status !== 'skipped')
  return Object.fromEntries(reached.map(({ step, output }) => [nameOf(step), output ?? null]))
}
