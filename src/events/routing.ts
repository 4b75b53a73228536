import type { FailureKind } from './failure-kinds.ts'

/** What a score is made of. */
export const ROUTE_PARTS = ['skill', 'success', 'latency', 'cost', 'context'] as const
export type RoutePart = (typeof ROUTE_PARTS)[number]
export type RouteWeights = { readonly [part in RoutePart]: number }

/** `weighted` is ours; the others are the formulas of an earlier system, for comparison. */
export const ROUTE_METHODS = ['weighted', 'ai3', 'ai3-v2'] as const
export type RouteMethod = (typeof ROUTE_METHODS)[number]

/** What a model has to be. Costs in integer nano-dollars, times in ms, quality from 0 to 1. */
export type Requirements = {
  readonly capability?: string
  readonly min_quality?: number
  readonly context_window?: number
  readonly tools?: boolean
  readonly vision?: boolean
  readonly json?: boolean
  readonly reasoning?: boolean
  readonly max_cost_per_call?: number
  readonly max_latency_ms?: number
  readonly providers?: readonly string[]
}

/** How one of several models is chosen. Pinned with the agent; what is measured comes at run time. */
export type RoutePlan = {
  /** So many of the agent's candidates are chosen from, the first ones; those after them are fallbacks in their order. */
  readonly among: number
  readonly requirements?: Requirements
  readonly weights?: Partial<RouteWeights>
  readonly method?: RouteMethod
  /** How often a model is tried that is known less well, from 0 to 1; less the more is known. */
  readonly exploration?: number
}

/** How often a model was asked after a failure of another, and the part of it that helped. */
export type AfterFailure = { readonly samples: number; readonly success: number }

/** What this user's own runs say of a model. Counts are weighted by age, so they are no whole numbers. */
export type ModelTelemetry = {
  readonly samples: number
  /** Part of the calls whose answer could be used. */
  readonly success?: number
  /** The other calls, by what they failed of: parts of all calls. */
  readonly failures?: { readonly [kind in FailureKind]?: number }
  /** Those that were made because another model had failed so. */
  readonly after?: { readonly [kind in FailureKind]?: AfterFailure }
  /** Part of the money that went into answers that could be used. */
  readonly paid?: number
  /** Median time of a call that was answered. */
  readonly latency_ms?: number
  /** Mean nano-dollars of a call. */
  readonly cost?: number
  /** Mean output tokens of a call. */
  readonly output_tokens?: number
  /** Since the newest call. */
  readonly age_ms?: number
  /** Its calls are refused at the moment, because too many failed. */
  readonly open?: true
}

/** The request and the answer of the effect `telemetry`. Models are named `provider/model`. */
export type TelemetryRequest = { readonly models: readonly string[]; readonly capability?: string }
export type TelemetryAnswer = {
  readonly models: { readonly [model: string]: ModelTelemetry }
  /** Nano-dollars that the budgets of the step which asks have left; absent where nothing limits it. */
  readonly left?: number
}

/** One model as the choice saw it: what was told of it before, what was measured, and what came of it. */
export type RouteCandidate = ModelTelemetry & {
  readonly profile?: string
  readonly provider: string
  readonly model: string
  /** For the capability that was asked; `general` for text of any kind. */
  readonly skill?: number
  readonly general?: number
  readonly context_window?: number
  /** Nano-dollars for 1,000 tokens, the mean of input and output. */
  readonly price?: number
  /** Nano-dollars that this call will cost by its prices. */
  readonly estimate?: number
  readonly usual_latency_ms?: number
  readonly usual_errors?: number
}

/** What a choice was made from: enough to make it again. */
export type RouteQuestion = {
  readonly method: RouteMethod
  readonly weights: RouteWeights
  readonly requirements?: Requirements
  /** Tokens of the call. */
  readonly need: { readonly input_tokens: number; readonly output_tokens: number }
  /** Nano-dollars that may still be spent, by the tightest budget of the step. */
  readonly left?: number
  readonly exploration?: number
  /** The step's first random number, from 0 to 1; absent where nothing is explored. */
  readonly draw?: number
  readonly candidates: readonly RouteCandidate[]
}

/** `budget`, `max_latency_ms` and `open` put a model behind the others; the rest keep it out. */
export type RouteObstacle = 'min_quality' | 'max_cost_per_call' | 'budget' | 'max_latency_ms' | 'open'

export type RouteScore = {
  readonly score: number
  /** In the order of ROUTE_PARTS, each from 0 to 1; only of the method `weighted`. */
  readonly parts?: readonly number[]
  readonly obstacle?: RouteObstacle
}

/** What came of it. `order` holds places in the list of candidates, the chosen one first. */
export type RouteChoice = {
  readonly scores: readonly RouteScore[]
  readonly order: readonly number[]
  readonly explored: boolean
}

/** The decision as it stands in `step-routed`, under `route`. */
export type RouteDecision = RouteQuestion & RouteChoice
