import type { infer as Infer, ZodObject, ZodType } from 'zod'
import type { Watcher } from '../engine/world.ts'
import type { App } from './app.ts'
import type { Person } from './person.ts'
import { redactError } from './redacted-error.ts'

/** What a face gives along with a call. */
export interface Call {
  readonly app: App
  /** Fires when the caller wants the operation to stop cleanly. */
  readonly signal: AbortSignal
  /** Told of events and live text of runs that the operation drives. */
  readonly watcher?: Watcher
  /** Who can be asked at once when a run rests. */
  readonly person?: Person
}

/** How the caller of an operation steers the runs that it drives. */
export function steeringOf({ signal, watcher, person }: Call): Pick<Call, 'signal' | 'watcher' | 'person'> {
  return { signal, ...(watcher ? { watcher } : {}), ...(person ? { person } : {}) }
}

/** One thing a user can ask for. Command line, HTTP and MCP are generated from the table of these. */
export interface Operation<In extends ZodObject = ZodObject, Out = unknown> {
  /** One to three words, noun first: `runs list`, `mcp servers add`. */
  readonly name: string
  readonly summary: string
  /** Every field has a `.describe()`; defaults are schema defaults. */
  readonly input: In
  /** The shape of the result, where it is promised to programs. */
  readonly output?: ZodType<Out>
  run(input: Infer<In>, call: Call): Promise<Out>
}

/** Keeps the types of one operation while it is written down. What it fails with says no secrets. */
export function defineOperation<In extends ZodObject, Out>(operation: Operation<In, Out>): Operation<In, Out> {
  const run: Operation<In, Out>['run'] = (input, call) =>
    operation.run(input, call).catch((error: unknown) => {
      throw redactError(error, call.app.redact)
    })
  return { ...operation, run }
}
