import type { Usage } from '../events/messages.ts'
import type { Need } from '../events/money.ts'
import type { Json } from '../events/values.ts'

/**
 * What may happen when an effect is done twice. `pure`: redo freely · `idempotent`: redo with the same key, which the tool is given ·
 * `billable`: may be redone after a crash, costs again · `unsafe`: at most once.
 */
export type Safety = 'pure' | 'idempotent' | 'billable' | 'unsafe'

/** A described touch of the world, as a step offers it. */
export interface EffectAsk {
  readonly kind: string
  /** What this effect is (`tool:CALL_ID`); without it the kind and a count are the key. */
  readonly name?: string
  readonly safety: Safety
  readonly request: Json
  /** Effects of one pool share a limit on how many run at once, for example `provider:ollama` or `script`. */
  readonly pool?: string
  /** What it needs at worst: held before it starts, settled when it ends. */
  readonly need?: Need
}

/** One admitted effect on its way to its executor; its intent is on disk. */
export interface EffectOrder extends EffectAsk {
  readonly run: string
  readonly step: string
  readonly attempt: number
  readonly key: string
  /** 1 for the first try. */
  readonly tries: number
  /** The same for every try of this effect, different for every other: hand it to whatever can deduplicate. */
  readonly idempotency_key: string
  /** The output that was paid for, in tokens, where it is less than was asked. */
  readonly output_tokens?: number
}

export interface EffectDone {
  readonly ok: true
  readonly answer: Json
  /** Integer nano-dollars as the executor understood them; absent when unknown. */
  readonly cost?: number
  readonly usage?: Usage
  /** It was given before, and is given again. */
  readonly source?: 'cache'
  /** What the answer brings with it, for example `outside`: policy sees it in everything that comes of it. */
  readonly labels?: readonly string[]
}

export interface EffectFailed {
  readonly ok: false
  readonly code: string
  /** Our own words; never text from outside. */
  readonly message: string
  /** The foreign message, if there is one. Kept as content, so it can be redacted. */
  readonly detail?: string
  /** What had arrived before it broke. */
  readonly partial?: Json
  /** Did it reach the world? `no` lets even an unsafe effect be repeated. */
  readonly touched: 'no' | 'maybe' | 'yes'
  /** May the engine try the same request again? */
  readonly retry: boolean
  readonly retry_after_ms?: number
  readonly cost?: number
  readonly usage?: Usage
  /** A failure tells of the world, too. */
  readonly labels?: readonly string[]
}

export type EffectOutcome = EffectDone | EffectFailed

/** Live text on its way to watchers; never journalled, may be lost. */
export type Delta = { readonly type: 'text' | 'reasoning' | 'stdout' | 'stderr'; readonly text: string }

/** Performs one kind of effect: the only code that touches the world. It reports failure as data and never retries. */
export interface Executor {
  readonly kind: string
  run(order: EffectOrder, means: { readonly signal: AbortSignal; stream(delta: Delta): void }): Promise<EffectOutcome>
}
