import type { ToolPermissions } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'

/** What a tool is given beside its arguments. */
export interface ToolMeans {
  readonly signal: AbortSignal
  /** The same for every try of this call, different for every other. */
  readonly idempotency_key: string
  /** Files outside of it need permission. Absolute. */
  readonly cwd: string
  progress(text: string): void
}

/** `touched: no` promises that nothing happened, so the call may be tried again; `outside`: what it says may be that of strangers. */
export type ToolOutcome =
  | { readonly ok: true; readonly output: Json; readonly outside?: true }
  | {
      readonly outside?: true
      readonly ok: false
      readonly code: string
      readonly message: string
      readonly detail?: string
      readonly output?: Json
      readonly touched: 'no' | 'maybe' | 'yes'
      readonly retry?: boolean
    }

/** A versioned callable. Expected failure is data; nothing is thrown, nothing is retried inside. */
export interface Tool {
  readonly name: string
  /** Semantic version. */
  readonly version: string
  readonly description: string
  readonly schemas: { readonly input: JsonObject; readonly output?: JsonObject }
  readonly safety: 'pure' | 'idempotent' | 'unsafe'
  readonly permissions: ToolPermissions
  run(args: JsonObject, means: ToolMeans): Promise<ToolOutcome>
}
