import type { PlannedEdge, PlannedStep, RunLimits, RunStatus } from './event.ts'
import { type Account, type Amount, createAccount } from './money.ts'
import { Timers } from './timers.ts'
import type { JsonObject, Value } from './values.ts'

export type StepStatus = 'waiting' | 'ready' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'

/** Where an ended step's output stands; the content stays in the journal. */
export interface OutputPlace {
  readonly seq: number
  readonly value: Value
}

export interface StepState {
  readonly id: string
  readonly kind: string
  readonly parent: string | undefined
  /** The parent's proposal it came with. */
  readonly proposal: string | undefined
  plan: PlannedStep
  /** Steps that wait for this one. */
  readonly dependents: PlannedEdge[]
  status: StepStatus
  attempt: number
  /** Dependencies that have not ended. */
  missing: number
  skippedDependencies: number
  /** The first edge that was not met. */
  barred: 'edge' | 'condition' | undefined
  /** It finished with the verdict `true`. */
  affirmed: boolean
  /** The last event addressed to this step: the cause of what it offers. */
  cause: number
  /** Model calls asked for, over all attempts. */
  calls: number
  /** An unsafe effect of any attempt reached, or may have reached, the world. */
  touched: boolean
  /** Proposals of the current attempt whose children have not all ended. */
  waitingOn: number
  proposals: Map<string, ProposalState> | undefined
  /** Keys of effects that are open, waiting or unknown, and of all unsafe ones. */
  effects: Set<string> | undefined
  /** Keys of effects of the running attempt that wait for an approval or have one that is not used yet. */
  approvals: Set<string> | undefined
  /** Keys of effects the running attempt was told no about: nothing may come of them any more. */
  denied: Set<string> | undefined
  /** Of a step that has a budget. */
  account: Account | undefined
  /** What it has read brought these with it. */
  labels: readonly string[]
  output: OutputPlace | undefined
  /** It succeeded although these inside it failed; empty where nobody says which. */
  lost: readonly string[] | undefined
  failure: { readonly code: string; readonly message: string } | undefined
}

export interface ProposalState {
  readonly name: string
  readonly fingerprint: string
  readonly children: readonly string[]
  /** The attempt that waits for the children now. */
  attempt: number
  unfinished: number
}

export type EffectStatus = 'open' | 'waiting' | 'unknown' | 'done' | 'failed'

export interface EffectState {
  readonly key: string
  readonly step: string
  readonly attempt: number
  readonly kind: string
  readonly safety: 'pure' | 'idempotent' | 'billable' | 'unsafe'
  readonly request: Value
  readonly pool: string | undefined
  status: EffectStatus
  tries: number
  /** What each try is held to cost, and what is held now. */
  readonly price: Amount | undefined
  reserved: Amount | undefined
  readonly output_tokens: number | undefined
  /** The newest intent. */
  intent: number
  /** The first intent, which holds the request's content. */
  readonly asked: number
  /** The event that answered it. */
  answer: number
}

export interface ApprovalState {
  readonly key: string
  readonly step: string
  readonly attempt: number
  readonly request: string
  grant: JsonObject
  status: 'asked' | 'given'
  /** The event that asked or gave. */
  seq: number
}

/** An answer given by a fork for an effect that has not been asked yet. */
export interface PresetAnswer {
  readonly effect: string | undefined
  readonly kind: string | undefined
  /** The `run-forked` that holds it. */
  readonly seq: number
}

/** A decision that is due; `cause` is the event that made it so. */
export type Due =
  | { readonly what: 'add'; readonly cause: number }
  | {
      readonly what: 'skip'
      readonly step: string
      readonly reason: 'edge' | 'condition' | 'dependencies-skipped'
      readonly cause: number
    }
  | { readonly what: 'time-out'; readonly step: string; readonly attempt: number; readonly cause: number }
  | { readonly what: 'cancel'; readonly step: string; readonly reason: string; readonly cause: number }
  | { readonly what: 'redo'; readonly key: string; readonly cause: number }
  | { readonly what: 'unknown'; readonly key: string; readonly cause: number }
  | { readonly what: 'deny'; readonly key: string; readonly cause: number }
  | {
      readonly what: 'settle'
      readonly step: string
      readonly key: string
      readonly amount: Amount
      readonly basis: 'told' | 'reserved' | 'untouched'
      /** What was held for it. */
      readonly reserved: Amount
      readonly cause: number
    }

/** Something a step's code is told. Two wakes of one step are always a full drain apart. */
export interface Wake {
  readonly step: string
  readonly attempt: number
  readonly what: 'start' | 'answer' | 'children' | 'abort'
  /** The offer that is answered: an effect's key or a proposal's name. */
  readonly offer?: string
  readonly seq: number
  readonly at: number
}

/** What a run's events add up to. Changed in place by `evolve`; a function of the events alone. */
export interface RunState {
  seq: number
  at: number
  lamport: number
  head: string
  seed: string
  limits: RunLimits
  kinds: { readonly [kind: string]: number }
  startedBy: 'cli' | 'server' | 'code'
  input: Value | undefined
  output: string | undefined
  /** Planned steps between `run-started` and the first `steps-added`. */
  planned: readonly PlannedStep[] | undefined
  readonly steps: Map<string, StepState>
  readonly effects: Map<string, EffectState>
  /** By the key of the effect. */
  readonly approvals: Map<string, ApprovalState>
  /** What a person allowed for the rest of the run, whatever the arguments. */
  readonly granted: JsonObject[]
  /** By step. */
  readonly presets: Map<string, PresetAnswer[]>
  readonly timers: Timers
  readonly due: Due[]
  dueHead: number
  readonly ready: { readonly step: string; readonly cause: number }[]
  readyHead: number
  /** Running or retrying steps, in starting order. */
  readonly active: Set<string>
  /** Running steps that count against the concurrency limit. */
  slots: number
  readonly account: Account
  /** A call was refused because of a limit of the run or of a step. */
  refused: boolean
  /** Steps that have not ended. */
  unended: number
  openEffects: number
  readonly ended: Record<'succeeded' | 'failed' | 'skipped' | 'cancelled', number>
  goodEnds: number
  /** Steps that succeeded although something inside them failed. */
  partial: number
  /** Unsafe effects nobody knows the outcome of, whose step has ended. */
  readonly unknown: string[]
  stop: { readonly status: 'cancelled' | 'exhausted'; readonly reason: string; readonly cause: number } | undefined
  paused: boolean
  finished: RunStatus | undefined
  lastEnd: number
  /** Highest inbox command taken. */
  command: number
  /** Deliveries for the driver to hand out; a plain fold may ignore and clear them. */
  wakes: Wake[]
}

export function createRunState(): RunState {
  return {
    seq: 0,
    at: 0,
    lamport: 0,
    head: '0'.repeat(64),
    seed: '',
    limits: { tries: 1, calls_per_step: 1, backoff_ms: 0, backoff_cap_ms: 0 },
    kinds: {},
    startedBy: 'code',
    input: undefined,
    output: undefined,
    planned: undefined,
    steps: new Map(),
    effects: new Map(),
    approvals: new Map(),
    granted: [],
    presets: new Map(),
    timers: new Timers(),
    due: [],
    dueHead: 0,
    ready: [],
    readyHead: 0,
    active: new Set(),
    slots: 0,
    account: createAccount(),
    refused: false,
    unended: 0,
    openEffects: 0,
    ended: { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
    goodEnds: 0,
    partial: 0,
    unknown: [],
    stop: undefined,
    paused: false,
    finished: undefined,
    lastEnd: 0,
    command: 0,
    wakes: [],
  }
}

/** Has this step come to its end? */
export function isEnded(status: StepStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'cancelled'
}
