import type { Executor } from '../engine/effect.ts'
import type { BudgetAnswer } from '../events/money.ts'
import type { Json } from '../events/values.ts'

/** Tells a step what its run has spent and may spend. `measure` reads the run's own events, at least those before the asking. */
export function createBudgetExecutor(
  measure: (place: { readonly run: string; readonly step: string }) => Promise<BudgetAnswer>,
): Executor {
  return {
    kind: 'budget',
    run: async ({ run, step }) => ({ ok: true, answer: (await measure({ run, step })) as unknown as Json }),
  }
}
