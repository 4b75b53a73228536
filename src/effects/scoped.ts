import type { EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import type { Amount } from '../events/money.ts'

/** What budgets outside of the run say of a call. */
export type Grant =
  | {
      readonly ok: true
      /** The output that was paid for, in tokens, where it is less than was asked. */
      readonly output_tokens?: number
      /** What it cost; whatever nobody told is charged as it was held. `untouched`: it never reached the world. */
      settle(spent: Partial<Amount> | 'untouched'): Promise<void>
    }
  | { readonly ok: false; readonly code: 'budget_exhausted' | 'price_unknown' | 'aborted'; readonly message: string }

/** Holds what a call needs in every budget it is charged to; undefined where there is none. Waits while others may give back. */
export type Reserve = (order: EffectOrder, signal: AbortSignal) => Promise<Grant | undefined>

/** An executor whose calls are paid by budgets outside of the run, too: held before, settled after, whatever happens. */
export function scoped(inner: Executor, reserve: Reserve): Executor {
  return {
    kind: inner.kind,
    run: async (order, means) => {
      const grant = await reserve(order, means.signal)
      if (!grant) return inner.run(order, means)
      if (!grant.ok) return { ok: false, code: grant.code, message: grant.message, touched: 'no', retry: false }
      let spent: Partial<Amount> | 'untouched' = {}
      try {
        const { output_tokens = order.output_tokens } = grant
        const outcome = await inner.run({ ...order, ...(output_tokens === undefined ? {} : { output_tokens }) }, means)
        spent = spentOf(outcome)
        return outcome
      } finally {
        await grant.settle(spent)
      }
    },
  }
}

function spentOf(outcome: EffectOutcome): Partial<Amount> | 'untouched' {
  if (!outcome.ok && outcome.touched === 'no') return 'untouched'
  const { input, output } = outcome.usage ?? {}
  return {
    ...(outcome.cost === undefined ? {} : { cost: outcome.cost }),
    ...(input === undefined && output === undefined ? {} : { tokens: (input ?? 0) + (output ?? 0) }),
  }
}
