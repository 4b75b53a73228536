import { hash } from 'node:crypto'
import { renameSync, statSync } from 'node:fs'
import { OrcError } from '../events/errors.ts'
import type { CacheQuestion, KeptAnswer } from '../events/kept-answer.ts'
import { explainFailure } from './sqlite-failure.ts'
import { createPrivately, type Param, SqliteFile } from './sqlite-file.ts'

export interface CacheOptions {
  readonly path: string
  /** The least recently used answers go when the file would grow beyond it. */
  readonly max_bytes: number
  /** ms UTC. */
  readonly clock?: () => number
  /** ms to keep trying while other processes hold the lock; after that the cache has no answer. */
  readonly wait_ms?: number
}

/** Answers of one kind, of one source, made for one target. */
export interface CacheShare {
  readonly kind: KeptAnswer['kind']
  readonly source: string
  readonly target: string
  readonly answers: number
  readonly bytes: number
  readonly hits: number
  /** Nano-dollars that the hits would have cost, as far as it is known. */
  readonly saved: number
}

/** `application_id` of our caches ("orcc"). */
const APPLICATION = 0x6f726363
/** A cache of another version is of no use and is begun anew. */
const SCHEMA_VERSION = 1
/** ms one statement may block the event loop on a lock. */
const BLOCK_MS = 5
const EVICTED_AT_ONCE = 32

const SCHEMA = `
  CREATE TABLE answers (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    made INTEGER NOT NULL, used INTEGER NOT NULL, hits INTEGER NOT NULL, cost INTEGER NOT NULL,
    bytes INTEGER NOT NULL, sum TEXT NOT NULL, data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX answers_by_key ON answers (key, made);
  CREATE INDEX answers_by_use ON answers (used);
  CREATE TABLE given (
    run TEXT NOT NULL, answer INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE, step TEXT NOT NULL,
    PRIMARY KEY (run, answer)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX given_by_answer ON given (answer);
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

const FREE = `SELECT id, data, sum FROM answers WHERE key = ? AND made >= ?
  AND NOT EXISTS (SELECT 1 FROM given WHERE answer = id AND run = ? AND step <> ?) ORDER BY made DESC, id DESC LIMIT 1`

/**
 * Kept answers in a file of their own, which several processes share. Nothing in it is needed: a file that is damaged is moved aside, one
 * that cannot be used has no answers, and no failure of it reaches a run. Each answer is given to at most one step of a run.
 */
export class AnswerCache {
  readonly #options: Required<CacheOptions>
  #file: Promise<OpenFile> | undefined

  constructor({ clock = Date.now, wait_ms = 2_000, ...options }: CacheOptions) {
    this.#options = { clock, wait_ms, ...options }
  }

  get max_bytes(): number {
    return this.#options.max_bytes
  }

  /** The newest answer that serves and is free, counted as given to this step; undefined when there is none, or no cache. */
  async find({ key, since, run, step }: CacheQuestion): Promise<KeptAnswer | undefined> {
    const now = this.#options.clock()
    const find = (file: SqliteFile): KeptAnswer | undefined => {
      for (;;) {
        const row = file.get(FREE, key, since, run, step)
        if (!row) return undefined
        const [id, data] = [Number(row.id), String(row.data)]
        if (digest(data) === row.sum) {
          file.run('UPDATE answers SET hits = hits + 1, used = max(used, ?) WHERE id = ?', now, id)
          give(file, { run, step, id })
          return JSON.parse(data) as KeptAnswer
        }
        file.run('DELETE FROM answers WHERE id = ?', id)
      }
    }
    return this.#inTransaction(find).catch(() => undefined)
  }

  /** Keeps an answer, as given to the step that asked; too large ones are not kept, and none that the file has no place for. */
  async keep(answer: KeptAnswer): Promise<void> {
    const { max_bytes } = this.#options
    const { key, kind, source, target, made, cost = 0, run, step } = answer
    const data = JSON.stringify(answer)
    const bytes = Buffer.byteLength(data)
    if (bytes > max_bytes / 8) return
    const params: Param[] = [key, kind, source, target, made, made, cost, bytes, digest(data), data]
    const insert = `INSERT INTO answers (key, kind, source, target, made, used, hits, cost, bytes, sum, data)
      VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`
    await this.#inTransaction((file) => {
      give(file, { run, step, id: file.run(insert, ...params).id })
      evict(file, max_bytes)
    }).catch(() => {})
  }

  /** A run is over: what it was given need not be known any more. */
  async forgetRun(run: string): Promise<void> {
    await this.#inTransaction((file) => void file.run('DELETE FROM given WHERE run = ?', run)).catch(() => {})
  }

  /** What is in it. Throws OrcError when it cannot be read. */
  describe(): Promise<readonly CacheShare[]> {
    const sql = `SELECT kind, source, target, count(*) AS answers, sum(bytes) AS bytes, sum(hits) AS hits,
      sum(hits * cost) AS saved FROM answers GROUP BY kind, source, target ORDER BY hits DESC, bytes DESC`
    return this.#inTransaction((file) => file.all(sql).map((row) => ({ ...row }) as unknown as CacheShare))
  }

  /** Removes answers, all or those made before a time or of one model; how many there were. Throws OrcError when it cannot be written. */
  async clear({ before, model }: { readonly before?: number; readonly model?: string } = {}): Promise<number> {
    const made = before ?? Number.MAX_SAFE_INTEGER
    const named =
      model === undefined ? '' : ` AND kind = 'model' AND (source = ? OR substr(source, instr(source, '/') + 1) = ?)`
    const params = model === undefined ? [made] : [made, model, model]
    const removed = await this.#inTransaction((file) => {
      file.run(`DELETE FROM answers WHERE made < ?${named}`, ...params)
      return file.number('SELECT changes()')
    })
    await this.#patiently((file) => file.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)'))
    return removed
  }

  async close(): Promise<void> {
    const open = await this.#file?.catch(() => undefined)
    this.#file = undefined
    open?.file.close()
  }

  #inTransaction<T>(work: (file: SqliteFile) => T): Promise<T> {
    return this.#patiently((file) => file.transaction(() => work(file)))
  }

  /** A damaged file is moved aside once; the work is then done on a new one. */
  async #patiently<T>(work: (file: SqliteFile) => T): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      this.#file ??= openFile(this.#options)
      const opening = this.#file
      try {
        const { file } = await opening
        return await file.patiently(() => work(file))
      } catch (error) {
        const open = await opening.catch(() => undefined)
        if (open && !isDamage(error)) throw explain(this.#options.path, error)
        if (this.#file === opening) {
          this.#file = undefined
          open?.file.close()
        }
        if (!isDamage(error) || tries > 1) throw explain(this.#options.path, error)
        moveAside(this.#options, open?.inode)
      }
    }
  }
}

interface OpenFile {
  readonly file: SqliteFile
  readonly inode: number
}

async function openFile({ path, wait_ms }: Required<CacheOptions>): Promise<OpenFile> {
  const { DatabaseSync } = await import('node:sqlite')
  let file: SqliteFile | undefined
  try {
    createPrivately(path)
    const made = new SqliteFile(new DatabaseSync(path, { timeout: BLOCK_MS }), path, wait_ms)
    file = made
    await made.patiently(() => prepare(made))
    return { file: made, inode: statSync(path).ino }
  } catch (error) {
    file?.close()
    throw explainFailure(path, error)
  }
}

function prepare(file: SqliteFile): void {
  const state = () =>
    file.get(`SELECT application_id AS application, user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables
      FROM pragma_application_id, pragma_user_version`) as { application: number; version: number; tables: number }
  const { application, tables } = state()
  if (application !== APPLICATION && (application !== 0 || tables > 0))
    throw refuse(file.path, 'it belongs to another program')
  if (application !== APPLICATION) file.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
  // An answer that a crash takes is asked for again.
  file.exec('PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON')
  file.transaction(() => {
    const { version } = state()
    if (version === SCHEMA_VERSION) return
    if (version > SCHEMA_VERSION) throw refuse(file.path, 'a newer version of this program wrote it')
    file.exec(SCHEMA)
  })
}

function give(
  file: SqliteFile,
  { run, step, id }: { readonly run: string; readonly step: string; readonly id: number },
): void {
  file.run('INSERT OR IGNORE INTO given (run, answer, step) VALUES (?, ?, ?)', run, id, step)
}

/** What lies in the file, free pages aside, is at most `max_bytes` after it. */
function evict(file: SqliteFile, max_bytes: number): void {
  const size =
    'SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size'
  while (file.number(size) > max_bytes) {
    file.run(`DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY used, id LIMIT ${EVICTED_AT_ONCE})`)
    if (file.number('SELECT changes()') === 0) return
  }
}

/** SQLite cannot make sense of what it read. Another process may have moved it already: then only the new one lies there. */
function moveAside({ path, clock }: Required<CacheOptions>, inode: number | undefined): void {
  const found = statSync(path, { throwIfNoEntry: false })?.ino
  if (found === undefined || (inode !== undefined && found !== inode)) return
  const aside = `${path}.damaged-${clock()}`
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      renameSync(`${path}${suffix}`, `${aside}${suffix}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof OrcError && error.code === 'journal_unreadable'
}

function explain(path: string, error: unknown): unknown {
  if (!(error instanceof OrcError) || error.code === 'cache_unusable') return error
  const refusal = refuse(
    path,
    error.code === 'journal_busy' ? 'other processes hold it' : 'its file cannot be read or written',
  )
  refusal.cause = error
  return refusal
}

function refuse(path: string, why: string): OrcError {
  return new OrcError({
    code: 'cache_unusable',
    message: `The cache ${path} cannot be used: ${why}.`,
    hint: 'Runs go on without it. Move the file away to begin a new one.',
    file: path,
  })
}

function digest(data: string): string {
  return hash('sha256', data, 'hex')
}
