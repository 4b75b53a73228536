import type { Blob, BlobStore } from './journal.ts'
import type { SqliteFile } from './sqlite-file.ts'

interface Put {
  readonly run: string
  readonly sha256: string
  readonly blob: Blob
}

/** Blobs wait in memory until the next append commits them; each text is stored once and held by every run that put it. */
export class SqliteBlobs implements BlobStore {
  readonly #file: SqliteFile
  readonly #waiting = new Map<string, Put>()

  constructor(file: SqliteFile) {
    this.#file = file
  }

  put(run: string, sha256: string, blob: Blob): void {
    // SQLite would store other characters, and the digest would not match any more.
    if (!blob.text.isWellFormed() || !`${run}${sha256}${blob.salt}`.isWellFormed())
      throw new TypeError(`blob ${sha256} of ${run} is not well-formed text`)
    this.#waiting.set(nameOf(run, sha256), { run, sha256, blob })
  }

  async get(run: string, sha256: string): Promise<Blob | undefined> {
    const waiting = this.#waiting.get(nameOf(run, sha256))
    if (waiting) return waiting.blob
    const row = await this.#file.patiently(() =>
      this.#file.get(
        'SELECT salt, text FROM holds JOIN blobs USING (sha256) WHERE holds.run = ? AND holds.sha256 = ?',
        run,
        sha256,
      ),
    )
    return row && { salt: String(row.salt), text: String(row.text) }
  }

  /** Inside a transaction: writes what waits. The answer forgets it, to be called when the transaction is committed. */
  write(): () => void {
    const written = [...this.#waiting]
    for (const [, { run, sha256, blob }] of written) {
      this.#file.run('INSERT OR IGNORE INTO blobs (sha256, salt, text) VALUES (?, ?, ?)', sha256, blob.salt, blob.text)
      this.#file.run('INSERT OR IGNORE INTO holds (run, sha256) VALUES (?, ?)', run, sha256)
    }
    return () => {
      for (const [name, put] of written) if (this.#waiting.get(name) === put) this.#waiting.delete(name)
    }
  }

  /** Inside a transaction: lets go of all blobs of a run, and deletes those that nobody else holds. */
  drop(run: string): void {
    for (const [name, put] of this.#waiting) if (put.run === run) this.#waiting.delete(name)
    this.#file.run(
      `DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM holds WHERE run = ?)
         AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.sha256 = blobs.sha256 AND run <> ?)`,
      run,
      run,
    )
    this.#file.run('DELETE FROM holds WHERE run = ?', run)
  }
}

function nameOf(run: string, sha256: string): string {
  return `${sha256} ${run}`
}
