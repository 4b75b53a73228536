import type { Event } from '../events/event.ts'
import { type Sha256, valuesOf } from '../events/hash.ts'
import { isEnded, type RunState } from '../events/state.ts'
import type { Content, Value } from '../events/values.ts'
import type { BlobStore, Journal } from '../journal/journal.ts'

/** The secret of a run's salts. It is shared by forks, and never exported. */
export interface RunKey {
  readonly key: string
  /** The record began under another key (a fork of an imported run), so what may be asked again keeps its recorded salt. */
  readonly mixed?: true
}

/** The key of a run in this journal; an imported run has none. */
export async function readRunKey(journal: Journal, run: string): Promise<RunKey | undefined> {
  for await (const record of journal.read(`key/${run}`)) return record.data as RunKey
  return undefined
}

/**
 * Salts, by plain digest of the content, of everything a step may offer once more: requests of unsafe effects and proposed
 * steps. Equal content must get an equal digest there, or the step would seem to ask something else.
 */
export async function collectSalts(
  state: RunState,
  means: {
    readonly run: string
    readonly blobs: BlobStore
    readonly sha256: Sha256
    eventAt(seq: number): Event | undefined | Promise<Event | undefined>
  },
): Promise<ReadonlyMap<string, string>> {
  const salts = new Map<string, string>()
  const keep = async (value: Value, seq?: number) => {
    const content = value.inline ?? (await inlineAt(value, seq)) ?? (await means.blobs.get(means.run, value.sha256))
    if (content) salts.set(means.sha256(content.text), content.salt)
  }
  const inlineAt = async (value: Value, seq: number | undefined): Promise<Content | undefined> => {
    const event = seq === undefined ? undefined : await means.eventAt(seq)
    return event && valuesOf(event).find((found) => found.value.sha256 === value.sha256)?.value.inline
  }
  for (const effect of state.effects.values()) if (effect.safety === 'unsafe') await keep(effect.request, effect.asked)
  for (const step of state.steps.values()) {
    if (isEnded(step.status)) continue
    for (const proposal of step.proposals?.values() ?? []) {
      for (const child of proposal.children) {
        const spec = state.steps.get(child)?.plan.spec
        if (spec) await keep(spec)
      }
    }
  }
  return salts
}
