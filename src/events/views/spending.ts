import type { Event } from '../event.ts'
import { formatCost, formatCount } from './amounts.ts'

/** What a run under way has spent so far, and what it may. Money in integer nano-dollars; what nobody has told is absent. */
export interface Spending {
  cost?: number
  /** In and out. */
  tokens?: number
  /** Answers whose price nobody told. */
  unpriced: number
  max_cost?: number
  max_tokens?: number
  /** Effects that money is held for, and whether their price has been told. */
  readonly held: Map<string, boolean>
}

export function createSpending(): Spending {
  return { unpriced: 0, held: new Map() }
}

export function noteSpending(spending: Spending, event: Event): void {
  switch (event.type) {
    case 'run-started':
      limit(spending, event.data.limits)
      return
    case 'run-forked':
      // The past that a fork shares has been paid by its parent.
      delete spending.cost
      delete spending.tokens
      spending.unpriced = 0
      spending.held.clear()
      limit(spending, event.data.change.limits ?? {})
      return
    case 'effect-intended':
      if (event.data.reserved) spending.held.set(event.data.key, false)
      return
    case 'effect-done':
    case 'effect-failed': {
      const { key, cost, usage } = event.data
      if (event.type === 'effect-done' && event.data.source === 'cache') return
      const tokens = (usage?.input ?? 0) + (usage?.output ?? 0)
      if (tokens > 0) spending.tokens = (spending.tokens ?? 0) + tokens
      if (cost !== undefined) {
        if (spending.held.has(key)) spending.held.set(key, true)
        spending.cost = (spending.cost ?? 0) + cost
      } else if (tokens > 0) {
        spending.unpriced += 1
      }
      return
    }
    case 'budget-settled': {
      const { key, basis, amount } = event.data
      // Where the price was told and only the tokens were not, the amount holds the price that was counted.
      const told = spending.held.get(key)
      spending.held.delete(key)
      if (told === false && basis === 'reserved') {
        spending.cost = (spending.cost ?? 0) + amount.cost
        spending.unpriced = Math.max(0, spending.unpriced - 1)
      }
    }
  }
}

function limit(
  spending: Spending,
  { max_cost, max_tokens }: { readonly max_cost?: number; readonly max_tokens?: number },
) {
  if (max_cost !== undefined) spending.max_cost = max_cost
  if (max_tokens !== undefined) spending.max_tokens = max_tokens
}

/** `$0.012 of $0.50`, `at least $0.01`, `1,200 of 5,000 tokens`; nothing where nothing is known. */
export function describeSpending({ cost, tokens, unpriced, max_cost, max_tokens }: Spending): string[] {
  const money = cost === undefined && max_cost === undefined ? '' : formatCost(cost ?? 0)
  const count = tokens === undefined && max_tokens === undefined ? '' : formatCount(tokens ?? 0)
  return [
    money === ''
      ? ''
      : `${unpriced > 0 ? 'at least ' : ''}${money}${max_cost === undefined ? '' : ` of ${formatCost(max_cost)}`}`,
    count === '' ? '' : `${count}${max_tokens === undefined ? '' : ` of ${formatCount(max_tokens)}`} tokens`,
  ].filter((words) => words !== '')
}
