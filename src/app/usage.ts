import { readEvents } from '../engine/engine.ts'
import { OrcError } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import { type Charge, listCharges } from '../events/views/charges.ts'
import { addSpent, emptySpent, type Spent } from '../events/views/usage.ts'
import type { App } from './app.ts'
import { placeOf } from './quote-past.ts'

export const USAGE_SPLITS = ['day', 'ensemble', 'agent', 'model', 'provider'] as const
export type UsageSplit = (typeof USAGE_SPLITS)[number]

/** What was spent on one thing. Cost in integer nano-dollars; what nobody told is absent, and counted in `unpriced` and `unmetered`. */
export interface UsageSum extends Spent {
  /** The part of `cost` that nobody told and that was charged as it had been reserved. */
  estimated?: number
}

/** How the runs of one ensemble came out. */
export interface RunStatistics {
  readonly runs: number
  readonly succeeded: number
  /** Of those that have ended, 0 to 1. */
  readonly success_rate?: number
  /** Nano-dollars for a run that has ended, as far as somebody told. */
  readonly mean_cost?: number
  /** From start to end of those that have ended. */
  readonly mean_ms?: number
}

export interface UsageLine extends UsageSum, Partial<RunStatistics> {
  /** A day (UTC, YYYY-MM-DD), an ensemble, `ENSEMBLE/AGENT`, `PROVIDER/MODEL` or a provider; `unknown` where nobody told. */
  readonly key: string
}

export interface UsageReport {
  readonly by: UsageSplit
  readonly lines: readonly UsageLine[]
  /** Of everything in the time, whatever it is split by. */
  readonly total: UsageSum & { readonly runs: number }
  /** Runs whose record cannot be read. */
  readonly unreadable: readonly string[]
}

export interface UsageQuery {
  readonly by: UsageSplit
  /** ms UTC; from here on, and before there. */
  readonly since?: number
  readonly until?: number
  /** The name of what was run. */
  readonly ensemble?: string
}

/** What was spent in the runs of this user, ended or not, in one pass over their journals. */
export async function readUsage(app: App, query: UsageQuery): Promise<UsageReport> {
  const store = await app.openJournal()
  const sheet = new UsageSheet(query)
  const unreadable: string[] = []
  const { since = -Infinity, until = Infinity } = query
  for (const { stream, created, updated } of await store.journal.list({ prefix: 'run/' })) {
    if (updated < since || created >= until) continue
    const run = stream.slice('run/'.length)
    try {
      const events: Event[] = []
      for await (const event of readEvents(store, run)) events.push(event)
      sheet.addRun(events)
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      unreadable.push(run)
    }
  }
  return { ...sheet.report(), unreadable }
}

interface Course {
  runs: number
  ended: number
  succeeded: number
  cost: number | undefined
  ms: number
}

/** Adds runs up. The sum over any split is the total. */
export class UsageSheet {
  readonly #query: UsageQuery
  readonly #lines = new Map<string, UsageSum>()
  readonly #courses = new Map<string, Course>()
  readonly #total: UsageSum = emptySpent()
  #runs = 0

  constructor(query: UsageQuery) {
    this.#query = query
  }

  addRun(events: readonly Event[]): void {
    const [first] = events
    if (first?.type !== 'run-started') return
    const { name } = first.data.target
    const { ensemble, by } = this.#query
    if (ensemble !== undefined && ensemble !== name) return
    let cost: number | undefined
    for (const charge of listCharges(events)) {
      if (charge.spent.cost !== undefined) cost = (cost ?? 0) + charge.spent.cost
      if (!this.#isWithin(charge.at)) continue
      add(this.#total, charge)
      add(take(this.#lines, keyOf(by, name, charge), emptySpent), charge)
    }
    const forked = events.find(({ type }) => type === 'run-forked')
    const start = (forked ?? first).at
    if (!this.#isWithin(start)) return
    this.#runs += 1
    if (by !== 'ensemble' && by !== 'day') return
    const key = by === 'day' ? dayOf(start) : name
    take(this.#lines, key, emptySpent)
    noteCourse(take(this.#courses, key, emptyCourse), { last: events.at(-1) as Event, start, cost })
  }

  report(): Omit<UsageReport, 'unreadable'> {
    const lines = [...this.#lines].map(
      ([key, sum]): UsageLine => ({ key, ...sum, ...describe(this.#courses.get(key)) }),
    )
    const { by } = this.#query
    const dearest = (a: UsageLine, b: UsageLine) => (b.cost ?? 0) - (a.cost ?? 0) || b.calls - a.calls
    const sorted = lines.toSorted((a, b) => (by === 'day' ? 0 : dearest(a, b)) || (a.key < b.key ? -1 : 1))
    return { by, lines: sorted, total: { ...this.#total, runs: this.#runs } }
  }

  #isWithin(at: number): boolean {
    const { since = -Infinity, until = Infinity } = this.#query
    return at >= since && at < until
  }
}

/** Items, rounds and repairs belong to the agent that the ensemble names. */
function keyOf(by: UsageSplit, ensemble: string, { at, step, provider, model }: Charge): string {
  switch (by) {
    case 'day':
      return dayOf(at)
    case 'ensemble':
      return ensemble
    case 'agent':
      return `${ensemble}/${placeOf(step).split(/[/[#]/, 1)[0] || 'unknown'}`
    case 'model':
      return model === undefined ? 'unknown' : `${provider ?? 'unknown'}/${model}`
    case 'provider':
      return provider ?? 'unknown'
  }
}

function add(sum: UsageSum, { spent, estimated }: Charge): void {
  addSpent(sum, spent)
  if (estimated !== 0) sum.estimated = (sum.estimated ?? 0) + estimated
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function take<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

function emptyCourse(): Course {
  return { runs: 0, ended: 0, succeeded: 0, cost: undefined, ms: 0 }
}

function noteCourse(
  course: Course,
  { last, start, cost }: { readonly last: Event; readonly start: number; readonly cost: number | undefined },
): void {
  course.runs += 1
  if (last.type !== 'run-finished') return
  course.ended += 1
  course.ms += last.at - start
  if (cost !== undefined) course.cost = (course.cost ?? 0) + cost
  if (last.data.status === 'succeeded') course.succeeded += 1
}

function describe(course: Course | undefined): Partial<RunStatistics> {
  if (!course) return {}
  const { runs, ended, succeeded, cost, ms } = course
  if (ended === 0) return { runs, succeeded }
  return {
    runs,
    succeeded,
    success_rate: succeeded / ended,
    mean_ms: Math.round(ms / ended),
    ...(cost === undefined ? {} : { mean_cost: Math.round(cost / ended) }),
  }
}
