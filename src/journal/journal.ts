/** One record of a stream. For `run/ID` streams `data` is a whole event and `seq` is the event's own. */
export interface StoredRecord {
  readonly seq: number
  /** ms UTC, when it was appended. */
  readonly at: number
  readonly data: unknown
}

/**
 * One stream's part of an append. `expected` is the sequence number of the last record, `new` for a stream without records,
 * or `any` (inboxes only). An entry without records only guards.
 */
export interface Entry {
  readonly stream: string
  readonly expected: number | 'new' | 'any'
  readonly records: readonly unknown[]
}

export type Appended =
  | { readonly ok: true; readonly last: Readonly<Record<string, number>> }
  | { readonly ok: false; readonly stream: string; readonly actual: number }

export interface StreamInfo {
  readonly stream: string
  readonly last: number
  readonly created: number
  readonly updated: number
}

export interface StreamQuery {
  readonly prefix: string
  readonly limit?: number
}

/** Streams of records, append-only. An append over several streams is all or nothing, and durable when it resolves. */
export interface Journal {
  append(entries: readonly Entry[]): Promise<Appended>
  /** Records `from`..`to` inclusive, in order, as far as they exist now. */
  read(stream: string, from?: number, to?: number): AsyncIterable<StoredRecord>
  /** Records from `from` on, then new ones as they are appended (by any process), until the signal aborts. */
  follow(stream: string, from: number, signal: AbortSignal): AsyncIterable<StoredRecord>
  /** Newest first, by creation. */
  list(query: StreamQuery): Promise<readonly StreamInfo[]>
  /** Removes all streams `…/RUN` of a run and the blobs no other run holds. */
  remove(run: string): Promise<void>
}

/** The stored bytes of a value and the salt they are hashed with. */
export interface Blob {
  readonly salt: string
  readonly text: string
}

/** Bytes of values too large to stand inline. A put is durable with the next append of the same journal. */
export interface BlobStore {
  put(run: string, sha256: string, blob: Blob): void
  get(run: string, sha256: string): Promise<Blob | undefined>
}
