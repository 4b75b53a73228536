import type { JsonObject } from '../events/values.ts'

/** A plain `depends_on` waits for the other step's end, whichever (`always`). */
export interface Edge {
  readonly step: string
  readonly on: 'always' | 'success' | 'failure'
}

/** Step-level retry: the function runs again as a new attempt, `delay_ms` later (default 0). */
export interface StepRetry {
  readonly attempts: number
  readonly delay_ms?: number
}

/** What to do when an unsafe effect may or may not have happened. */
export type OnUnknown = 'ask' | 'retry' | 'fail'

/** One step as plain data. `spec` is the step kind's own settings (prompts, parameters); the engine never looks inside. */
export interface GraphStep {
  readonly id: string
  readonly kind: string
  readonly spec: JsonObject
  readonly after?: readonly Edge[]
  readonly timeout_ms?: number
  readonly retry?: StepRetry
  readonly on_unknown?: OnUnknown
}

/** What every notation compiles to. Steps stand in the order the user wrote them. */
export interface StepGraph {
  readonly name: string
  readonly steps: readonly GraphStep[]
  /** The step whose output is the run's answer; without it, the last steps that nothing depends on. */
  readonly output?: string
}
