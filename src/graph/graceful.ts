import type { BudgetLimits, StepBudget } from '../events/money.ts'
import type { JsonObject } from '../events/values.ts'
import type { Candidate } from './candidates.ts'
import type { InputRules } from './composite.ts'
import type { StepGraph } from './step-graph.ts'

/** Kind `graceful`: a whole graph that may spend less than all, so that something is left for a last answer when it runs dry. */
export type GracefulSpec = {
  readonly graph: StepGraph
  /** What the graph may spend; the rest is the last answer's. */
  readonly limits: StepBudget
  /** Who writes the last answer. */
  readonly candidates: readonly Candidate[]
  /** Tokens of what is there that the last answer is made from. */
  readonly material_tokens: number
  /** The form of the answer, where the graph promises one. */
  readonly output_schema?: JsonObject
  /** Inside another ensemble: the one whose graph it is. */
  readonly ensemble?: string
  /** Which part of what it sees the graph gets as its input. */
  readonly rules?: InputRules
}

/** Kind `portion`: the graph inside a `graceful` step. It ends with what there is, whatever became of its steps. */
export type PortionSpec = { readonly graph: StepGraph }

/** Usually so much is kept back. */
const USUAL_WRAP_UP = 0.2

/** How a graph is brought to an end: `limits` are those of the whole, of which `wrap_up` is kept back. */
export interface Finish {
  readonly limits: BudgetLimits
  readonly candidates: readonly Candidate[]
  readonly wrap_up?: number
}

/** Puts a graph into a step that finishes gracefully. `limits` are those of the run. */
export function finishGracefully(graph: StepGraph, how: Finish): StepGraph {
  const spec = gracefulSpec(graph, how)
  return { name: graph.name, steps: [{ id: graph.name, kind: 'graceful', spec }], output: graph.name }
}

/** The settings of a step that runs the graph and finishes gracefully. */
export function gracefulSpec(graph: StepGraph, how: Finish): GracefulSpec {
  const { limits, candidates, wrap_up = USUAL_WRAP_UP } = how
  const { max_cost, max_tokens, max_calls } = limits
  const spend = (limit: number) => Math.max(1, Math.floor(limit * (1 - wrap_up)))
  const { budget: _, finish: __, ...plain } = graph
  const schema = findOutputSchema(graph)
  return {
    graph: plain,
    limits: {
      ...(max_cost === undefined ? {} : { max_cost: spend(max_cost) }),
      ...(max_tokens === undefined ? {} : { max_tokens: spend(max_tokens) }),
      ...(max_calls === undefined ? {} : { max_calls: Math.max(1, max_calls - 1) }),
      ...(graph.budget?.unpriced === 'allow' ? { unpriced: 'allow' } : {}),
    },
    candidates,
    material_tokens: readableTokens(how, wrap_up),
    ...(schema ? { output_schema: schema } : {}),
  }
}

/** Half of what is kept back may be read, the other half written. */
function readableTokens(
  { limits, candidates }: { readonly limits: BudgetLimits; readonly candidates: readonly Candidate[] },
  wrap_up: number,
): number {
  const tokens = ((limits.max_tokens ?? Infinity) * wrap_up) / 2
  const price = candidates[0]?.card?.prices?.input ?? 0
  const bought = limits.max_cost === undefined || price === 0 ? Infinity : (limits.max_cost * wrap_up * 1e6) / 2 / price
  const window = (candidates[0]?.card?.context_window ?? 16_000) / 2
  return Math.max(1, Math.floor(Math.min(tokens, bought, window)))
}

/** The schema of the step whose output is the graph's. */
function findOutputSchema({ steps, output }: StepGraph): JsonObject | undefined {
  const awaited = new Set(steps.flatMap(({ after = [] }) => after.map((edge) => edge.step)))
  const last = steps.filter(({ id }) => (output === undefined ? !awaited.has(id) : id === output))
  if (last.length !== 1) return undefined
  return last[0]?.spec['output_schema'] as JsonObject | undefined
}
