import {
  ROUTE_PARTS,
  type RouteCandidate,
  type RouteMethod,
  type RouteObstacle,
  type RoutePart,
  type RouteQuestion,
  type RouteScore,
  type RouteWeights,
} from '../events/routing.ts'

const USUAL_WEIGHTS: RouteWeights = { skill: 0.3, success: 0.3, latency: 0.1, cost: 0.25, context: 0.05 }

/** A model of which nothing is known does well nine times of ten, and so many calls have to say otherwise. */
const USUAL_SUCCESS = 0.9
const PRIOR_CALLS = 4
/** Nobody is asked more than so often for one answer. */
const LEAST_SUCCESS = 0.05
/** What nobody has judged is of middling quality. */
const USUAL_SKILL = 0.5
/** A skill in general says less than the one that is asked. */
const GENERAL_SHARE = 0.6
/** Differences below these do not count: ms, nano-dollars. */
const SMALL_LATENCY = 50
const SMALL_COST = 10_000

/** The given weights, in all 1; those that are not given are as usual. Weights that are all zero are the usual ones. */
export function normaliseWeights(given: Partial<RouteWeights> = {}): RouteWeights {
  const asked = ROUTE_PARTS.map((part) => Math.max(0, given[part] ?? USUAL_WEIGHTS[part]))
  const sum = asked.reduce((total, weight) => total + weight, 0)
  if (sum === 0) return USUAL_WEIGHTS
  return Object.fromEntries(ROUTE_PARTS.map((part, index) => [part, round((asked[index] ?? 0) / sum)])) as RouteWeights
}

/** Each candidate's score. The same question gives the same scores on every machine. */
export function scoreCandidates(question: RouteQuestion): readonly RouteScore[] {
  const scores = METHODS[question.method](question)
  return scores.map((score, index) => {
    const obstacle = findObstacle(question, question.candidates[index] as RouteCandidate)
    return { ...score, ...(obstacle === undefined ? {} : { obstacle }) }
  })
}

const METHODS: { readonly [method in RouteMethod]: (question: RouteQuestion) => readonly RouteScore[] } = {
  weighted: scoreWeighted,
  ai3: (question) => question.candidates.map((candidate) => ({ score: round(scoreAi3(candidate, question)) })),
  'ai3-v2': (question) => question.candidates.map((candidate) => ({ score: round(scoreAi3v2(candidate, question)) })),
}

/**
 * Every part is a ratio to the best candidate, so that it has no unit and small differences stay small. Latency and cost are those of
 * an answer that can be used: who fails every other time has to be asked twice, and is paid twice if those failures were paid for, too.
 * What is not known of one candidate is taken as for the
 * others on the average; an unknown cost as the highest.
 */
function scoreWeighted({ candidates, weights, need }: RouteQuestion): readonly RouteScore[] {
  const perAnswer = (value: number | undefined, part: number) =>
    value === undefined ? undefined : value / Math.max(LEAST_SUCCESS, part)
  const latencies = candidates.map((candidate) => perAnswer(latencyOf(candidate), successOf(candidate)))
  const costs = candidates.map((candidate) => perAnswer(costOf(candidate), paidOf(candidate)))
  const columns: { readonly [part in RoutePart]: readonly number[] } = {
    skill: growing(candidates.map(skillOf)),
    success: growing(candidates.map(successOf)),
    latency: shrinking(latencies, { small: SMALL_LATENCY, unknown: 'mean' }),
    cost: shrinking(costs, { small: SMALL_COST, unknown: 'worst' }),
    context: candidates.map(({ context_window }) => fitOf(context_window, need.input_tokens + need.output_tokens)),
  }
  return candidates.map((_, index) => {
    const parts = ROUTE_PARTS.map((part) => round(columns[part][index] ?? 0))
    const score = ROUTE_PARTS.reduce((sum, part, at) => sum + weights[part] * (parts[at] ?? 0), 0)
    return { score: round(score), parts }
  })
}

/** Nano-dollars of this call: by its prices, else as calls have cost so far. */
export function costOf({ estimate, cost }: RouteCandidate): number | undefined {
  return estimate ?? cost
}

/** ms of a call, as measured, else as somebody measured before. */
export function latencyOf({ latency_ms, usual_latency_ms }: RouteCandidate): number | undefined {
  return latency_ms ?? usual_latency_ms
}

function skillOf({ skill, general }: RouteCandidate): number {
  return skill ?? (general === undefined ? USUAL_SKILL : GENERAL_SHARE * general)
}

/** What was measured, drawn towards what was known before while there is little of it. */
export function successOf(candidate: RouteCandidate): number {
  return drawn(candidate, candidate.success)
}

/** The part of the money that buys an answer; where nobody measured it, all that fails is paid for. */
function paidOf(candidate: RouteCandidate): number {
  return drawn(candidate, candidate.paid ?? candidate.success)
}

function drawn({ samples, usual_errors }: RouteCandidate, measured: number | undefined): number {
  const prior = usual_errors === undefined ? USUAL_SUCCESS : 1 - usual_errors
  return measured === undefined ? prior : (samples * measured + PRIOR_CALLS * prior) / (samples + PRIOR_CALLS)
}

function growing(values: readonly number[]): readonly number[] {
  const best = Math.max(...values)
  return values.map((value) => (best > 0 ? value / best : 1))
}

function shrinking(
  values: readonly (number | undefined)[],
  { small, unknown }: { readonly small: number; readonly unknown: 'mean' | 'worst' },
): readonly number[] {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return values.map(() => 1)
  const least = Math.min(...known)
  const part = (value: number) => (least + small) / (value + small)
  const otherwise =
    unknown === 'worst' ? part(Math.max(...known)) : known.reduce((sum, value) => sum + part(value), 0) / known.length
  return values.map((value) => (value === undefined ? otherwise : part(value)))
}

/** 1 while half of the window stays free, 0 when nothing does. */
function fitOf(window: number | undefined, tokens: number): number {
  if (window === undefined || window <= 0) return 0.5
  return Math.min(1, Math.max(0, 2 * (1 - tokens / window)))
}

const AI3_QUALITY = 0.7
const AI3_LATENCY = 1000
const NANO = 1e9

/** Points as the older router gave them: its cost term is worth more than all the rest together. */
function scoreAi3(candidate: RouteCandidate, { requirements = {} }: RouteQuestion): number {
  const { skill, general, price, success, latency_ms } = candidate
  const quality =
    skill === undefined
      ? 30 * (general ?? USUAL_SKILL)
      : 50 * skill + (skill >= (requirements.min_quality ?? AI3_QUALITY) ? 30 : 0)
  const cost = 10 / ((price ?? 0) / NANO + 0.001)
  return quality + cost + 20 * (success ?? 0.5) - (latency_ms ?? AI3_LATENCY) / 200
}

/** The weighted sum that the older system's documents describe, without its features: all candidates have what is asked. */
function scoreAi3v2(candidate: RouteCandidate, { requirements = {}, need }: RouteQuestion): number {
  const { skill, general, usual_errors, success, context_window } = candidate
  const errors = success === undefined ? (usual_errors ?? 0.5) : 1 - success
  const latency = Math.min(1, (latencyOf(candidate) ?? AI3_LATENCY) / 10_000)
  const cost = Math.min(1, (costOf(candidate) ?? 0) / NANO / 0.01)
  const window = requirements.context_window ?? need.input_tokens + need.output_tokens
  return (
    0.5 * (skill ?? general ?? USUAL_SKILL) +
    0.2 * (0.7 * (1 - errors) + 0.3 * (1 - latency)) +
    0.15 * (1 - cost) +
    0.1 * ((context_window ?? window) >= window ? 1 : 0) +
    0.05
  )
}

function findObstacle(
  { requirements = {}, method, left }: RouteQuestion,
  candidate: RouteCandidate,
): RouteObstacle | undefined {
  const { min_quality, max_cost_per_call, max_latency_ms } = requirements
  // The older formulas give points for quality; in ours it is a condition.
  const judged = candidate.skill ?? candidate.general
  if (method === 'weighted' && min_quality !== undefined && judged !== undefined && skillOf(candidate) < min_quality)
    return 'min_quality'
  const cost = costOf(candidate)
  if (max_cost_per_call !== undefined && cost !== undefined && cost > max_cost_per_call) return 'max_cost_per_call'
  // What is left may pay for a short answer, or more may be granted: it is asked after those that fit.
  if (left !== undefined && cost !== undefined && cost > left) return 'budget'
  const latency = latencyOf(candidate)
  if (max_latency_ms !== undefined && latency !== undefined && latency > max_latency_ms) return 'max_latency_ms'
  return candidate.open ? 'open' : undefined
}

/** Short in a journal, and finer than any measurement behind it. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
