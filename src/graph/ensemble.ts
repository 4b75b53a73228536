import type { SandboxAsk } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { ContextRules } from './agent-spec.ts'
import type { AssembleBlock } from './assemble.ts'
import type { BudgetBlock, StepBudgetBlock } from './budget.ts'
import type { CacheBlock } from './cache-policy.ts'
import type { ModelChoice } from './candidates.ts'
import type { ScriptSafety } from './script.ts'
import type { Edge, OnUnknown, StepRetry } from './step-graph.ts'
import type { Validation } from './validation.ts'
import type { VerifyBlock } from './verify.ts'
import type { Locate, Path } from './yaml.ts'

/** A key that this version reads and checks but cannot run yet, and where it stands. */
export interface LaterKey {
  readonly key: string
  readonly path: Path
  /** It only describes; leaving it out changes no answer. */
  readonly harmless?: true
}

/** One agent of an ensemble, whatever generation of the format it was written in. */
/** The tools an agent may use: references, and how often its model may answer. */
export interface ToolsBlock {
  readonly use: readonly string[]
  readonly max_turns?: number
}

export interface Agent extends ModelChoice {
  readonly type: 'llm' | 'script' | 'ensemble' | 'dispatch' | 'loop' | 'assemble'
  readonly system_prompt?: string
  readonly role?: string
  readonly script?: string
  readonly command?: string
  readonly parameters?: JsonObject
  readonly environment?: { readonly [name: string]: string }
  readonly sandbox?: SandboxAsk
  readonly safety?: ScriptSafety
  readonly depends_on: readonly Edge[]
  readonly timeout_seconds?: number
  readonly retry?: StepRetry
  readonly on_unknown?: OnUnknown
  readonly output_format?: string
  /** CEL or an older reference, as written; so are the other expressions. */
  readonly when?: string
  readonly fan_out?: boolean
  readonly for_each?: string | readonly Json[]
  /** How many items of `fan_out` or `for_each` at once. */
  readonly max_parallel?: number
  readonly loop?: LoopBlock
  readonly ensemble?: string
  readonly dispatch?: string
  readonly input_key?: string
  readonly input_scope?: 'dependencies' | 'all'
  readonly template?: Template
  readonly output_schema?: JsonObject
  readonly verify?: VerifyBlock
  readonly assemble?: AssembleBlock
  readonly tools?: ToolsBlock
  readonly context?: ContextRules
  readonly budget?: StepBudgetBlock
  readonly cache?: CacheBlock
}

/** Liquid templates that take the place of the prompt or of the system prompt. */
export type Template = { readonly prompt?: string; readonly system?: string }

export interface LoopBlock {
  /** The name of an ensemble, or agents of its own. */
  readonly body: string | readonly Agent[] | { readonly agents: readonly Agent[] }
  readonly until?: string
  readonly max_iterations: number
  readonly carry?: string
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
  readonly budget?: BudgetBlock
  /** For agents that say nothing of their own. */
  readonly cache?: CacheBlock
  readonly coordinator?: Coordinator
  readonly assemble?: AssembleBlock
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
  readonly tools: readonly string[]
}
