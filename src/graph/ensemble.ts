import type { Json, JsonObject } from '../events/values.ts'
import type { ScriptSafety } from './script.ts'
import type { Edge, OnUnknown, StepRetry } from './step-graph.ts'
import type { Validation } from './validation.ts'
import type { Locate, Path } from './yaml.ts'

/** A key that this version reads and checks but cannot run yet, and where it stands. */
export interface LaterKey {
  readonly key: string
  readonly path: Path
  /** It only describes; leaving it out changes no answer. */
  readonly harmless?: true
}

/** One agent of an ensemble, whatever generation of the format it was written in. */
export interface Agent {
  readonly name: string
  /** `other`: its work is a key of a later version (`ensemble`, `dispatch`, `loop`). */
  readonly type: 'llm' | 'script' | 'other'
  readonly model_profile?: string
  readonly model?: string
  readonly provider?: string
  readonly base_url?: string
  readonly temperature?: number
  readonly max_tokens?: number
  readonly options?: JsonObject
  /** The profile to take when the agent's own fails; replaces the fallback of its profile. */
  readonly fallback?: string
  readonly system_prompt?: string
  readonly role?: string
  readonly script?: string
  readonly command?: string
  readonly parameters?: JsonObject
  readonly environment?: { readonly [name: string]: string }
  readonly safety?: ScriptSafety
  readonly depends_on: readonly Edge[]
  readonly timeout_seconds?: number
  readonly retry?: StepRetry
  readonly on_unknown?: OnUnknown
  readonly output_format?: string
}

/** The older way to end an ensemble: one more model call that sees every agent's answer. */
export interface Coordinator {
  readonly model_profile?: string
  readonly model?: string
  readonly provider?: string
  readonly system_prompt?: string
  readonly synthesis_prompt?: string
  readonly output_format?: string
  readonly timeout_seconds?: number
}

/** A model that plays the person in a rehearsal of an ensemble that asks questions. */
export interface TestMode {
  readonly enabled?: boolean
  readonly llm_simulation?: readonly {
    readonly agent: string
    readonly model?: string
    readonly persona?: 'helpful_user' | 'critical_reviewer' | 'domain_expert'
    readonly cached_responses?: { readonly [prompt: string]: Json }
  }[]
}

/** An ensemble file, read and checked: every generation of the notation in its newest words. */
export interface Ensemble {
  readonly name: string
  readonly description?: string
  readonly default_task?: string
  readonly agents: readonly Agent[]
  readonly coordinator?: Coordinator
  readonly validation?: Validation
  readonly test_mode?: TestMode
  /** The result is shown as the answer alone. */
  readonly raw_output?: boolean
  readonly later: readonly LaterKey[]
  readonly place: Locate
}

/** The names outside the file that it needs. */
export interface References {
  readonly profiles: readonly string[]
  readonly scripts: readonly string[]
  readonly ensembles: readonly string[]
  readonly roles: readonly string[]
}
