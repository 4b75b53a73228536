import type { Candidate } from './candidates.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'

/**
 * The settings of the step kinds that work by proposing other steps. A step or graph inside a spec is a template: its ids are
 * relative, and the kind puts its own id before them (`NAME[3]`, `NAME#2/agent`, `NAME/agent`) when it proposes them.
 * Expressions are CEL over `input`, `steps.NAME.output|status` of the dependencies, and what each kind adds.
 */

/** Kind `condition`: finishes with the verdict `true` or `false`. Stands before the step it gates, as `NAME/when`. */
export type ConditionSpec = {
  readonly expression: string
}

/** Kind `each`: one child `NAME[i]` per item, outputs gathered in order, `null` for a failed one. */
export type EachSpec = {
  /** CEL that gives the list; without it the first dependency's output: a list, or an object with a list `data`. */
  readonly over?: string
  /** How many items at once; without it all. */
  readonly width?: number
  readonly step: GraphStep
}

/** Kind `loop`: rounds `NAME#1/…`, `NAME#2/…` of the body until `until` holds or the limit is reached. */
export type LoopSpec = {
  readonly body: StepGraph
  /** CEL over the round's `steps`, `round` (from 1) and `input`. */
  readonly until?: string
  readonly max_iterations: number
  /** CEL over the round's `steps`: what the next round gets as input. Without it each round gets the loop's own input. */
  readonly carry?: string
}

/** Kind `nested`: another ensemble's graph as children `NAME/agent`. */
export type NestedSpec = {
  readonly ensemble: string
  readonly graph: StepGraph
}

/** Kind `dispatch`: which ensemble to run is known only at run time; its definition comes by the effect `definition`. */
export type DispatchSpec = {
  /** CEL that gives the ensemble's name. */
  readonly ensemble: string
  /** The model that all agents of that ensemble go on with when a budget does not pay for their own. */
  readonly cheaper?: Candidate
}

/** Which part of what a step could see it does see; part of the spec of `agent`, `script` and the kinds above. */
export type InputRules = {
  /** One key of the first dependency's JSON object becomes the input. */
  readonly input_key?: string
  /** `dependencies`: the original input is left out. */
  readonly input_scope?: 'dependencies' | 'all'
}
