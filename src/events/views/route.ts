import type { Json, JsonObject } from '../values.ts'

/** Which model a step went to, as its `step-routed` fact says. */
export interface Route {
  readonly provider?: string
  readonly model?: string
  readonly profile?: string
}

/** A step's change to another model after a failure. */
export interface Fallback {
  /** The profile or model that failed. */
  readonly from?: string
  readonly to?: string
  readonly provider?: string
  readonly model?: string
  /** The error code, or whatever the step gave as its reason. */
  readonly because?: string
  /** What had arrived of its answer. */
  readonly partial?: string
}

export function readRoute(facts: JsonObject): Route {
  return {
    ...optional('provider', facts.provider),
    ...optional('model', facts.model),
    ...optional('profile', facts.profile),
  }
}

/** `undefined` when the route is not a fallback. */
export function readFallback(facts: JsonObject): Fallback | undefined {
  if (facts.reason !== 'fallback') return undefined
  return {
    ...optional('from', nameOf(facts.from)),
    ...optional('to', facts.profile ?? facts.model),
    ...optional('provider', facts.provider),
    ...optional('model', facts.model),
    ...optional('because', nameOf(facts.because)),
  }
}

function nameOf(fact: Json | undefined): Json | undefined {
  if (fact === null || typeof fact !== 'object' || Array.isArray(fact)) return fact
  const { profile, model, code, message } = fact as JsonObject
  return profile ?? model ?? code ?? message
}

function optional<K extends string>(key: K, fact: Json | undefined): { readonly [P in K]?: string } {
  return (typeof fact === 'string' && fact !== '' ? { [key]: fact } : {}) as { [P in K]?: string }
}

/** The beginning of what had arrived, for people; the whole of it stands in the journal. */
export function shortenPartial(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim()
  return line.length > 160 ? `${line.slice(0, 159).toWellFormed()}…` : line
}
