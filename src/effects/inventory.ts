import type { Executor } from '../engine/effect.ts'
import type { Json } from '../events/values.ts'
import type { Inventory, Labelled } from '../events/views/inventory.ts'

/** Tells a step what the steps below it have come to. `count` reads the run's own events, at least those before the asking. */
export function createInventoryExecutor(
  count: (place: { readonly run: string; readonly step: string }) => Promise<Inventory<Json> & Labelled>,
): Executor {
  return {
    kind: 'inventory',
    run: async ({ run, step }) => {
      const { labels, ...answer } = await count({ run, step })
      return { ok: true, answer, labels }
    },
  }
}
