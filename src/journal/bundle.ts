import { canonicalJson } from '../events/canonical.ts'
import { OrcError } from '../events/errors.ts'
import { type Event, FORMAT, originOf } from '../events/event.ts'
import { type Sha256, valuesOf } from '../events/hash.ts'
import { storedForm, upcast } from '../events/upcast.ts'
import type { Value } from '../events/values.ts'
import type { BlobStore, Journal } from './journal.ts'

/** Version of the file format of bundles. */
export const BUNDLE = 1

/** What a bundle may be at most; a larger one is neither written nor read. */
export const BUNDLE_LIMITS = { bytes: 256 * 1024 * 1024, events: 1_000_000, line: 64 * 1024 * 1024 }

/**
 * A bundle is text, one canonical JSON object and a newline per line: the manifest, `{event}` lines, `{blob}` lines in the order
 * the events first name them, and `{digest}`: SHA-256 over all bytes before that line. There is no path and no key in it.
 */
export interface Manifest {
  readonly bundle: number
  /** Format of the events. */
  readonly format: number
  /** Version of the engine that began the run. */
  readonly engine: string
  readonly run: string
  readonly events: number
  readonly blobs: number
  /** Different contents that the events name and that are nowhere in the file. */
  readonly removed: number
  /** Hash of the last event. */
  readonly head: string
}

/** A run that can be read whole and more than once: one of a journal, or a bundle. */
export interface RunRecord {
  readonly run: string
  events(): AsyncIterable<Event>
  readonly blobs: Pick<BlobStore, 'get'>
}

/** A digest that is fed bit by bit. */
export interface RunningDigest {
  update(bytes: Uint8Array | string): void
  hex(): string
}

/** SHA-256 from outside: of a whole text, and running. */
export interface BundleTools {
  readonly sha256: Sha256
  startDigest(): RunningDigest
}

export function readJournal(from: { readonly journal: Journal; readonly blobs: BlobStore }, run: string): RunRecord {
  return {
    run,
    blobs: from.blobs,
    async *events() {
      for await (const record of from.journal.read(`run/${run}`)) yield upcast(record.data)
    },
  }
}

/**
 * The lines of a bundle, each with its newline. Contents with a digest in `remove` are left out wherever they stand.
 * Events appended while it is written are not in it. Throws OrcError `not_found` or `bundle_too_large`.
 */
export async function* writeBundle(
  record: RunRecord,
  tools: BundleTools,
  { remove = new Set() }: { readonly remove?: ReadonlySet<string> } = {},
): AsyncGenerator<string> {
  const { manifest, blobs } = await describeRecord(record, remove)
  const digest = tools.startDigest()
  let size = 0
  const line = (content: object) => {
    const text = `${canonicalJson(content)}\n`
    size += Buffer.byteLength(text)
    if (text.length > BUNDLE_LIMITS.line || size > BUNDLE_LIMITS.bytes) throw tooLarge(record.run)
    digest.update(text)
    return text
  }
  yield line(manifest)
  let left = manifest.events
  for await (const event of record.events()) {
    if (left-- === 0) break
    yield line({ event: withoutContent(storedForm(event), remove) })
  }
  for (const sha256 of blobs) {
    const blob = await record.blobs.get(record.run, sha256)
    if (!blob) throw new Error(`the blob ${sha256} was removed while the run ${record.run} was written`)
    yield line({ blob: { sha256, salt: blob.salt, text: blob.text } })
  }
  yield `${canonicalJson({ digest: digest.hex() })}\n`
}

/** One pass over the record: what the first line says, and the digests of the blobs that follow the events. */
async function describeRecord(
  record: RunRecord,
  remove: ReadonlySet<string>,
): Promise<{ manifest: Manifest; blobs: readonly string[] }> {
  const named = new Set<string>()
  let events = 0
  let head = ''
  let engine = ''
  for await (const event of record.events()) {
    events += 1
    head = event.hash
    if (event.type === 'run-started') engine = event.data.engine
    for (const value of contentsOf(storedForm(event)))
      if (!value.inline || remove.has(value.sha256)) named.add(value.sha256)
    if (events > BUNDLE_LIMITS.events) throw tooLarge(record.run)
  }
  if (events === 0) throw new OrcError({ code: 'not_found', message: `there is no run ${record.run}` })
  const blobs: string[] = []
  for (const sha256 of named) {
    if (!remove.has(sha256) && (await record.blobs.get(record.run, sha256))) blobs.push(sha256)
  }
  const counts = { events, blobs: blobs.length, removed: named.size - blobs.length }
  return { manifest: { bundle: BUNDLE, format: FORMAT, engine, run: record.run, ...counts, head }, blobs }
}

/** The values whose content an event brings; decisions only repeat the digests of others. */
export function contentsOf(event: Event): readonly Value[] {
  if (originOf(event.type, event.actor) === 'decision') return []
  return valuesOf(event).map(({ value }) => value)
}

function withoutContent(event: Event, remove: ReadonlySet<string>): Event {
  const hit = (data: object) =>
    valuesOf({ type: event.type, data }).filter(({ value }) => value.inline && remove.has(value.sha256))
  if (remove.size === 0 || hit(event.data).length === 0) return event
  const data = structuredClone(event.data)
  for (const { value } of hit(data)) delete (value as { inline?: unknown }).inline
  return { ...event, data } as Event
}

function tooLarge(run: string): OrcError {
  const message = `the run ${run} is larger than a bundle may be (256 MiB, 1,000,000 events)`
  return new OrcError({ code: 'bundle_too_large', message })
}
