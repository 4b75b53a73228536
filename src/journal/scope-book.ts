import {
  type Amount,
  addAmounts,
  type BudgetLimits,
  isPricedNeed,
  type Need,
  NOTHING,
  priceOf,
  roomFor,
} from '../events/money.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { createScopeState, evolveScope, type ScopeRecord, type ScopeState } from '../events/views/scope.ts'
import type { Journal } from './journal.ts'

/** A budget outside of runs: the stream it is kept in, and its limits. */
export interface Scope {
  /** For people: `the day`, `the profile cheap`. */
  readonly title: string
  readonly stream: string
  readonly limits: BudgetLimits
  readonly unpriced?: 'allow' | 'refuse'
}

/** What was held longer ago is taken for lost: whether a process of another machine or container still lives, nobody can see. */
const LONGEST_HOLD_MS = 3_600_000

export interface ScopeTerms {
  readonly journal: Journal
  /** ms UTC. */
  readonly clock: () => number
  readonly owner: JsonObject
  /** Does this owner certainly not exist any more? */
  readonly isDead: (owner: JsonObject) => boolean
}

export type Held =
  | { readonly answer: 'yes'; readonly amount: Amount; readonly output_tokens: number }
  | { readonly answer: 'later' }
  | { readonly answer: 'no'; readonly code: 'budget_exhausted' | 'price_unknown'; readonly message: string }

/**
 * Holds money and tokens in budgets that several runs and processes share. Every decision is an append at the number it was made
 * from, in all scopes at once: of two that would pass a limit together, one is made again with the other in sight.
 */
export class ScopeBook {
  readonly #terms: ScopeTerms
  readonly #known = new Map<string, { readonly state: ScopeState; seq: number }>()

  constructor(terms: ScopeTerms) {
    this.#terms = terms
  }

  /** Holds what a call needs at worst, or less output where that is all there is. `later`: others may give back. */
  async hold(id: string, need: Need, scopes: readonly Scope[]): Promise<Held> {
    for (;;) {
      const books = await Promise.all(scopes.map(async (scope) => ({ scope, ...(await this.#read(scope.stream)) })))
      const checked = checkScopes(need, books)
      if (checked.answer !== 'yes') return checked.answer === 'later' ? this.#waitOrRefuse(need, books) : checked
      const { owner } = this.#terms
      const record: ScopeRecord = { what: 'reserved', id, owner, amount: checked.amount, at: this.#terms.clock() }
      if (await this.#append(books, record)) return checked
    }
  }

  /** What a call cost. It must not fail for want of luck: it is written until it stands. */
  async settle(id: string, scopes: readonly Scope[], spent: Partial<Amount> | 'untouched'): Promise<void> {
    for (const { stream } of scopes) {
      for (;;) {
        const book = await this.#read(stream)
        const held = (book.state.open.get(id) ?? { amount: book.state.lost.get(id) }).amount
        if (!held) break
        const at = this.#terms.clock()
        const whole = spent !== 'untouched' && spent.cost !== undefined && spent.tokens !== undefined
        const record: ScopeRecord =
          spent === 'untouched'
            ? { what: 'settled', id, amount: NOTHING, basis: 'untouched', at }
            : { what: 'settled', id, amount: { ...held, ...spent }, basis: whole ? 'told' : 'reserved', at }
        if (await this.#append([{ scope: { stream }, seq: book.seq }], record)) break
      }
    }
  }

  /** What a scope adds up to now. */
  async look(stream: string): Promise<ScopeState> {
    return (await this.#read(stream)).state
  }

  /** The part of what is held that those who hold it will not settle: it will be charged. Nothing is written. */
  countGone({ open }: ScopeState): Amount & { readonly calls: number } {
    const gone = [...open.values()].filter((held) => this.#isGone(held))
    const { cost, tokens } = gone.reduce((sum, { amount }) => addAmounts(sum, amount), NOTHING)
    return { cost, tokens, calls: gone.length }
  }

  #isGone({ owner, at }: { readonly owner: JsonObject; readonly at: number }): boolean {
    return this.#terms.clock() - at > LONGEST_HOLD_MS || this.#terms.isDead(owner)
  }

  /** What dead processes hold will not come back: it is charged as it was held, and a late word corrects that. */
  async #waitOrRefuse(need: Need, books: readonly Book[]): Promise<Held> {
    let lost = false
    const now = this.#terms.clock()
    for (const { scope, state, seq } of books) {
      const gone = [...state.open].find(([, held]) => this.#isGone(held))
      if (!gone) continue
      const [id, { amount }] = gone
      const record: ScopeRecord = { what: 'settled', id, amount, basis: 'lost', at: now }
      await this.#append([{ scope, seq }], record)
      lost = true
    }
    if (lost) return { answer: 'later' }
    return books.some(({ state }) => state.open.size > 0) ? { answer: 'later' } : refuse(need, books)
  }

  async #read(stream: string): Promise<{ readonly state: ScopeState; readonly seq: number }> {
    const known = this.#known.get(stream) ?? { state: createScopeState(), seq: 0 }
    this.#known.set(stream, known)
    for await (const { seq, data } of this.#terms.journal.read(stream, known.seq + 1)) {
      // Two readers of one process may go over the same records.
      if (seq <= known.seq) continue
      known.seq = seq
      evolveScope(known.state, data as unknown as ScopeRecord)
    }
    return known
  }

  async #append(
    books: readonly { readonly scope: { readonly stream: string }; readonly seq: number }[],
    record: ScopeRecord,
  ): Promise<boolean> {
    const records = [record as unknown as Json]
    const entries = books.map(({ scope: { stream }, seq }) => ({
      stream,
      expected: seq === 0 ? ('new' as const) : seq,
      records,
    }))
    return (await this.#terms.journal.append(entries)).ok
  }
}

interface Book {
  readonly scope: Scope
  readonly state: ScopeState
  readonly seq: number
}

function checkScopes(need: Need, books: readonly Book[]): Held {
  let now = need.output_tokens
  let later = need.output_tokens
  for (const { scope, state } of books) {
    const { limits, title, unpriced } = scope
    if (limits.max_cost !== undefined && !isPricedNeed(need) && unpriced !== 'allow') {
      const message = `the price of the model is not known, and ${title} has a limit on cost`
      return { answer: 'no', code: 'price_unknown', message }
    }
    if (state.calls >= (limits.max_calls ?? Infinity)) return refuse(need, books)
    later = Math.min(later, roomFor(need, limits, state.settled))
    const { cost, tokens } = state.reserved
    const both = { cost: state.settled.cost + cost, tokens: state.settled.tokens + tokens }
    now = Math.min(now, roomFor(need, limits, both))
  }
  if (now < need.output_tokens && later > now && later >= need.least_output) return { answer: 'later' }
  if (now < need.least_output) return refuse(need, books)
  return { answer: 'yes', amount: priceOf(need, now), output_tokens: now }
}

function refuse(need: Need, books: readonly Book[]): Held {
  const short = books.filter(
    ({ scope: { limits }, state }) =>
      state.calls >= (limits.max_calls ?? Infinity) || roomFor(need, limits, state.settled) < need.least_output,
  )
  const titles = (short.length > 0 ? short : books).map(({ scope }) => scope.title)
  const message = `the budget of ${titles.join(' and of ')} does not pay for another call`
  return { answer: 'no', code: 'budget_exhausted', message }
}
