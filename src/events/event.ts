import type { Usage } from './messages.ts'
import type { Amount, StepBudget } from './money.ts'
import type { Rights } from './tool-call.ts'
import type { Json, JsonObject, Value } from './values.ts'

/** Version of the journal format; recorded in every event. */
export const FORMAT = 1

/** Who an event comes from. Type and actor together give the event's origin. */
export type Actor = 'engine' | 'step' | 'person' | 'worker' | 'world'

/** A limit on waiting steps and repeated calls; all that `decide` reads of the run's settings. */
export interface RunLimits {
  /** Steps running at once; absent = no limit. */
  readonly max_concurrent?: number
  /** ms from `run-started` until the run ends as `exhausted`. */
  readonly timeout_ms?: number
  /** Nano-dollars and tokens that the run may spend in all. */
  readonly max_cost?: number
  readonly max_tokens?: number
  /** Model calls of the run in all, repetitions included. */
  readonly max_calls?: number
  /** A call that the run's budget does not pay for waits until a person has raised the budget, or has refused to. */
  readonly on_limit?: 'ask'
  /** Models without a known price count as free; otherwise a limit on cost refuses them. */
  readonly unpriced?: 'allow'
  /** Tries of one effect with the same request, the first included. */
  readonly tries: number
  /** Model calls one step may make in all: tries x fallback x repair. */
  readonly calls_per_step: number
  /** First wait before a repeated try; doubles each time, with jitter. */
  readonly backoff_ms: number
  /** The longest wait, also for a server's Retry-After; beyond it the call fails at once. */
  readonly backoff_cap_ms: number
}

/** `verdict`: the other step must have finished with the verdict `true`. */
export interface PlannedEdge {
  readonly step: string
  readonly on: 'always' | 'success' | 'failure' | 'verdict'
}

/** A step in the journal: its settings are content (`spec`), everything the engine reads is plain. */
export interface PlannedStep {
  readonly id: string
  readonly kind: string
  readonly after: readonly PlannedEdge[]
  readonly spec: Value
  readonly timeout_ms?: number
  readonly retry?: { readonly attempts: number; readonly delay_ms?: number }
  readonly on_unknown?: 'ask' | 'retry' | 'fail'
  /** What it and all below it may ask of tools; what the steps above it may not, it may not either. */
  readonly rights?: Rights
  /** What the step and all below it may spend. */
  readonly budget?: StepBudget
  /** What a proposed step and the steps it proposes see as input, instead of the proposer's. */
  readonly input?: Value
  /** Dependencies of its proposer that a proposed step sees too. */
  readonly inherit?: readonly string[]
}

/** A file the definition was made from. */
export interface PinnedFile {
  readonly name: string
  readonly content: Value
}

export type RunStatus = 'succeeded' | 'partial' | 'failed' | 'cancelled' | 'exhausted'

interface OfStep {
  readonly step: string
  readonly attempt: number
}

/** A fact a step recorded; `n` counts per type and attempt. */
export interface StepFact extends OfStep {
  readonly n: number
  readonly facts: JsonObject
  readonly content?: Value
}

/** What a fork changes: settings of steps that have not ended, answers nobody has given, the input before any step ran. */
export interface ForkChange {
  readonly input?: Value
  readonly limits?: Partial<RunLimits>
  /** A step that is running is run again with them. */
  readonly specs?: readonly { readonly step: string; readonly spec: Value }[]
  /** Taken in the world's place by the effect of this name or kind: the one that is open, else the next one asked. */
  readonly answers?: readonly {
    readonly step: string
    readonly effect?: string
    readonly kind?: string
    readonly answer: Value
  }[]
}

/** The data of each event type. */
export interface EventData {
  'run-started': {
    readonly format: number
    readonly engine: string
    readonly seed: string
    readonly limits: RunLimits
    readonly target: { readonly kind: string; readonly name: string }
    /** Who may adopt it after a crash: only a server adopts a server's runs. */
    readonly started_by: 'cli' | 'server' | 'code'
    /** Digest of the project's folder, so that lists can be narrowed without naming paths. */
    readonly project?: string
    /** Whose it is: the name of an access key or of a token's owner; absent: the local user's. */
    readonly principal?: string
    readonly input: Value
    readonly steps: readonly PlannedStep[]
    readonly output?: string
    /** Versions of the step kinds in force. */
    readonly kinds: { readonly [kind: string]: number }
    readonly files: readonly PinnedFile[]
  }
  'run-forked': {
    readonly parent: string
    readonly at_seq: number
    readonly parent_hash: string
    readonly started_by: 'cli' | 'server' | 'code'
    readonly kinds: { readonly [kind: string]: number }
    readonly files: readonly PinnedFile[]
    readonly change: ForkChange
  }
  'run-paused': { readonly asks: readonly string[]; readonly command?: number }
  'run-resumed': {
    readonly kinds: { readonly [kind: string]: number }
    readonly files: readonly PinnedFile[]
    readonly command?: number
  }
  'run-finished': {
    readonly status: RunStatus
    readonly steps: { readonly [status: string]: number }
    readonly output?: string
    readonly unknown: readonly string[]
    readonly reason?: string
  }
  'cancel-requested': { readonly reason?: string; readonly command?: number }
  'steps-added':
    | { readonly from: 'definition'; readonly count: number }
    | (OfStep & {
        readonly proposal: string
        readonly steps: readonly PlannedStep[]
        /** The same steps were added before; this attempt joins them. */
        readonly joins?: true
      })
  'step-started': OfStep & { readonly version: number }
  'step-finished': OfStep & { readonly output: Value; readonly verdict?: Json }
  /** With `retry_at` the step will run again; without it, this is the step's end. */
  'step-failed': OfStep & {
    readonly code: string
    readonly message: string
    readonly output?: Value
    readonly retry_at?: number
    /** The offer that could not be admitted, when that is the reason. */
    readonly offer?: string
  }
  'step-skipped': { readonly step: string; readonly reason: 'edge' | 'dependencies-skipped' | 'condition' }
  'step-cancelled': OfStep & { readonly reason: string }
  'step-retried': OfStep & { readonly version: number }
  'step-routed': StepFact
  'step-verified': StepFact
  'ballot-cast': StepFact
  'context-built': StepFact
  /** By a step to others, or by a person to a step (to all, where none is named). */
  'message-sent': StepFact | { readonly to?: string; readonly text: Value; readonly command?: number }
  'artifact-kept': StepFact
  'budget-reserved': {
    readonly key: string
    readonly request: string
    readonly scope: string
    readonly amount: JsonObject
  }
  /** What a try of an effect cost, as it was told, or all that was held for it (`reserved`); `untouched`: it never reached the world. */
  'budget-settled': {
    readonly step: string
    readonly key: string
    readonly amount: Amount
    readonly basis: 'told' | 'reserved' | 'untouched'
  }
  'budget-refused': OfStep & {
    readonly key: string
    readonly request: Value
    readonly code: string
    readonly message: string
  }
  'effect-intended': OfStep & {
    readonly key: string
    readonly kind: string
    readonly safety: 'pure' | 'idempotent' | 'billable' | 'unsafe'
    readonly request: Value
    readonly pool?: string
    /** The number of this repetition; absent on the first try. */
    readonly redo?: number
    /** Held for this try until it is settled. */
    readonly reserved?: Amount
    /** The output that was paid for, in tokens, where it is less than was asked. */
    readonly output_tokens?: number
    /** The earlier attempt's effect whose answer this one receives. */
    readonly answered_by?: number
  }
  'effect-done': {
    readonly key: string
    readonly answer: Value
    readonly source?: 'cache' | 'person'
    /** What the answer brings with it, for example `outside`. Whoever reads it, directly or through others, carries it too. */
    readonly labels?: readonly string[]
    readonly cost?: number
    readonly usage?: Usage
    readonly ms?: number
    readonly command?: number
  }
  'effect-failed': {
    readonly key: string
    readonly code: string
    readonly message: string
    readonly detail?: Value
    readonly partial?: Value
    readonly touched: 'no' | 'maybe' | 'yes'
    readonly retry: boolean
    readonly labels?: readonly string[]
    readonly retry_after_ms?: number
    readonly cost?: number
    readonly usage?: Usage
    readonly ms?: number
    readonly command?: number
  }
  'effect-unknown': { readonly key: string; readonly step: string }
  'timer-fired': { readonly key: string }
  'start-granted': { readonly step: string }
  'approval-requested': {
    readonly step: string
    readonly key: string
    /** What the person is shown. Whoever answers names its digest. */
    readonly request: Value
    /** What exactly is asked for: tool, digests, policy version, scope. */
    readonly grant: JsonObject
    /** ms UTC; unanswered or unused by then it is denied. */
    readonly expires_at?: number
  }
  'approval-given': {
    readonly step: string
    readonly key: string
    readonly request: string
    readonly grant: JsonObject
    readonly command?: number
  }
  'approval-denied': {
    readonly step: string
    readonly key: string
    readonly request: string
    readonly reason: string
    readonly command?: number
  }
  'note-written': { readonly about?: string; readonly text: Value } | StepFact
}

export type EventType = keyof EventData

interface Envelope<T extends EventType> {
  readonly v: number
  readonly run: string
  /** Gap-free from 1. */
  readonly seq: number
  /** Integer ms UTC; never goes back within a run. */
  readonly at: number
  readonly lamport: number
  /** The enabling events: `seq`, or `run:seq` of another run. */
  readonly causes: readonly (number | string)[]
  readonly actor: Actor
  readonly type: T
  readonly data: EventData[T]
  readonly prev: string
  readonly hash: string
}

/** One immutable, hashed fact in a journal. */
export type Event = { readonly [T in EventType]: Envelope<T> }[EventType]
export type EventOf<T extends EventType> = Envelope<T>

/** input: the world decides · decision: recomputed by `decide` · output: recomputed by the step's code, position recorded. */
export type Origin = 'input' | 'decision' | 'output'
/** fact: replay needs it · wait: someone must answer · note: viewers only. */
export type Kind = 'fact' | 'wait' | 'note'

interface TypeInfo {
  readonly kind: Kind
  readonly origin: { readonly [A in Actor]?: Origin }
  /** Where values stand in `data`; `*` steps through a list. */
  readonly values: readonly string[]
}

const stepFact: TypeInfo = { kind: 'fact', origin: { step: 'output' }, values: ['content'] }

/** The one table of event types. A new type is added here, with origin, kind and the places of its values. */
export const EVENT_TYPES: { readonly [T in EventType]: TypeInfo } = {
  'run-started': {
    kind: 'fact',
    origin: { world: 'input' },
    values: ['input', 'steps.*.spec', 'steps.*.input', 'files.*.content'],
  },
  'run-forked': {
    kind: 'fact',
    origin: { world: 'input', person: 'input' },
    values: ['files.*.content', 'change.input', 'change.specs.*.spec', 'change.answers.*.answer'],
  },
  'run-paused': { kind: 'wait', origin: { world: 'input', person: 'input' }, values: [] },
  'run-resumed': { kind: 'fact', origin: { worker: 'input' }, values: ['files.*.content'] },
  'run-finished': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'cancel-requested': { kind: 'fact', origin: { person: 'input', world: 'input' }, values: [] },
  'steps-added': {
    kind: 'fact',
    origin: { engine: 'decision', step: 'output' },
    values: ['steps.*.spec', 'steps.*.input'],
  },
  'step-started': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'step-finished': { kind: 'fact', origin: { step: 'output' }, values: ['output'] },
  'step-failed': { kind: 'fact', origin: { step: 'output', engine: 'decision' }, values: ['output'] },
  'step-skipped': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'step-cancelled': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'step-retried': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'step-routed': stepFact,
  'step-verified': stepFact,
  'ballot-cast': stepFact,
  'context-built': stepFact,
  'message-sent': { kind: 'fact', origin: { step: 'output', person: 'input' }, values: ['content', 'text'] },
  'artifact-kept': stepFact,
  'budget-reserved': { kind: 'fact', origin: { world: 'input' }, values: [] },
  'budget-settled': { kind: 'fact', origin: { engine: 'decision' }, values: [] },
  'budget-refused': {
    kind: 'fact',
    origin: { step: 'output', engine: 'decision', world: 'input' },
    values: ['request'],
  },
  'effect-intended': { kind: 'fact', origin: { step: 'output', engine: 'decision' }, values: ['request'] },
  'effect-done': { kind: 'fact', origin: { world: 'input', person: 'input' }, values: ['answer'] },
  'effect-failed': { kind: 'fact', origin: { world: 'input', person: 'input' }, values: ['detail', 'partial'] },
  'effect-unknown': { kind: 'wait', origin: { engine: 'decision' }, values: [] },
  'timer-fired': { kind: 'fact', origin: { world: 'input' }, values: [] },
  'start-granted': { kind: 'fact', origin: { world: 'input' }, values: [] },
  'approval-requested': { kind: 'wait', origin: { world: 'input' }, values: ['request'] },
  'approval-given': { kind: 'fact', origin: { world: 'input', person: 'input' }, values: [] },
  'approval-denied': { kind: 'fact', origin: { world: 'input', person: 'input', engine: 'decision' }, values: [] },
  'note-written': {
    kind: 'note',
    origin: { step: 'output', engine: 'input', world: 'input' },
    values: ['text', 'content'],
  },
}

/** The origin of an event; throws for a type and actor that do not go together. */
export function originOf(type: EventType, actor: Actor): Origin {
  const origin = EVENT_TYPES[type]?.origin[actor]
  if (!origin) throw new Error(`an event of type ${type} cannot come from ${actor}`)
  return origin
}
