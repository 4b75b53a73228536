import type { Event } from '../event.ts'
import type { Usage } from '../messages.ts'
import { type Route, readRoute } from './route.ts'
import { findOwner, type ReadValue, readInline, type View } from './view.ts'

/**
 * What was spent. Tokens and cost are absent when nobody told them, never zero; `unmetered` and `unpriced` count the
 * calls missing from the sums, so a reader can say "at least".
 */
export interface Spent {
  /** Model calls sent, every repetition counted. */
  calls: number
  failed_calls: number
  /** Answers that came from the cache and cost nothing. */
  cached_calls: number
  input?: number
  output?: number
  /** Input tokens the provider had in its own cache; part of `input`. */
  cached?: number
  reasoning?: number
  unmetered: number
  /** Integer nano-dollars. */
  cost?: number
  unpriced: number
}

interface OpenCall extends Route {
  readonly step: string
}

export interface UsageTotals {
  readonly total: Spent
  readonly steps: Map<string, Spent>
  /** By `provider/model`. */
  readonly models: Map<string, Spent>
  readonly providers: Map<string, Spent>
  readonly routes: Map<string, Route>
  readonly open: Map<string, OpenCall>
  /** Effects that are not model calls; their outcomes are not counted as calls. */
  readonly others: Set<string>
}

export function emptySpent(): Spent {
  return { calls: 0, failed_calls: 0, cached_calls: 0, unmetered: 0, unpriced: 0 }
}

/** Adds what another one spent. */
export function addSpent(sum: Spent, part: Spent): void {
  sum.calls += part.calls
  sum.failed_calls += part.failed_calls
  sum.cached_calls += part.cached_calls
  sum.unmetered += part.unmetered
  sum.unpriced += part.unpriced
  for (const key of ['input', 'output', 'cached', 'reasoning', 'cost'] as const) {
    const amount = part[key]
    if (amount !== undefined) sum[key] = (sum[key] ?? 0) + amount
  }
}

/** Tokens, money and calls. With a reader the request itself says which model was asked, else the step's route does. */
export function usageView(read: ReadValue = readInline): View<UsageTotals> {
  return {
    initial: () => ({
      total: emptySpent(),
      steps: new Map(),
      models: new Map(),
      providers: new Map(),
      routes: new Map(),
      open: new Map(),
      others: new Set(),
    }),
    evolve: (state, event) => {
      evolveUsage(state, event, read)
      return state
    },
  }
}

function evolveUsage(state: UsageTotals, event: Event, read: ReadValue): void {
  switch (event.type) {
    case 'run-started':
      for (const step of event.data.steps) state.steps.set(step.id, emptySpent())
      return
    case 'steps-added':
      if ('steps' in event.data) for (const step of event.data.steps) state.steps.set(step.id, emptySpent())
      return
    case 'step-routed':
      state.routes.set(event.data.step, readRoute(event.data.facts))
      return
    case 'effect-intended': {
      const { key, step, kind, request, answered_by } = event.data
      if (answered_by !== undefined) return
      if (kind !== 'model') {
        state.others.add(key)
        return
      }
      // An intent that was open already: its call was lost in a crash, and nobody knows what it cost.
      const lost = state.open.has(key) ? 1 : 0
      state.open.set(key, { step, ...state.routes.get(step), ...readModel(read(request)) })
      charge(state, key, (spent) => {
        spent.calls += 1
        spent.failed_calls += lost
        spent.unmetered += lost
        spent.unpriced += lost
      })
      return
    }
    case 'effect-done':
    case 'effect-failed':
      settle(state, event)
  }
}

function settle(state: UsageTotals, event: Extract<Event, { type: 'effect-done' | 'effect-failed' }>): void {
  const { key, usage, cost } = event.data
  const intended = state.open.has(key)
  // An effect of another kind may carry a price (a paid tool); it adds money, not calls.
  const isCall = !state.others.delete(key)
  if (!isCall && cost === undefined && !usage) return
  const failed = event.type === 'effect-failed'
  const cached = event.type === 'effect-done' && event.data.source === 'cache'
  const free = cached || (failed && (event.data.touched === 'no' || !intended))
  charge(state, key, (spent) => {
    if (isCall && failed && intended) spent.failed_calls += 1
    if (cached) {
      spent.cached_calls += 1
      // The intent came before the look into the cache: no call was sent.
      if (intended) spent.calls -= 1
      return
    }
    addTokens(spent, usage)
    if (cost !== undefined) spent.cost = (spent.cost ?? 0) + cost
    if (!isCall || free) return
    if (cost === undefined) spent.unpriced += 1
    if (usage?.input === undefined && usage?.output === undefined) spent.unmetered += 1
  })
  state.open.delete(key)
}

function charge(state: UsageTotals, key: string, add: (spent: Spent) => void): void {
  const call = state.open.get(key)
  const step = call?.step ?? findOwner(key, (id) => state.steps.has(id))
  const route = call ?? (step === undefined ? undefined : state.routes.get(step))
  add(state.total)
  if (step !== undefined) add(take(state.steps, step))
  if (route?.provider !== undefined) add(take(state.providers, route.provider))
  if (route?.model !== undefined) add(take(state.models, `${route.provider ?? 'unknown'}/${route.model}`))
}

function take(map: Map<string, Spent>, key: string): Spent {
  let spent = map.get(key)
  if (!spent) map.set(key, (spent = emptySpent()))
  return spent
}

function addTokens(spent: Spent, usage: Usage | undefined): void {
  if (usage?.input !== undefined) spent.input = (spent.input ?? 0) + usage.input
  if (usage?.output !== undefined) spent.output = (spent.output ?? 0) + usage.output
  if (usage?.cache_read !== undefined) spent.cached = (spent.cached ?? 0) + usage.cache_read
  if (usage?.reasoning !== undefined) spent.reasoning = (spent.reasoning ?? 0) + usage.reasoning
}

function readModel(request: unknown): Route {
  if (request === null || typeof request !== 'object') return {}
  const { provider, model } = request as { provider?: unknown; model?: unknown }
  return typeof provider === 'string' && typeof model === 'string' ? { provider, model } : {}
}
