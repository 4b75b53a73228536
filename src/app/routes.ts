import {
  type AfterFailure,
  ROUTE_PARTS,
  type RouteCandidate,
  type RouteDecision,
  type RouteMethod,
  type RouteWeights,
} from '../events/routing.ts'
import { nameCandidate, type StoredRoute } from '../events/views/routes.ts'
import { isRouteSound, remakeRoute } from '../router/choose.ts'
import { costOf, latencyOf, successOf } from '../router/score.ts'

/** A route as people read it. Scores of parts are from 0 to 1; costs are nano-dollars, times ms. */
export function explainRoute({ step, attempt, at, to, reason, fallback, decision, learned }: StoredRoute) {
  return {
    step,
    attempt,
    at: new Date(at).toISOString(),
    model: nameCandidate(to),
    reason,
    ...(fallback ? { from: fallback.from, because: fallback.because } : {}),
    why: fallback
      ? `${fallback.from ?? 'the model before'} failed (${fallback.because ?? 'no reason told'})${describeLearned(learned)}`
      : decision
        ? describeChoice(decision)
        : 'the definition names it',
    ...(decision ? { decision: describeDecision(decision) } : {}),
  }
}

function describeLearned(learned: StoredRoute['learned']): string {
  if (!learned) return ''
  const { after, instead } = learned
  const often = ({ samples, success }: AfterFailure) => `${Math.round(success * 100)} % of ${Math.round(samples)} times`
  return `; after failures like this (${after}) it helped ${often(learned)}, ${nameCandidate(instead)} ${often(instead)}`
}

function describeDecision(decision: RouteDecision) {
  const { method, weights, requirements, need, left, exploration, draw, candidates, scores, order, explored } = decision
  return {
    method,
    weights,
    ...(requirements ? { requirements } : {}),
    need,
    /** Nano-dollars. */
    ...(left === undefined ? {} : { left }),
    ...(exploration === undefined ? {} : { exploration }),
    ...(draw === undefined ? {} : { draw }),
    explored,
    /** Whether the same inputs give the same choice today. */
    same: isRouteSound(decision),
    candidates: candidates.map((candidate, index) => {
      const { score = 0, parts, obstacle } = scores[index] ?? {}
      const place = order.indexOf(index)
      const cost = costOf(candidate)
      return {
        model: nameCandidate(candidate),
        ...(place < 0 ? {} : { place: place + 1 }),
        score,
        ...(parts ? { parts: Object.fromEntries(ROUTE_PARTS.map((part, at) => [part, parts[at] ?? 0])) } : {}),
        ...(obstacle === undefined ? {} : { obstacle }),
        samples: candidate.samples,
        ...(candidate.success === undefined ? {} : { success: candidate.success }),
        ...(candidate.failures ? { failures: candidate.failures } : {}),
        ...(candidate.paid === undefined ? {} : { paid: candidate.paid }),
        ...(candidate.latency_ms === undefined ? {} : { latency_ms: candidate.latency_ms }),
        ...(cost === undefined ? {} : { cost }),
        ...(candidate.age_ms === undefined ? {} : { age_ms: candidate.age_ms }),
      }
    }),
  }
}

function describeChoice({
  method,
  weights,
  scores,
  order,
  explored,
  candidates,
  draw,
  exploration,
}: RouteDecision): string {
  const [first, second] = order
  if (first === undefined) return 'none of the models fits'
  if (explored)
    return `tried because less is known of it: it was asked ${candidates[first]?.samples} times, and the draw ${draw?.toFixed(3)} was within the exploration of ${exploration}`
  if (second === undefined) return 'the only one that fits'
  const [best, next] = [scores[first], scores[second]]
  if (next?.obstacle !== undefined && best?.obstacle === undefined)
    return `the only one without an obstacle (${next.obstacle})`
  const name = nameCandidate(candidates[second] as RouteCandidate)
  const lead = `the best score of ${order.length}: ${best?.score} before ${next?.score} of ${name}`
  if (method !== 'weighted' || !best?.parts || !next?.parts) return `${lead}, by ${method}`
  const leads = ROUTE_PARTS.map((part, at) => ({
    part,
    lead: weights[part] * ((best.parts?.[at] ?? 0) - (next.parts?.[at] ?? 0)),
  }))
  const top = leads.toSorted((a, b) => b.lead - a.lead)[0]
  return top && top.lead > 0 ? `${lead}, most of all by ${top.part}` : lead
}

export interface Imagined {
  readonly weights?: Partial<RouteWeights>
  readonly method?: RouteMethod
}

/** One decision of a run made again under other weights or another method; undefined where nothing was chosen. */
export function imagineRoute({ step, attempt, decision }: StoredRoute, other: Imagined) {
  const first = decision?.order[0]
  if (!decision || first === undefined) return undefined
  const again = remakeRoute(decision, other).order[0]
  const was = decision.candidates[first] as RouteCandidate
  const would = again === undefined ? undefined : (decision.candidates[again] as RouteCandidate)
  return {
    step,
    attempt,
    was: nameCandidate(was),
    would: would ? nameCandidate(would) : 'none',
    changed: again !== first,
    cost: { was: costOf(was), would: would && costOf(would) },
    latency_ms: { was: latencyOf(was), would: would && latencyOf(would) },
    success: { was: successOf(was), would: would && successOf(would) },
  }
}
