import { setImmediate as turn } from 'node:timers/promises'
import { OrcError } from '../events/errors.ts'
import { Changes } from './changes.ts'
import type { Appended, BlobStore, Entry, Journal, StoredRecord, StreamInfo, StreamQuery } from './journal.ts'
import { runStreams } from './journal.ts'
import { SqliteBlobs } from './sqlite-blobs.ts'
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'
import { SqliteWriter } from './sqlite-writer.ts'

const PAGE = 256
/** ms between looks for other processes' appends, soon after the last change and later. */
const BUSY_LOOK_MS = 50
const IDLE_LOOK_MS = 250
const BUSY_FOR_MS = 2_000

export interface SqliteJournalOptions {
  readonly path: string
  /** ms to keep trying while other processes hold the lock; default 30,000. */
  readonly wait_ms?: number
}

export interface OpenSqliteJournal {
  readonly journal: Journal
  readonly blobs: BlobStore
  readonly path: string
  /** Waits for appends under way and ends all followers. Blobs without a later append are dropped. */
  close(): Promise<void>
}

/**
 * A journal in one SQLite file (WAL, every commit synced) that any number of processes may share.
 * Throws `OrcError`: `journal_newer`, `journal_unreadable`, `journal_failed`, `journal_busy`.
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<OpenSqliteJournal> {
  const file = await openSqliteFile(options)
  const journal = new SqliteJournal(file)
  return { journal, blobs: journal.blobs, path: options.path, close: () => journal.close() }
}

class SqliteJournal implements Journal {
  readonly blobs: SqliteBlobs
  readonly #file: SqliteFile
  readonly #writer: SqliteWriter
  readonly #changes = new Changes()
  readonly #closed = new AbortController()
  #version: number
  #changedAt = performance.now()
  #look: NodeJS.Timeout | undefined

  constructor(file: SqliteFile) {
    this.#file = file
    this.blobs = new SqliteBlobs(file)
    this.#writer = new SqliteWriter(file, this.blobs, (stream) => this.#changes.announce(stream))
    this.#version = file.number('PRAGMA data_version')
  }

  append(entries: readonly Entry[]): Promise<Appended> {
    return this.#writer.append(entries)
  }

  async *read(stream: string, from = 1, to = Number.MAX_SAFE_INTEGER): AsyncGenerator<StoredRecord> {
    const head = await this.#file.patiently(() => this.#head(stream))
    if (!head) return
    const end = Math.min(to, head.last)
    for (let next = Math.max(1, from); next <= end; ) {
      const page = await this.#file.patiently(() =>
        this.#file.all(
          'SELECT seq, at, data FROM records WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?',
          head.id,
          next,
          end,
          PAGE,
        ),
      )
      for (const row of page) {
        if (row.seq !== next) break
        yield parseRecord(stream, row)
        next++
      }
      if (next <= end && page.at(-1)?.seq !== next - 1) {
        // Removed meanwhile is an end, missing is damage.
        if ((await this.#file.patiently(() => this.#head(stream)))?.id !== head.id) return
        throw damaged(stream, next, 'is missing')
      }
      // Reading a long stream leaves others their turn.
      if (next <= end) await turn()
    }
  }

  async *follow(stream: string, from: number, signal: AbortSignal): AsyncGenerator<StoredRecord> {
    const ended = AbortSignal.any([signal, this.#closed.signal])
    let next = Math.max(1, from)
    try {
      while (!ended.aborted) {
        const { count } = this.#changes
        for await (const record of this.read(stream, next)) {
          if (ended.aborted) return
          next = record.seq + 1
          yield record
        }
        const changed = this.#changes.wait(stream, count, ended)
        this.#lookOut()
        await changed
      }
    } catch (error) {
      // Closing ends followers, also those just reading.
      if (!this.#closed.signal.aborted) throw error
    }
  }

  async list({ prefix, limit = Number.MAX_SAFE_INTEGER }: StreamQuery): Promise<readonly StreamInfo[]> {
    const rows = await this.#file.patiently(() =>
      this.#file.all(
        `SELECT name AS stream, last, created, updated FROM streams WHERE name >= ? AND name < ? ORDER BY id DESC LIMIT ?`,
        prefix,
        `${prefix}\u{10FFFF}`,
        limit,
      ),
    )
    return rows.map((row) => ({ ...row }) as unknown as StreamInfo)
  }

  async remove(run: string): Promise<void> {
    await this.#writer.settle()
    const file = this.#file
    await file.patiently(() =>
      file.transaction(() => {
        for (const stream of runStreams(run)) this.#delete(stream)
        this.blobs.drop(run)
      }),
    )
    await file.patiently(() => file.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)'))
  }

  async drop(stream: string): Promise<void> {
    await this.#file.patiently(() => this.#file.transaction(() => this.#delete(stream)))
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    clearTimeout(this.#look)
    await this.#writer.close()
    this.#file.close()
  }

  #delete(stream: string): void {
    this.#file.run('DELETE FROM records WHERE stream = (SELECT id FROM streams WHERE name = ?)', stream)
    this.#file.run('DELETE FROM streams WHERE name = ?', stream)
  }

  #head(stream: string): { readonly id: number; readonly last: number } | undefined {
    return this.#file.get('SELECT id, last FROM streams WHERE name = ?', stream) as
      | { id: number; last: number }
      | undefined
  }

  /** While anybody follows: looks for commits of other processes. */
  #lookOut(): void {
    if (this.#look || !this.#changes.awaited || this.#closed.signal.aborted) return
    const busy = performance.now() - this.#changedAt < BUSY_FOR_MS
    this.#look = setTimeout(() => void this.#compareVersion(), busy ? BUSY_LOOK_MS : IDLE_LOOK_MS)
  }

  /** `data_version` moves with commits of other connections alone. */
  async #compareVersion(): Promise<void> {
    const version = await this.#file.patiently(() => this.#file.number('PRAGMA data_version')).catch(() => undefined)
    this.#look = undefined
    // When even this fails, the followers are woken to meet the failure themselves.
    if (version === undefined || version !== this.#version) {
      this.#version = version ?? this.#version
      this.#changedAt = performance.now()
      this.#changes.announce()
    }
    this.#lookOut()
  }
}

function parseRecord(stream: string, { seq, at, data }: Readonly<Record<string, unknown>>): StoredRecord {
  try {
    return { seq: Number(seq), at: Number(at), data: JSON.parse(String(data)) }
  } catch {
    throw damaged(stream, Number(seq), 'cannot be parsed')
  }
}

function damaged(stream: string, seq: number, what: string): OrcError {
  return new OrcError({
    code: 'journal_damaged',
    message: `Record ${seq} of ${stream} ${what}.`,
    hint: 'Nothing after it is used. `runs doctor` checks the whole journal; restore it from a copy or remove this run.',
  })
}
