import type { Event } from '../event.ts'
import { addSpent, emptySpent, type Spent, type UsageTotals, usageView } from './usage.ts'

/** What one event added to what a run spent, and for whom. */
export interface Charge {
  /** ms UTC. */
  readonly at: number
  readonly step: string
  readonly provider?: string
  readonly model?: string
  readonly spent: Spent
  /** The part of the cost that nobody told and that was charged as it had been reserved, in nano-dollars. */
  readonly estimated: number
}

interface Told {
  readonly step: string
  readonly provider?: string
  readonly model?: string
  /** Nano-dollars; absent when nobody told. */
  readonly cost?: number
}

/**
 * Everything that a run has spent so far, piece by piece; their sum is what `usageView` counts, besides what was settled as reserved and
 * calls that are still open, which nobody has told a price of. What a fork shares with its parent was paid by the parent.
 */
export function listCharges(events: Iterable<Event>): readonly Charge[] {
  const view = usageView()
  let usage = view.initial()
  let charges: Charge[] = []
  const told = new Map<string, Told>()
  // Lost calls that have been settled already: their redo counts them as lost without a price.
  const settled = new Set<string>()
  for (const event of events) {
    if (event.type === 'run-forked') {
      charges = []
      usage = { ...usage, total: emptySpent(), open: new Map() }
      settled.clear()
      continue
    }
    if (event.type === 'budget-settled') {
      const charge = settleReserved(event, { usage, told, settled })
      if (charge) charges.push(charge)
      continue
    }
    const key = keyOf(event)
    const before = { ...usage.total }
    const was = key === undefined ? undefined : usage.open.get(key)
    usage = view.evolve(usage, event)
    if (key === undefined) continue
    const call = was ?? usage.open.get(key)
    const place = call ?? placeOf(key, usage)
    const cost = 'cost' in event.data ? event.data.cost : undefined
    told.set(key, { ...place, ...(cost === undefined ? {} : { cost }) })
    const spent = subtract(usage.total, before)
    // A price of nothing is told as well as any other.
    if (cost !== undefined && !isCached(event)) spent.cost ??= 0
    if (event.type === 'effect-intended' && spent.unpriced > 0 && settled.delete(key)) spent.unpriced -= 1
    if (!isNothing(spent)) charges.push({ at: event.at, ...routeOf(place), spent, estimated: 0 })
  }
  for (const [key, call] of usage.open) {
    const spent = { ...emptySpent(), unmetered: 1, unpriced: settled.has(key) ? 0 : 1 }
    charges.push({ at: charges.at(-1)?.at ?? 0, ...routeOf(call), spent, estimated: 0 })
  }
  return charges
}

function settleReserved(
  { data, at }: Extract<Event, { readonly type: 'budget-settled' }>,
  seen: { readonly usage: UsageTotals; readonly told: ReadonlyMap<string, Told>; readonly settled: Set<string> },
): Charge | undefined {
  const { key, basis, amount } = data
  if (basis !== 'reserved') return undefined
  const open = seen.usage.open.get(key)
  const last = seen.told.get(key) ?? { step: data.step }
  const known = open ? undefined : last.cost
  const cost = amount.cost - (known ?? 0)
  if (open) seen.settled.add(key)
  // A call that has ended without a price was counted as such; now it has one.
  const unpriced = open || known !== undefined ? 0 : -1
  return { at, ...routeOf(last), spent: { ...emptySpent(), cost, unpriced }, estimated: cost }
}

function keyOf(event: Event): string | undefined {
  switch (event.type) {
    case 'effect-intended':
    case 'effect-done':
    case 'effect-failed':
      return event.data.key
    default:
      return undefined
  }
}

function isCached(event: Event): boolean {
  return event.type === 'effect-done' && event.data.source === 'cache'
}

function placeOf(key: string, { steps, routes }: UsageTotals): Told {
  for (let cut = key.lastIndexOf('/'); cut > 0; cut = key.lastIndexOf('/', cut - 1)) {
    const id = key.slice(0, cut).replace(/@\d+$/, '')
    if (steps.has(id)) return { step: id, ...routes.get(id) }
  }
  return { step: '' }
}

function routeOf({ step, provider, model }: Told): Pick<Charge, 'step' | 'provider' | 'model'> {
  return { step, ...(provider === undefined ? {} : { provider }), ...(model === undefined ? {} : { model }) }
}

function subtract(after: Spent, before: Spent): Spent {
  const spent = emptySpent()
  addSpent(spent, after)
  spent.calls -= before.calls
  spent.failed_calls -= before.failed_calls
  spent.cached_calls -= before.cached_calls
  spent.unmetered -= before.unmetered
  spent.unpriced -= before.unpriced
  for (const key of ['input', 'output', 'cached', 'reasoning', 'cost'] as const) {
    const [now, then] = [after[key], before[key]]
    if (now !== undefined && now !== then) spent[key] = now - (then ?? 0)
    else if (then !== undefined) delete spent[key]
  }
  return spent
}

function isNothing({ cost, input, output, ...counts }: Spent): boolean {
  return cost === undefined && input === undefined && output === undefined && Object.values(counts).every((n) => !n)
}
