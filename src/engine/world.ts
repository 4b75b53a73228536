import type { Event } from '../events/event.ts'
import type { Sha256 } from '../events/hash.ts'
import type { BlobStore, Entry, Journal } from '../journal/journal.ts'
import type { Delta, Executor } from './effect.ts'
import type { Policy } from './policy.ts'
import type { StepKind } from './step.ts'

/** What the engine may not know by itself. */
export interface EngineWorld {
  /** ms UTC. */
  clock(): number
  /** A full drain of the event loop: one macrotask hop. */
  drain(): Promise<void>
  /** Calls `then` once at or after `at`; answers with a function that takes it back. */
  wake(at: number, then: () => void): () => void
  readonly sha256: Sha256
  /** Real waiting, for the patience of a replay; without it only drains are tried. */
  wait?(ms: number): Promise<void>
}

/** The writer's right to append: its guard goes with every append, so two writers can never both win. */
export interface RunLease {
  guard(): Entry
  releasing(): Entry
  /** False when somebody else has taken it. */
  renew(): Promise<boolean>
  /** ms UTC; renewed at half of its life. */
  readonly until: number
}

/** Looks on; told only of what is on disk, and of live text. */
export interface Watcher {
  events?(events: readonly Event[]): void
  delta?(step: string, attempt: number, delta: Delta): void
}

/** Everything the engine is given. Who implements a port need not import the engine. */
export interface EnginePorts {
  readonly world: EngineWorld
  readonly journal: Journal
  readonly blobs: BlobStore
  readonly kinds: { readonly [kind: string]: StepKind }
  readonly executors: { readonly [kind: string]: Executor }
  /** How many effects of a pool may run at once; undefined = no limit. */
  poolLimit?(pool: string): number | undefined
  /** Without one every effect is allowed. */
  readonly policy?: Policy
  readonly watcher?: Watcher
}
