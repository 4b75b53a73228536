import type { Json, JsonObject } from '../events/values.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import type { Delta, EffectAsk } from './effect.ts'

/** How another step ended, as a dependent sees it. */
export interface StepOutcome {
  readonly step: string
  readonly status: 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  readonly output?: Json
  readonly code?: string
  readonly message?: string
  /** It succeeded although these inside it failed; an empty list says that something did, and not what. */
  readonly lost?: readonly string[]
}

/** What a step may look at. `input` is the run's (or the parent's) input; dependencies come in declared order. */
export interface Inputs {
  readonly input: Json
  readonly dependencies: readonly StepOutcome[]
}

/** A planned step with its settings. `spec` belongs to the step kind alone. */
export interface StepView {
  readonly id: string
  readonly kind: string
  readonly attempt: number
  readonly spec: JsonObject
}

/**
 * `verdict` is the plain part the engine may look at; everything else is content. `true` lets steps behind a `verdict` edge start;
 * `{partial: true, failed?: [ID, …]}` says that something inside failed and the step went on, so the run ends at best `partial`; whoever
 * sees the step's outcome is told (`lost`).
 */
export interface StepResult {
  readonly output: Json
  readonly verdict?: Json
}

/** The facts a step may put into the journal. */
export type RecordType =
  | 'step-routed'
  | 'step-verified'
  | 'ballot-cast'
  | 'context-built'
  | 'message-sent'
  | 'artifact-kept'
  | 'note-written'

/** A step that a step proposes: ids begin with the proposer's own id; edges name siblings of the same proposal. */
export type ProposedStep = GraphStep

/** All a step may await. Time and chance are functions of the journal, so the same journal gives the same step. */
export interface StepContext {
  /** Rejects with a `StepFailure` when the effect finally failed. */
  effect(ask: EffectAsk): Promise<Json>
  /** Adds steps and answers with their outcomes, in the order given. */
  propose(name: string, steps: readonly ProposedStep[]): Promise<readonly StepOutcome[]>
  record(type: RecordType, facts: JsonObject, content?: Json): void
  stream(delta: Delta): void
  /** ms UTC of the last event delivered to this step. */
  now(): number
  /** [0,1), seeded by run, step and attempt. */
  random(): number
  readonly signal: AbortSignal
}

export type RunStep = (step: StepView, inputs: Inputs, ctx: StepContext) => Promise<StepResult>

/** A kind of step. A change in what it asks is a new version. */
export interface StepKind {
  readonly kind: string
  readonly version: number
  run: RunStep
  /** Earlier versions that are still shipped, for steps that began with them. */
  readonly older?: { readonly [version: number]: RunStep }
}

/** How a step says "I failed": thrown by steps, and what `ctx.effect` rejects with. The output, if any, stays the step's output. */
export class StepFailure extends Error {
  readonly code: string
  readonly output: Json | undefined
  /** The foreign text behind it (from the journal), for a message to the user; not part of the failure itself. */
  readonly detail: string | undefined
  constructor(code: string, message: string, more: { readonly output?: Json; readonly detail?: string } = {}) {
    super(message)
    this.name = 'StepFailure'
    this.code = code
    this.output = more.output
    this.detail = more.detail
  }
}
