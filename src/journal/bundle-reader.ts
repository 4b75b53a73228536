import type { Event } from '../events/event.ts'
import { createChainCheck, digestContent } from '../events/hash.ts'
import { upcast } from '../events/upcast.ts'
import type { BundleTools, Manifest, RunRecord } from './bundle.ts'
import { BundleCheck } from './bundle-check.ts'
import { type BundleLine, damagedBundle, splitLines } from './bundle-lines.ts'
import type { Blob } from './journal.ts'

/** The bytes of a bundle, readable more than once; `to` is exclusive. */
export interface BundleSource {
  read(from: number, to?: number): AsyncIterable<Uint8Array>
}

/** A bundle that was checked from the first to the last byte. It stays where it is; nothing of it is kept in memory but places. */
export interface Bundle extends RunRecord {
  readonly manifest: Manifest
  eventAt(seq: number): Promise<Event | undefined>
}

/** Reads a bundle once, whole, and checks it. Throws OrcError (`bundle_damaged`, `bundle_newer`, `bundle_too_large`) that names the place. */
export async function openBundle(source: BundleSource, tools: BundleTools): Promise<Bundle> {
  const check = new BundleCheck(tools.sha256)
  const digest = tools.startDigest()
  const events: number[] = []
  const blobs = new Map<string, { readonly from: number; readonly to: number }>()
  let eventsEnd = 0
  let lines = 0
  for await (const line of splitLines(source.read(0))) {
    lines = line.number
    const item = check.take(line)
    const end = line.offset + line.bytes.length + 1
    if ('digest' in item) {
      if (item.digest !== digest.hex()) throw damagedBundle(lines, 'the digest is not that of the lines before it')
      continue
    }
    digest.update(line.bytes)
    digest.update('\n')
    if ('event' in item) {
      events.push(line.offset)
      eventsEnd = end
    } else if ('blob' in item) blobs.set(item.blob.sha256, { from: line.offset, to: end })
  }
  const manifest = check.end(lines)
  const read = async (from: number, to: number): Promise<BundleLine | undefined> => {
    for await (const line of splitLines(source.read(from, to))) return line
    return undefined
  }
  return {
    manifest,
    run: manifest.run,
    async *events() {
      // The file may have been changed since it was checked.
      const chain = createChainCheck(tools.sha256)
      const start = { number: 2, offset: events[0] as number }
      for await (const line of splitLines(source.read(start.offset, eventsEnd), start)) {
        const { event } = JSON.parse(line.text) as { event: Event }
        const fault = chain(event)
        if (fault) throw damagedBundle(line.number, fault.message)
        yield upcast(event)
      }
    },
    async eventAt(seq) {
      const from = events[seq - 1]
      const line = from === undefined ? undefined : await read(from, events[seq] ?? eventsEnd)
      return line && upcast((JSON.parse(line.text) as { event: unknown }).event)
    },
    blobs: {
      async get(run, sha256) {
        const place = run === manifest.run ? blobs.get(sha256) : undefined
        const line = place && (await read(place.from, place.to))
        if (!line) return undefined
        const { salt, text } = (JSON.parse(line.text) as { blob: Blob }).blob
        if (digestContent({ salt, text }, tools.sha256) === sha256) return { salt, text }
        throw damagedBundle(line.number, 'the bundle was changed while it was read')
      },
    },
  }
}

/** A bundle in memory. */
export function bytesSource(bytes: Uint8Array): BundleSource {
  return {
    async *read(from, to = bytes.length) {
      yield bytes.subarray(from, to)
    },
  }
}
