import { setImmediate as turn } from 'node:timers/promises'
import { checkEntries, expectedNumber } from './entries.ts'
import type { Appended, Entry } from './journal.ts'
import type { SqliteBlobs } from './sqlite-blobs.ts'
import { isDiskBroken } from './sqlite-failure.ts'
import type { SqliteFile } from './sqlite-file.ts'

/** Records of one transaction, beyond which waiting appends go into the next: a bound on how long one blocks. */
const TRANSACTION_LIMIT = 5_000

interface Asked {
  readonly entries: readonly {
    readonly stream: string
    readonly expected: number | undefined
    readonly texts: string[]
  }[]
  readonly records: number
  resolve(answer: Appended): void
  reject(error: unknown): void
}

interface Head {
  id: number
  last: number
}

/**
 * Group commit: all appends asked for in one turn of the event loop share one synced transaction, in the order of the calls.
 * Each has its own guards and its own answer; guards are checked before anything of that append is inserted.
 */
export class SqliteWriter {
  readonly #file: SqliteFile
  readonly #blobs: SqliteBlobs
  readonly #announce: (stream: string) => void
  #queue: Asked[] = []
  #writing: Promise<void> | undefined
  #closed = false
  /** Set after the disk failed: nothing more is written through this connection. */
  #broken: unknown

  constructor(file: SqliteFile, blobs: SqliteBlobs, announce: (stream: string) => void) {
    this.#file = file
    this.#blobs = blobs
    this.#announce = announce
  }

  async append(entries: readonly Entry[]): Promise<Appended> {
    if (this.#closed) throw new Error('the journal is closed')
    checkEntries(entries)
    let records = 0
    const asked = entries.map((entry) => {
      records += entry.records.length
      return { stream: entry.stream, expected: expectedNumber(entry), texts: entry.records.map(writeJson) }
    })
    const answer = new Promise<Appended>((resolve, reject) => {
      this.#queue.push({ entries: asked, records, resolve, reject })
    })
    this.#writing ??= this.#write()
    return answer
  }

  /** Resolves when no append waits any more. */
  async settle(): Promise<void> {
    await this.#writing
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      await turn()
      let group: readonly Asked[] = []
      try {
        if (this.#broken) throw this.#broken
        const answers = await this.#file.patiently(() => {
          group = this.#takeGroup()
          return this.#commit(group)
        })
        for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Appended)
      } catch (error) {
        if (isDiskBroken(error)) this.#broken = error
        for (const { reject } of group.length > 0 ? group : (group = [...this.#queue])) reject(error)
      }
      this.#queue.splice(0, group.length)
    }
    this.#writing = undefined
  }

  #takeGroup(): readonly Asked[] {
    let records = 0
    const end = this.#queue.findIndex((asked) => (records += asked.records) > TRANSACTION_LIMIT)
    return end < 0 ? [...this.#queue] : this.#queue.slice(0, Math.max(1, end))
  }

  #commit(group: readonly Asked[]): readonly Appended[] {
    const grown = new Set<string>()
    let forget: (() => void) | undefined
    const answers = this.#file.transaction(() => {
      const heads = new Map<string, Head>()
      const at = Date.now()
      const done = group.map((asked) => this.#apply(asked, at, heads))
      for (const [index, { entries }] of group.entries())
        if (done[index]?.ok) for (const { stream, texts } of entries) if (texts.length > 0) grown.add(stream)
      if (done.some(({ ok }) => ok)) forget = this.#blobs.write()
      return done
    })
    forget?.()
    for (const stream of grown) this.#announce(stream)
    return answers
  }

  #apply({ entries }: Asked, at: number, heads: Map<string, Head>): Appended {
    for (const { stream, expected } of entries) {
      const actual = this.#head(stream, heads).last
      if (expected !== undefined && expected !== actual) return { ok: false, stream, actual }
    }
    const last: Record<string, number> = {}
    for (const { stream, texts } of entries) {
      const head = this.#head(stream, heads)
      if (texts.length > 0) this.#insert(stream, head, { at, texts })
      last[stream] = head.last
    }
    return { ok: true, last }
  }

  #head(stream: string, heads: Map<string, Head>): Head {
    let head = heads.get(stream)
    if (!head) {
      const row = this.#file.get('SELECT id, last FROM streams WHERE name = ?', stream)
      heads.set(stream, (head = { id: Number(row?.id ?? 0), last: Number(row?.last ?? 0) }))
    }
    return head
  }

  #insert(stream: string, head: Head, { at, texts }: { readonly at: number; readonly texts: readonly string[] }): void {
    const last = head.last + texts.length
    if (head.id === 0)
      head.id = this.#file.run(
        'INSERT INTO streams (name, last, created, updated) VALUES (?, ?, ?, ?)',
        stream,
        last,
        at,
        at,
      ).id
    else this.#file.run('UPDATE streams SET last = ?, updated = ? WHERE id = ?', last, at, head.id)
    for (const text of texts)
      this.#file.run('INSERT INTO records (stream, seq, at, data) VALUES (?, ?, ?, ?)', head.id, ++head.last, at, text)
  }
}

/** At the call, so that later changes of the object are not written. */
function writeJson(record: unknown): string {
  const text = JSON.stringify(record)
  if (text === undefined) throw new Error('a record is not JSON')
  return text
}
