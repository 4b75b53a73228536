import type { Event } from '../event.ts'
import type { AfterFailure, RouteCandidate, RouteDecision } from '../routing.ts'
import type { JsonObject } from '../values.ts'
import { type Fallback, type Route, readFallback, readRoute } from './route.ts'

/** One model that a step went to: as configured, by a choice with all it was made from, or after a failure. */
export interface StoredRoute {
  readonly step: string
  readonly attempt: number
  /** ms UTC. */
  readonly at: number
  readonly to: Route
  readonly reason: string
  readonly fallback?: Fallback
  readonly decision?: RouteDecision
  /** Why another model was asked after a failure than the order of the choice says. */
  readonly learned?: LearnedFallback
}

/** How often each of two models had helped after such a failure. */
export interface LearnedFallback extends AfterFailure {
  readonly after: string
  readonly instead: Route & AfterFailure
}

/** The routes of a run in the order in which they were taken. */
export function listRoutes(events: Iterable<Event>): readonly StoredRoute[] {
  const routes: StoredRoute[] = []
  for (const event of events) {
    if (event.type !== 'step-routed') continue
    const { step, attempt, facts } = event.data
    const fallback = readFallback(facts)
    const decision = readDecision(facts)
    routes.push({
      step,
      attempt,
      at: event.at,
      to: readRoute(facts),
      reason: typeof facts['reason'] === 'string' ? facts['reason'] : 'configured',
      ...(fallback ? { fallback } : {}),
      ...(decision ? { decision } : {}),
      ...(facts['learned'] ? { learned: facts['learned'] as unknown as LearnedFallback } : {}),
    })
  }
  return routes
}

/** A decision is written by our own step, so its form is known once it is there. */
function readDecision({ route }: JsonObject): RouteDecision | undefined {
  if (route === null || typeof route !== 'object' || Array.isArray(route)) return undefined
  const decision = route as unknown as RouteDecision
  return Array.isArray(decision.candidates) && Array.isArray(decision.order) ? decision : undefined
}

/** The profile's name, else `provider/model`. */
export function nameCandidate({ profile, provider, model }: RouteCandidate | Route): string {
  return profile ?? `${provider}/${model}`
}
