import type { CacheAsk } from '../events/cache-ask.ts'
import type { SandboxAsk } from '../events/script-call.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from './candidates.ts'
import type { InputRules } from './composite.ts'
import type { PinnedScript, ScriptSafety } from './script.ts'

/** The settings of an `agent` step. `system` holds unless the candidate has one of its own. */
export type AgentSpec = {
  readonly agent: string
  readonly title: string
  readonly system: string
  /** The models to try, in order; never empty. */
  readonly candidates: readonly Candidate[]
  readonly role?: string
  readonly output_format?: string
  /** The instruction that ends the prompt, when it is not the usual one. */
  readonly instruct?: string
  /** How the answers of the dependencies are labelled in the prompt. */
  readonly blocks: readonly { readonly step: string; readonly label: string }[]
  /** Liquid over `input` and `steps`: the whole prompt, and the system prompt. */
  readonly template?: { readonly prompt?: string; readonly system?: string }
  /** A JSON Schema; the output is then the JSON of the answer instead of its text. */
  readonly output_schema?: JsonObject
  /** How often each model is asked for an answer that follows `output_schema`; 3 when absent. */
  readonly output_attempts?: number
  readonly rules?: InputRules
  /** What the model may call, and how often it may answer in all. */
  readonly tools?: readonly PinnedTool[]
  readonly max_turns?: number
  readonly cache?: CacheAsk
  /** Tokens that the descriptions of the tools may take; above it the model searches for them. */
  readonly tool_tokens?: number
  /** How requests are fitted to what the model can read. */
  readonly context?: ContextRules
  /** For agents that other steps propose: more to read, and an earlier answer to mend. */
  readonly material?: readonly { readonly heading: string; readonly content: Json }[]
  readonly repair?: { readonly answer: Json; readonly failures: readonly string[] }
}

/** How an agent's requests are fitted to what its models can read. */
export type ContextRules = {
  /** Tokens of input that a request may have, where the model could read more. */
  readonly budget_tokens?: number
  /** What is done with what does not fit: cut, summed up by the model itself, or nothing, so that the step fails. Default `truncate`. */
  readonly overflow?: 'truncate' | 'summarise' | 'fail'
  /** What is done about a server that has read less than it was sent. Default `fail`. */
  readonly silent_cut?: 'fail' | 'note'
}

/** The settings of a `script` step. `pass`: dependencies reach the script as JSON. */
export type ScriptSpec = {
  readonly agent: string
  readonly script: PinnedScript
  readonly parameters: JsonObject
  readonly environment: { readonly [name: string]: string }
  readonly sandbox?: SandboxAsk
  readonly cache?: CacheAsk
  readonly output_format?: string
  readonly safety: ScriptSafety
  readonly pass: 'json'
  readonly rules?: InputRules
}
