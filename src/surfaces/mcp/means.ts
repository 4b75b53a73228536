import type { App } from '../../app/app.ts'
import { describeMisfits } from '../../app/misfit.ts'
import type { Call, Operation } from '../../app/operation.ts'
import type { RunHost } from '../../app/run-host.ts'
import { OrcError } from '../../events/errors.ts'
import type { Json, JsonObject } from '../../events/values.ts'

/** What the MCP face works with. */
export interface McpMeans {
  readonly app: App
  readonly host: RunHost
  readonly operations: ReadonlyMap<string, Operation>
  readonly version: string
  /** Only this ensemble is offered. */
  readonly only?: string
  /** What every call of this caller carries beside: who it is. */
  readonly caller?: Partial<Call>
}

/** Performs an operation for a client. Throws OrcError. */
export async function perform<T>(
  { app, host, operations, caller }: McpMeans,
  name: string,
  { input = {}, ...call }: { readonly input?: { readonly [field: string]: Json | undefined } } & Partial<Call>,
): Promise<T> {
  const operation = operations.get(name)
  if (!operation) throw new Error(`the table of operations has no ${name}`)
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as JsonObject
  const checked = operation.input.safeParse(given)
  if (!checked.success) throw new OrcError(describeMisfits(checked.error, given))
  const { signal } = new AbortController()
  return (await operation.run(checked.data, { signal, keeper: host, ...caller, ...call, app })) as T
}
