/** One record of a stream. For `run/ID` streams `data` is a whole event and `seq` is the event's own. */
export interface StoredRecord {
  readonly seq: number
  /** ms UTC, when it was appended. */
  readonly at: number
  readonly data: unknown
}

/**
 * One stream's part of an append. `expected` is the sequence number of the last record, `new` (or 0) for a stream without
 * records, or `any` (inboxes only). An entry without records only guards. A stream stands at most once in an append.
 */
export interface Entry {
  readonly stream: string
  readonly expected: number | 'new' | 'any'
  readonly records: readonly unknown[]
}

/** `last` holds every stream of the append; `actual` is 0 for a stream without records. */
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

/**
 * Streams of records, append-only. An append over several streams is all or nothing, and durable when it resolves; if it
 * rejects (a full or failing disk) it may or may not be kept. Appends of one journal are applied in the order of the calls.
 */
export interface Journal {
  append(entries: readonly Entry[]): Promise<Appended>
  /** Records `from`..`to` inclusive, in order, as far as they exist now. */
  read(stream: string, from?: number, to?: number): AsyncIterable<StoredRecord>
  /** Records from `from` on, then new ones as they are appended (by any process), until the signal aborts. */
  follow(stream: string, from: number, signal: AbortSignal): AsyncIterable<StoredRecord>
  /** Newest first, by creation. */
  list(query: StreamQuery): Promise<readonly StreamInfo[]>
  /** Removes the run's own streams (`runStreams`) and the blobs no other run holds. */
  remove(run: string): Promise<void>
  /** Removes one plain stream, which is then as if it had never been. What belongs to a run goes by `remove`. */
  drop(stream: string): Promise<void>
}

/** What is known of one stream; undefined for one without records. */
export async function findStream(journal: Pick<Journal, 'list'>, stream: string): Promise<StreamInfo | undefined> {
  return (await journal.list({ prefix: stream })).find((info) => info.stream === stream)
}

/** The streams that belong to one run and go with it. */
export function runStreams(run: string): readonly string[] {
  return [`run/${run}`, `inbox/${run}`, `lease/${run}`, `key/${run}`]
}

/** The stored bytes of a value and the salt they are hashed with. */
export interface Blob {
  readonly salt: string
  readonly text: string
}

/**
 * Bytes of values too large to stand inline. A put is seen at once by the same journal, and is durable (and seen by others)
 * with its next append. A run sees only what was put for it: a fork puts again what it shares, which is stored once.
 */
export interface BlobStore {
  put(run: string, sha256: string, blob: Blob): void
  get(run: string, sha256: string): Promise<Blob | undefined>
}
