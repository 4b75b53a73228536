import type {
  RouteCandidate,
  RouteChoice,
  RouteDecision,
  RouteMethod,
  RouteObstacle,
  RouteQuestion,
  RouteScore,
  RouteWeights,
} from '../events/routing.ts'
import { normaliseWeights, scoreCandidates } from './score.ts'

/** How often a model that is known less well is tried, while nothing is known of it. */
export const USUAL_EXPLORATION = 0.05
/** After so many calls it is tried half as often. */
const HALF_KNOWN = 20

/** The best first; what does not fit is left out. The same question gives the same order, on every machine and in every replay. */
export function chooseRoute(question: RouteQuestion): RouteChoice {
  const { candidates } = question
  const scores = scoreCandidates(question)
  const rank = (index: number) => rankOf(scores[index] as RouteScore)
  const order = candidates
    .map((_, index) => index)
    .filter((index) => rank(index) < OUT)
    .toSorted((a, b) => rank(a) - rank(b) || (scores[b]?.score ?? 0) - (scores[a]?.score ?? 0) || a - b)
  const tried = findExplored(
    question,
    order.filter((index) => rank(index) === 0),
  )
  if (tried === undefined) return { scores, order, explored: false }
  return { scores, order: [tried, ...order.filter((index) => index !== tried)], explored: true }
}

const OUT = 2
const BEHIND: ReadonlySet<string> = new Set<RouteObstacle>(['budget', 'max_latency_ms', 'open'])

function rankOf({ obstacle }: RouteScore): number {
  if (obstacle === undefined) return 0
  return BEHIND.has(obstacle) ? 1 : OUT
}

/** The least known of those that did not win, if the draw says so. */
function findExplored(
  { candidates, exploration = 0, draw }: RouteQuestion,
  fit: readonly number[],
): number | undefined {
  const others = fit.slice(1)
  if (draw === undefined || others.length === 0) return undefined
  const samples = (index: number) => (candidates[index] as RouteCandidate).samples
  const least = others.reduce((a, b) => (samples(b) < samples(a) ? b : a))
  return draw < (exploration * HALF_KNOWN) / (HALF_KNOWN + samples(least)) ? least : undefined
}

/** A stored decision made again, as it was or under other weights or another method; nothing is called. */
export function remakeRoute(
  decision: RouteDecision,
  other: { readonly weights?: Partial<RouteWeights>; readonly method?: RouteMethod } = {},
): RouteDecision {
  const { scores: _, order: __, explored: ___, ...question } = decision
  const asked = {
    ...question,
    ...(other.method === undefined ? {} : { method: other.method }),
    ...(other.weights === undefined ? {} : { weights: normaliseWeights({ ...question.weights, ...other.weights }) }),
  }
  return { ...asked, ...chooseRoute(asked) }
}

/** Is the stored decision what its own inputs give? */
export function isRouteSound(decision: RouteDecision): boolean {
  const again = remakeRoute(decision)
  return (
    JSON.stringify([again.order, again.explored, again.scores]) ===
    JSON.stringify([decision.order, decision.explored, decision.scores])
  )
}
