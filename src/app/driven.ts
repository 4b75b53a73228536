import type { Watcher } from '../engine/world.ts'
import type { Principal } from './principal.ts'

/** A run or a batch under way in this process. */
export interface Driven {
  readonly id: string
  readonly kind: 'run' | 'batch'
  /** Whose it is; absent: the local user's. */
  readonly principal?: string
  /** Rejects with `run_taken` once this process has let go of it. */
  readonly result: Promise<unknown>
  /** Lets go as a crash would, and gives the lease back: another process may take the run up at once. */
  letGo(): Promise<void>
}

/** Where runs go on living when the call that began them is over: a server. */
export interface Keeper {
  /** Throws OrcError `shutting_down` when nothing new is taken, `access_limited` when its owner has enough under way; else a place is held. */
  admit(coming?: Coming): void
  /** The place is not needed: it is kept, or nothing came of it. */
  dismiss(run: string): void
  /** Told of everything the run does, beside the caller's own watcher. */
  watch(run: string): Watcher
  keep(driven: Driven): void
}

/** A run that is about to begin, and for whom. */
export interface Coming {
  readonly run: string
  readonly principal: Principal | undefined
}

/** Tells both; undefined when there is nobody. */
export function joinWatchers(...watchers: readonly (Watcher | undefined)[]): Watcher | undefined {
  const present = watchers.filter((watcher) => watcher !== undefined)
  if (present.length < 2) return present[0]
  return {
    events: (events) => {
      for (const watcher of present) watcher.events?.(events)
    },
    delta: (step, attempt, delta) => {
      for (const watcher of present) watcher.delta?.(step, attempt, delta)
    },
  }
}
