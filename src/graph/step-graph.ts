import type { StepBudget } from '../events/money.ts'
import type { Rights } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Budget } from './budget.ts'
import type { Candidate } from './candidates.ts'

/**
 * A plain `depends_on` waits for the other step's end, whichever (`always`). `verdict` is the edge from a condition: it lets the
 * step start only if the other finished with the verdict `true`, and carries no content.
 */
export type Edge = {
  readonly step: string
  readonly on: 'always' | 'success' | 'failure' | 'verdict'
}

/** Step-level retry: the function runs again as a new attempt, `delay_ms` later (default 0). */
export type StepRetry = {
  readonly attempts: number
  readonly delay_ms?: number
}

/** What to do when an unsafe effect may or may not have happened. */
export type OnUnknown = 'ask' | 'retry' | 'fail'

/** One step as plain data. `spec` is the step kind's own settings (prompts, parameters); the engine never looks inside. */
export type GraphStep = {
  readonly id: string
  readonly kind: string
  readonly spec: JsonObject
  readonly after?: readonly Edge[]
  readonly timeout_ms?: number
  readonly retry?: StepRetry
  readonly on_unknown?: OnUnknown
  /** What the step and all it proposes may ask of tools. */
  readonly rights?: Rights
  /** What the step and all it proposes may spend: integer nano-dollars, tokens. */
  readonly budget?: StepBudget
  /** For a proposed step: what it and the steps it proposes see as input, instead of their proposer's. */
  readonly input?: Json
  /** For a proposed step: those dependencies of its proposer that it sees too, before its own. */
  readonly inherit?: readonly string[]
}

/** What every notation compiles to. Steps stand in the order the user wrote them. */
export type StepGraph = {
  readonly name: string
  readonly steps: readonly GraphStep[]
  /** The step whose output is the run's answer; without it, the last steps that nothing depends on. */
  readonly output?: string
  /** What the whole may spend. */
  readonly budget?: Budget
  /** Where another ensemble runs it: who writes the last answer when its budget runs dry, and what is kept back for it. */
  readonly finish?: { readonly candidates: readonly Candidate[]; readonly wrap_up?: number }
}
