import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { OrcError } from '../events/errors.ts'
import { explainFailure, isBusy, unreadable } from './sqlite-failure.ts'

export type Param = string | number
export type Row = Readonly<Record<string, unknown>>

/** `application_id` of our files ("orcj"), so that another program's database is never taken for ours. */
const APPLICATION = 0x6f72636a
const SCHEMA_VERSION = 1

/** ms one statement may block the event loop on a lock; beyond it the work is tried again later, asynchronously. */
const BLOCK_MS = 5
const LONGEST_PAUSE_MS = 50

const SCHEMA = `
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE records (
    stream INTEGER NOT NULL REFERENCES streams (id), seq INTEGER NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE blobs (sha256 TEXT NOT NULL UNIQUE, salt TEXT NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE holds (run TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (run, sha256)) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_by_blob ON holds (sha256);
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

export interface SqliteFileOptions {
  readonly path: string
  /** ms to keep trying while other processes hold the lock. */
  readonly wait_ms?: number
  /** Only look: nothing is created, no schema written. */
  readonly read_only?: boolean
}

/** Opens the file, makes it if it is not there, and checks its version; it scans nothing. Throws `OrcError`. */
export async function openSqliteFile(options: SqliteFileOptions): Promise<SqliteFile> {
  const { path, wait_ms = 30_000, read_only = false } = options
  const { DatabaseSync } = await import('node:sqlite')
  let file: SqliteFile | undefined
  try {
    if (!read_only) createPrivately(path)
    file = new SqliteFile(new DatabaseSync(path, { timeout: BLOCK_MS, readOnly: read_only }), path, wait_ms)
    await prepareSchema(file, read_only)
    return file
  } catch (error) {
    file?.close()
    throw explainFailure(path, error)
  }
}

/**
 * Only a file that does not exist is opened here: closing any other handle of a database in use would drop the locks
 * that SQLite holds on it in this process.
 */
export function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    throw new OrcError({
      code: 'journal_failed',
      message: `The journal ${path} cannot be created (${code}).`,
      hint: 'Check that the folder exists, is writable and has free space.',
      file: path,
    })
  }
}

async function prepareSchema(file: SqliteFile, readOnly: boolean): Promise<void> {
  if ((await file.patiently(() => schemaState(file))) === 'ours') {
    if (!readOnly) await file.patiently(() => file.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON'))
    return
  }
  if (readOnly) throw unreadable(file.path, 'it is empty')
  await file.patiently(() => {
    file.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
    file.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    file.transaction(() => {
      if (schemaState(file) === 'empty') file.exec(SCHEMA)
    })
  })
}

function schemaState(file: SqliteFile): 'empty' | 'ours' {
  const { path } = file
  // One statement sees one state, even while another process is just writing the schema.
  const { application, version, tables } = file.get(
    `SELECT application_id AS application, user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables
     FROM pragma_application_id, pragma_user_version`,
  ) as { application: number; version: number; tables: number }
  if (application === APPLICATION && version === SCHEMA_VERSION) return 'ours'
  if (application === APPLICATION && version > SCHEMA_VERSION)
    throw new OrcError({
      code: 'journal_newer',
      message: `The journal ${path} has version ${version}; this program knows version ${SCHEMA_VERSION}.`,
      hint: 'Use the newer llm-orchestrator that wrote it, or another data folder.',
      file: path,
    })
  if (application !== 0 || version !== 0 || tables > 0) throw unreadable(path, 'it is a database of another program')
  return 'empty'
}

/** One open database: cached statements, checked parameters, patience with other processes. */
export class SqliteFile {
  readonly path: string
  readonly wait_ms: number
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, path: string, waitMs: number) {
    this.#db = db
    this.path = path
    this.wait_ms = waitMs
  }

  all(sql: string, ...params: readonly Param[]): Row[] {
    return this.#prepare(sql, params).all(...params)
  }

  iterate(sql: string, ...params: readonly Param[]): Iterable<Row> {
    return this.#prepare(sql, params).iterate(...params)
  }

  get(sql: string, ...params: readonly Param[]): Row | undefined {
    return this.#prepare(sql, params).get(...params)
  }

  /** The one number a query answers with. */
  number(sql: string, ...params: readonly Param[]): number {
    return Number(Object.values(this.get(sql, ...params) ?? {})[0])
  }

  run(sql: string, ...params: readonly Param[]): { readonly id: number } {
    return { id: Number(this.#prepare(sql, params).run(...params).lastInsertRowid) }
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  /** All of `work` or nothing; no other process writes meanwhile. */
  transaction<T>(work: () => T): T {
    return this.#within('BEGIN IMMEDIATE', work)
  }

  /** `work` sees one state of the file, whatever others write meanwhile. */
  snapshot<T>(work: () => T): T {
    return this.#within('BEGIN', work)
  }

  /** Tries again, with random pauses, while other processes hold the lock. Throws failures of the file as `OrcError`. */
  async patiently<T>(work: () => T): Promise<T> {
    const deadline = performance.now() + this.wait_ms
    for (let longest = 2; ; longest = Math.min(longest * 2, LONGEST_PAUSE_MS)) {
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw explainFailure(this.path, error)
      }
      await sleep(Math.random() * longest)
    }
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  #within<T>(begin: string, work: () => T): T {
    this.run(begin)
    try {
      const result = work()
      this.run('COMMIT')
      return result
    } catch (error) {
      // SQLite has already rolled back after some errors (a full disk for one).
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #prepare(sql: string, params: readonly Param[]): StatementSync {
    for (const param of params) checkParam(param)
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

/** node:sqlite takes an object in front as named parameters, and stores NaN (on newer versions `undefined` too) as NULL. */
function checkParam(param: unknown): void {
  if (typeof param === 'string' ? !param.isWellFormed() : !Number.isSafeInteger(param))
    throw new TypeError(`not a well-formed string or safe integer: ${String(param).slice(0, 40)}`)
}
