import { readEvents } from '../engine/engine.ts'
import type { Json } from '../events/values.ts'
import { type Inventory, inventoryView, type Labelled, takeInventory } from '../events/views/inventory.ts'
import type { BlobStore, Journal } from '../journal/journal.ts'
import { loadContents } from './run-report.ts'

/** What the steps below one have come to, from the run's journal. Content that has been removed counts as empty. */
export async function countBelow(
  store: { readonly journal: Journal; readonly blobs: BlobStore },
  { run, step }: { readonly run: string; readonly step: string },
): Promise<Inventory<Json> & Labelled> {
  const state = inventoryView.initial()
  for await (const event of readEvents(store, run)) inventoryView.evolve(state, event)
  const { done, missing, labels } = takeInventory(state, step)
  const read = await loadContents(
    done.map(({ output }) => output),
    run,
    store.blobs,
  )
  return { done: done.map(({ name, output }) => ({ name, output: read(output) ?? null })), missing, labels }
}
