import { canonicalJson } from '../events/canonical.ts'
import type { Event, EventOf } from '../events/event.ts'
import { saltFor } from '../events/hash.ts'
import type { Content, Json, Value } from '../events/values.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import type { BlobStore } from '../journal/journal.ts'
import { ContentStore } from './content.ts'
import type { Divergence } from './divergence.ts'
import { planStep } from './offer.ts'
import { Replay } from './replay.ts'
import type { StepKind } from './step.ts'
import type { EngineWorld } from './world.ts'

export interface Rehearsal {
  /** The first event that would not come out as it stands in the record; absent when all of them would. */
  readonly divergence?: Divergence
  /** Steps that were not run again, because their code is not here or content they read is gone. */
  readonly taken: readonly string[]
}

/**
 * Runs a record again as if the run had been started with another graph: what the world answered is taken from the record, decisions and
 * what steps ask are computed anew. Nothing is touched. Says nothing about what comes after the record, or after the divergence.
 */
export async function rehearseRun(
  record: readonly Event[],
  graph: StepGraph,
  means: {
    readonly world: EngineWorld
    readonly blobs: BlobStore
    readonly kinds: { readonly [kind: string]: StepKind }
  },
): Promise<Rehearsal> {
  const [first, ...rest] = record
  if (first?.type !== 'run-started') throw new Error('a record begins with run-started')
  const { world, kinds } = means
  const made = new Map<string, Content>()
  // The salts of these values never meet those of the record: a definition is compared by what comes of it.
  const make = (content: Json): Value => {
    const text = canonicalJson(content)
    const salt = saltFor('rehearsal', text, world.sha256)
    const sha256 = world.sha256(salt + text)
    made.set(sha256, { salt, text })
    return { sha256, bytes: text.length, type: 'application/json', inline: { salt, text } }
  }
  const { output: _, ...data } = first.data
  const steps = graph.steps.map((step) => planStep(step, make))
  const started: EventOf<'run-started'> = {
    ...first,
    data: { ...data, steps, ...(graph.output === undefined ? {} : { output: graph.output }) },
  }
  const blobs: BlobStore = {
    get: async (run, sha256) => made.get(sha256) ?? (await means.blobs.get(run, sha256)),
    put: () => {},
  }
  const eventAt = (seq: number) => (seq === 1 ? (started as Event) : record[seq - 1])
  const store = new ContentStore({ run: first.run, world, blobs, eventAt })
  const replay = new Replay({ run: first.run, world, blobs, kinds, store })
  for (const event of [started as Event, ...rest]) {
    const divergence = await replay.feed(recount(event, steps.length))
    if (divergence) return { divergence, taken: [...replay.taken] }
  }
  await replay.settle()
  return { taken: [...replay.taken] }
}

/** A graph with more steps differs where one of them runs, not where all are counted. */
function recount(event: Event, count: number): Event {
  if (event.type !== 'steps-added' || !('from' in event.data)) return event
  return { ...event, data: { ...event.data, count } }
}
