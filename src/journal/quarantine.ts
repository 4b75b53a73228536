import { hash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Event } from '../events/event.ts'
import { digestContent, hashEvent, NO_HASH, valuesOf } from '../events/hash.ts'
import { openSqliteFile, type Row, type SqliteFile } from './sqlite-file.ts'

/** What stands from the first bad record of a run to its end. */
export interface Tail {
  readonly from: number
  /** Records that are there, unreadable ones included; the head may name more. */
  readonly records: number
  /** The first record after `from` that is sound: then the damage is in the middle, and nothing may be cut off. */
  readonly sound: number | undefined
}

const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** Looks at the records of a run from a bad one on. Changes nothing. */
export async function examineTail(path: string, run: string, from: number): Promise<Tail> {
  const file = await openSqliteFile({ path, read_only: true })
  try {
    return await file.patiently(() => file.snapshot(() => lookAt(file, run, from)))
  } finally {
    file.close()
  }
}

function lookAt(file: SqliteFile, run: string, from: number): Tail {
  let records = 0
  let sound: number | undefined
  let before: Event | undefined
  for (const row of rowsOf(file, run, from - 1)) {
    const event = parse(row)
    const seq = Number(row.seq)
    if (seq >= from) records += 1
    if (seq > from && sound === undefined && event && isSound(event, { seq, before })) sound = seq
    before = event
  }
  return { from, records, sound }
}

/**
 * Moves the records from `from` on out of the run and into a new file, one JSON line each; the run then ends before them.
 * They are cut off only when the file is on disk and they are still the last and none of them is sound. The caller holds
 * the run's lease. Throws the file system's error when the file exists or cannot be written.
 */
export async function quarantineTail(path: string, run: string, cut: { from: number; to: string }): Promise<Tail> {
  const file = await openSqliteFile({ path })
  try {
    const lines = await file.patiently(() => file.snapshot(() => [...rowsOf(file, run, cut.from)].map(writeLine)))
    await writeDurably(cut.to, lines)
    return await file.patiently(() =>
      file.transaction(() => cutOff(file, run, { from: cut.from, count: lines.length })),
    )
  } finally {
    file.close()
  }
}

function cutOff(file: SqliteFile, run: string, { from, count }: { from: number; count: number }): Tail {
  const tail = lookAt(file, run, from)
  if (tail.sound !== undefined || tail.records !== count)
    throw new Error(`the run ${run} has changed while its tail was moved aside`)
  const stream = `run/${run}`
  file.run('DELETE FROM records WHERE stream = (SELECT id FROM streams WHERE name = ?) AND seq >= ?', stream, from)
  file.run('UPDATE streams SET last = ? WHERE name = ?', from - 1, stream)
  return tail
}

async function writeDurably(to: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const out = await open(to, 'wx', 0o600)
  try {
    await out.writeFile(lines.map((line) => `${line}\n`).join(''))
    await out.sync()
  } finally {
    await out.close()
  }
}

function rowsOf(file: SqliteFile, run: string, from: number): Iterable<Row> {
  const sql = `SELECT seq, at, data, hex(data) AS hex FROM records
    WHERE stream = (SELECT id FROM streams WHERE name = ?) AND seq >= ? ORDER BY seq`
  return file.iterate(sql, `run/${run}`, from)
}

/** The stored text as it is; bytes that are no text are kept as hex. */
function writeLine({ seq, at, data, hex }: Row): string {
  const whole = Buffer.from(String(data)).toString('hex').toUpperCase() === hex
  return JSON.stringify({ seq: Number(seq), at: Number(at), ...(whole ? { data } : { hex }) })
}

function parse({ data }: Row): Event | undefined {
  try {
    return JSON.parse(String(data)) as Event
  } catch {
    return undefined
  }
}

/** Right in itself, and the next of the record before it, if that can be read. */
function isSound(event: Event, place: { readonly seq: number; readonly before: Event | undefined }): boolean {
  const prev = place.seq === 1 ? NO_HASH : place.before?.hash
  try {
    return (
      event.seq === place.seq &&
      (prev === undefined || event.prev === prev) &&
      hashEvent(event, sha256) === event.hash &&
      valuesOf(event).every(({ value }) => !value.inline || digestContent(value.inline, sha256) === value.sha256)
    )
  } catch {
    // Not even the shape of an event.
    return false
  }
}
