import type { EventOf, RunLimits } from '../event.ts'
import { type Amount, type BudgetLimits, isBudgetKey, stepOfBudgetKey } from '../money.ts'
import type { Complain, StepRules } from './step-rules.ts'

interface Purse {
  readonly max_cost: number | undefined
  readonly max_tokens: number | undefined
  readonly max_calls: number | undefined
  cost: number
  tokens: number
  heldCost: number
  heldTokens: number
  calls: number
}

/** I10, I11: what is spent and held stays within every limit, and what is held for a try is settled exactly once. */
export class MoneyRules {
  readonly #steps: StepRules
  readonly #fail: Complain
  readonly #held = new Map<string, { readonly step: string; readonly amount: Amount }>()
  readonly #purses = new Map<string, Purse>()
  #run: Purse

  constructor(steps: StepRules, fail: Complain) {
    this.#steps = steps
    this.#fail = fail
    this.#run = purseOf({})
  }

  begin(limits: BudgetLimits): void {
    this.#run = purseOf(limits)
  }

  hold({ data }: EventOf<'effect-intended'>): void {
    const { key, step, reserved } = data
    if (!reserved || data.answered_by !== undefined) return
    if (this.#held.has(key)) this.#fail('I11', `holds money for ${key} before what was held is settled`)
    this.#held.set(key, { step, amount: reserved })
    for (const [whose, purse] of this.#pursesOf(step)) {
      purse.heldCost += reserved.cost
      purse.heldTokens += reserved.tokens
      purse.calls += 1
      const { within } = this.#steps.known.get(whose)?.plan.budget ?? {}
      if (exceeds(purse, purse) || (within && exceeds(purse, within)))
        this.#fail('I10', `intends ${key}, which the budget of ${whose} does not pay for`)
    }
  }

  settle({ data }: EventOf<'budget-settled'>): void {
    const held = this.#held.get(data.key)
    if (!held) return this.#fail('I11', `settles ${data.key}, for which nothing is held`)
    this.#held.delete(data.key)
    for (const [, purse] of this.#pursesOf(held.step)) {
      purse.heldCost -= held.amount.cost
      purse.heldTokens -= held.amount.tokens
      purse.cost += data.amount.cost
      purse.tokens += data.amount.tokens
      if (data.basis === 'untouched') purse.calls -= 1
    }
  }

  raise({ data }: EventOf<'approval-given'>): void {
    if (!isBudgetKey(data.key)) return
    const { max_cost, max_tokens, max_calls } = data.grant['raise'] as BudgetLimits
    const more = (limit: number | undefined, raise = 0) => (limit === undefined ? undefined : limit + raise)
    const raise = (purse: Purse): Purse => ({
      ...purse,
      max_cost: more(purse.max_cost, max_cost),
      max_tokens: more(purse.max_tokens, max_tokens),
      max_calls: more(purse.max_calls, max_calls),
    })
    const whose = stepOfBudgetKey(data.key)
    if (whose === undefined) this.#run = raise(this.#run)
    else
      this.#purses.set(
        whose,
        raise(this.#purses.get(whose) ?? purseOf(this.#steps.known.get(whose)?.plan.budget ?? {})),
      )
  }

  /** The past that a fork shares has been paid by its parent. */
  fork(limits: Partial<RunLimits> | undefined): void {
    this.#held.clear()
    // What was granted there stays granted.
    for (const [id, purse] of this.#purses) this.#purses.set(id, purseOf(purse))
    const { max_cost, max_tokens, max_calls } = this.#run
    this.#run = purseOf({ max_cost, max_tokens, max_calls, ...limits })
  }

  end(): void {
    if (this.#held.size > 0) this.#fail('I11', `the run ends and ${[...this.#held.keys()].join(', ')} is not settled`)
  }

  *#pursesOf(step: string): Iterable<[whose: string, Purse]> {
    for (let id: string | undefined = step; id !== undefined; id = this.#steps.known.get(id)?.parent) {
      const budget = this.#steps.known.get(id)?.plan.budget
      if (!budget) continue
      const purse = this.#purses.get(id) ?? purseOf(budget)
      this.#purses.set(id, purse)
      yield [id, purse]
    }
    yield ['the run', this.#run]
  }
}

type Limits = { readonly [K in keyof BudgetLimits]?: BudgetLimits[K] | undefined }

function exceeds({ cost, heldCost, tokens, heldTokens, calls }: Purse, limits: Limits): boolean {
  const { max_cost = Infinity, max_tokens = Infinity, max_calls = Infinity } = limits
  return cost + heldCost > max_cost || tokens + heldTokens > max_tokens || calls > max_calls
}

function purseOf({ max_cost, max_tokens, max_calls }: Limits): Purse {
  return { max_cost, max_tokens, max_calls, cost: 0, tokens: 0, heldCost: 0, heldTokens: 0, calls: 0 }
}
