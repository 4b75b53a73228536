import type { Problem } from '../events/errors.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { CachePolicy } from './cache-policy.ts'
import type { Candidate, ProfileLookup } from './candidates.ts'
import type { ContextBlock } from './context-block.ts'
import type { Ensemble } from './ensemble.ts'
import type { MissingScript, PinnedScript } from './script.ts'
import type { StepGraph } from './step-graph.ts'
import type { VerifyMeans } from './verify.ts'

export interface Role {
  readonly prompt: string
  readonly context?: string
}

/** Everything an ensemble needs from outside its file. */
export interface Lookup extends ProfileLookup {
  script(reference: string): PinnedScript | MissingScript | undefined
  role(name: string): Role | undefined
  /** Another ensemble, or why there is none; what is wrong inside its file is reported by whoever read it. */
  ensemble?(name: string): NestedEnsemble | Problem
  /** The tools a reference means, or why there are none. */
  tools?(reference: string): readonly PinnedTool[] | Problem
  /** Tokens that the descriptions of one step's tools may take. */
  readonly tool_tokens?: number
  /** How requests are fitted, where an agent does not say it. */
  readonly context?: ContextBlock
  /** For agents and scripts that have no time limit otherwise. */
  readonly timeout_ms?: number
  /** For agents that ask a model and say nothing of the cache. */
  readonly cache?: CachePolicy
  /** The model that a budget names, else the usual one, or why there is none. */
  budgetModel?(name: string | undefined): Candidate | Problem
  /** The settings for `verify` blocks. */
  readonly verify?: VerifyMeans['settings']
}

/** An ensemble inside another, with the lookup for its own file. */
export interface NestedEnsemble {
  readonly ensemble: Ensemble
  readonly lookup: Lookup
}

export interface CompiledEnsemble {
  /** Absent when there is an error. */
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
}
