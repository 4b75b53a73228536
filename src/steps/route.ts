import { type StepContext, StepFailure } from '../engine/step.ts'
import { priceUsage } from '../events/model-card.ts'
import type {
  ModelTelemetry,
  RouteCandidate,
  RouteDecision,
  RoutePlan,
  RouteQuestion,
  TelemetryAnswer,
} from '../events/routing.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { chooseRoute, USUAL_EXPLORATION } from '../router/choose.ts'
import { normaliseWeights } from '../router/score.ts'

/** Output tokens of a call to a model that has not answered yet. */
const USUAL_OUTPUT = 600
/** What the older system calls text of any kind. */
const GENERAL = 'text-generation'

/** The models of a step in the order in which they are asked, and what the first one was chosen by. */
export interface Route {
  readonly candidates: readonly Candidate[]
  readonly decision?: RouteDecision
}

/**
 * Chooses among the candidates of a step, where there is something to choose: what was measured of them comes as the effect
 * `telemetry`, the rest is pinned with them; `countInput` tells the tokens of the call. Without a choice the candidates stay as they are, and nothing is asked or recorded.
 * Fails as `no_model_fits` when none of them may be asked.
 */
export async function chooseOrder(
  ctx: StepContext,
  candidates: readonly Candidate[],
  countInput: () => number,
): Promise<Route> {
  const plan = candidates[0]?.route
  if (!plan) return { candidates }
  const among = candidates.slice(0, plan.among).map(withoutRoute)
  const { models: told, left } = await askTelemetry(ctx, among, plan)
  const question = makeQuestion(plan, { among, told, left, input_tokens: countInput() })
  const { exploration = USUAL_EXPLORATION } = plan
  const asked = exploration > 0 && among.length > 1 ? { ...question, exploration, draw: ctx.random() } : question
  const decision: RouteDecision = { ...asked, ...chooseRoute(asked) }
  const fallbacks = candidates.slice(plan.among)
  // Those for when the budget does not pay are asked for nothing else.
  if (decision.order.length === 0 && fallbacks.every(({ only_for }) => only_for !== undefined)) throw refuse(decision)
  return { candidates: [...decision.order.map((index) => among[index] as Candidate), ...fallbacks], decision }
}

function withoutRoute(candidate: Candidate): Candidate {
  const { route: _, ...plain } = candidate
  return plain
}

async function askTelemetry(
  ctx: StepContext,
  among: readonly Candidate[],
  { requirements }: RoutePlan,
): Promise<TelemetryAnswer> {
  const models = [...new Set(among.map(nameOf))]
  const capability = requirements?.capability
  const request = { models, ...(capability === undefined ? {} : { capability }) }
  const answer = await ctx.effect({ kind: 'telemetry', safety: 'pure', request })
  return answer as unknown as TelemetryAnswer
}

function makeQuestion(
  { requirements, weights, method = 'weighted' }: RoutePlan,
  known: {
    readonly among: readonly Candidate[]
    readonly told: TelemetryAnswer['models']
    readonly left: number | undefined
    readonly input_tokens: number
  },
): RouteQuestion {
  const { among, told, left, input_tokens } = known
  const capability = requirements?.capability ?? GENERAL
  return {
    method,
    weights: normaliseWeights(weights),
    ...(requirements ? { requirements } : {}),
    ...(left === undefined ? {} : { left }),
    need: {
      input_tokens,
      output_tokens: Math.min(USUAL_OUTPUT, ...among.flatMap(({ max_tokens }) => max_tokens ?? [])),
    },
    candidates: among.map((candidate) =>
      describeCandidate(candidate, { told: told[nameOf(candidate)] ?? { samples: 0 }, capability, input_tokens }),
    ),
  }
}

function describeCandidate(
  candidate: Candidate,
  by: { readonly told: ModelTelemetry; readonly capability: string; readonly input_tokens: number },
): RouteCandidate {
  const { profile, provider, model, card, max_tokens } = candidate
  const { told, capability, input_tokens } = by
  const output = Math.min(told.output_tokens ?? USUAL_OUTPUT, max_tokens ?? Number.POSITIVE_INFINITY)
  const { prices, skills, usual } = card ?? {}
  return {
    ...(profile === undefined ? {} : { profile }),
    provider,
    model,
    ...present({
      skill: skills?.[capability],
      general: skills?.[GENERAL],
      context_window: card?.context_window,
      price: prices && Math.round((prices.input + prices.output) / 2000),
      estimate: priceUsage(prices, { input: input_tokens, output: Math.ceil(output) }),
      usual_latency_ms: usual?.latency_ms,
      usual_errors: usual?.error_rate,
    }),
    ...told,
  }
}

/**
 * Those that are left when the budget did not pay for one: the cheapest first, and none that is dearer. Models without a price come last,
 * as the budget may not know them.
 */
export function keepCheaper(left: readonly Candidate[], refused: Candidate): readonly Candidate[] {
  const priceOf = ({ card }: Candidate) => card?.prices && card.prices.input + card.prices.output
  const limit = priceOf(refused)
  const last = Number.POSITIVE_INFINITY
  return left
    .filter((candidate) => limit === undefined || (priceOf(candidate) ?? 0) < limit)
    .toSorted((a, b) => (priceOf(a) ?? last) - (priceOf(b) ?? last) || 0)
}

/** What the first choice is recorded with. */
function describeDecision(decision: RouteDecision | undefined): JsonObject {
  if (!decision) return { reason: 'configured' }
  return { reason: decision.explored ? 'explored' : 'routed', route: decision as unknown as Json }
}

function refuse({ candidates, scores }: RouteDecision): StepFailure {
  const each = candidates.map((candidate, index) => `${nameOf(candidate)} (${scores[index]?.obstacle})`)
  return new StepFailure('no_model_fits', `no model is what the step requires: ${each.join(', ')}`)
}

function nameOf({ provider, model }: { readonly provider: string; readonly model: string }): string {
  return `${provider}/${model}`
}

function present<Source extends object>(source: Source): { [Key in keyof Source]?: Exclude<Source[Key], undefined> } {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Source]?: Exclude<Source[Key], undefined>
  }
}

/** Why a model is asked: another one failed before it, else the choice, else nothing but the order. */
export interface RouteGround {
  readonly fallback?: { readonly from: string; readonly because: string } | undefined
  readonly decision: RouteDecision | undefined
  /** What another order of fallbacks than the usual one rests on. */
  readonly learned?: JsonObject | undefined
}

/** Notes who is asked, and why. */
export function recordRoute(
  ctx: StepContext,
  candidate: Candidate,
  { fallback, decision, learned }: RouteGround,
): void {
  const ground = fallback
    ? { reason: 'fallback', ...fallback, ...(learned ? { learned } : {}) }
    : describeDecision(decision)
  ctx.record('step-routed', { ...nameRoute(candidate), ...ground })
}

export function nameRoute({ profile, provider, model }: Candidate): JsonObject {
  return { ...(profile === undefined ? {} : { profile }), provider, model }
}
