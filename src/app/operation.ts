import type { infer as Infer, ZodObject, ZodType } from 'zod'
import type { Watcher } from '../engine/world.ts'
import type { App } from './app.ts'
import type { Keeper } from './driven.ts'
import type { Faces } from './faces.ts'
import type { Person } from './person.ts'
import type { Principal, Right } from './principal.ts'
import { redactError } from './redacted-error.ts'
import { requireRight, rightFor } from './rights.ts'
import type { Steering } from './runs.ts'
import { seenBy } from './seen-by.ts'

/** What a face gives along with a call. */
export interface Call {
  readonly app: App
  /** Who asks; absent: the local user, who may do everything. */
  readonly principal?: Principal
  /** Fires when the caller wants the operation to stop cleanly. */
  readonly signal: AbortSignal
  /** Told of events and live text of runs that the operation drives. */
  readonly watcher?: Watcher
  /** A word to the person beside the result; absent where nobody looks on. */
  say?(text: string): void
  /** Who can be asked at once when a run rests. */
  readonly person?: Person
  /** In a server: keeps the runs that the call begins. */
  readonly keeper?: Keeper
  /** The answer may come as soon as a run is under way; only with a keeper. */
  readonly detached?: boolean
  /** In the program itself: how asking can arrive from elsewhere. */
  readonly faces?: Faces
}

/** How the caller of an operation steers the runs that it drives. */
export function steeringOf({ signal, watcher, person, keeper, detached }: Call): Steering {
  return {
    signal,
    ...(watcher ? { watcher } : {}),
    ...(person ? { person } : {}),
    ...(keeper ? { keeper } : {}),
    ...(detached ? { detached } : {}),
  }
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

/** Operations that may change files which are read once. */
const WRITES: ReadonlySet<Right> = new Set(['write', 'admin'])

/**
 * Keeps the types of one operation while it is written down. Here, and nowhere else, it is checked whether the caller may ask it, and the
 * program becomes what the caller may see of it. What it fails with says no secrets.
 */
export function defineOperation<In extends ZodObject, Out>(operation: Operation<In, Out>): Operation<In, Out> {
  const run: Operation<In, Out>['run'] = async (input, call) => {
    try {
      requireRight({ name: operation.name, input }, call.principal, call.app.paths)
      const result = await operation.run(input, { ...call, app: seenBy(call.app, call.principal) })
      // A server knows at once what it has written itself.
      if (call.keeper && WRITES.has(rightFor(operation.name))) await call.app.refresh({ at_once: true })
      return result
    } catch (error) {
      throw redactError(error, call.app.redact)
    }
  }
  return { ...operation, run }
}
