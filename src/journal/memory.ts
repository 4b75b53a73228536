import { Changes } from './changes.ts'
import { checkEntries, expectedNumber } from './entries.ts'
import type { Appended, Blob, BlobStore, Entry, Journal, StoredRecord, StreamInfo, StreamQuery } from './journal.ts'
import { runStreams } from './journal.ts'

interface Stream {
  readonly created: number
  readonly records: StoredRecord[]
}

/** A journal that lives as long as the process: for runs nobody wants to keep, and for tests. Records come back as they were given. */
export function createMemoryJournal(clock: () => number = Date.now): {
  readonly journal: Journal
  readonly blobs: BlobStore
} {
  const journal = new MemoryJournal(clock)
  return { journal, blobs: journal.blobs }
}

class MemoryJournal implements Journal {
  readonly blobs = new MemoryBlobs()
  readonly #streams = new Map<string, Stream>()
  readonly #changes = new Changes()
  readonly #clock: () => number

  constructor(clock: () => number) {
    this.#clock = clock
  }

  async append(entries: readonly Entry[]): Promise<Appended> {
    checkEntries(entries)
    for (const entry of entries) {
      const expected = expectedNumber(entry)
      const actual = this.#last(entry.stream)
      if (expected !== undefined && expected !== actual) return { ok: false, stream: entry.stream, actual }
    }
    const at = this.#clock()
    const last: Record<string, number> = {}
    for (const { stream, records } of entries) {
      if (records.length > 0) this.#add(stream, at, records)
      last[stream] = this.#last(stream)
    }
    return { ok: true, last }
  }

  async *read(stream: string, from = 1, to = Number.POSITIVE_INFINITY): AsyncGenerator<StoredRecord> {
    const end = Math.min(to, this.#last(stream))
    for (let seq = Math.max(1, from); seq <= end; seq++) {
      const record = this.#streams.get(stream)?.records[seq - 1]
      if (!record) return
      yield record
    }
  }

  async *follow(stream: string, from: number, signal: AbortSignal): AsyncGenerator<StoredRecord> {
    let next = Math.max(1, from)
    while (!signal.aborted) {
      const { count } = this.#changes
      const record = this.#streams.get(stream)?.records[next - 1]
      if (record) {
        next++
        yield record
      } else await this.#changes.wait(stream, count, signal)
    }
  }

  async list({ prefix, limit = Number.POSITIVE_INFINITY }: StreamQuery): Promise<readonly StreamInfo[]> {
    const found: StreamInfo[] = []
    for (const [stream, { created, records }] of [...this.#streams].reverse()) {
      if (found.length >= limit) break
      if (!stream.startsWith(prefix)) continue
      found.push({ stream, last: records.length, created, updated: records.at(-1)?.at ?? created })
    }
    return found
  }

  async remove(run: string): Promise<void> {
    for (const stream of runStreams(run)) this.#streams.delete(stream)
    this.blobs.drop(run)
  }

  async drop(stream: string): Promise<void> {
    this.#streams.delete(stream)
  }

  #last(stream: string): number {
    return this.#streams.get(stream)?.records.length ?? 0
  }

  #add(stream: string, at: number, records: readonly unknown[]): void {
    const kept = this.#streams.get(stream) ?? { created: at, records: [] }
    for (const data of records) kept.records.push({ seq: kept.records.length + 1, at, data })
    this.#streams.set(stream, kept)
    this.#changes.announce(stream)
  }
}

class MemoryBlobs implements BlobStore {
  readonly #runs = new Map<string, Map<string, Blob>>()

  put(run: string, sha256: string, blob: Blob): void {
    const held = this.#runs.get(run) ?? new Map<string, Blob>()
    this.#runs.set(run, held.set(sha256, held.get(sha256) ?? blob))
  }

  async get(run: string, sha256: string): Promise<Blob | undefined> {
    return this.#runs.get(run)?.get(sha256)
  }

  drop(run: string): void {
    this.#runs.delete(run)
  }
}
