import type { infer as Infer, ZodObject, ZodType } from 'zod'
import type { Watcher } from '../engine/world.ts'
import type { App } from './app.ts'

/** What a face gives along with a call. */
export interface Call {
  readonly app: App
  /** Fires when the caller wants the operation to stop cleanly. */
  readonly signal: AbortSignal
  /** Told of events and live text of runs that the operation drives. */
  readonly watcher?: Watcher
}

/** One thing a user can ask for. Command line, HTTP and MCP are generated from the table of these. */
export interface Operation<In extends ZodObject = ZodObject, Out = unknown> {
  /** One or two words, noun first: `runs list`. */
  readonly name: string
  readonly summary: string
  /** Every field has a `.describe()`; defaults are schema defaults. */
  readonly input: In
  /** The shape of the result, where it is promised to programs. */
  readonly output?: ZodType<Out>
  run(input: Infer<In>, call: Call): Promise<Out>
}

/** Keeps the types of one operation while it is written down. */
export function defineOperation<In extends ZodObject, Out>(operation: Operation<In, Out>): Operation<In, Out> {
  return operation
}
