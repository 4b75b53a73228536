import { hash } from 'node:crypto'
import { OrcError, type Problem } from '../events/errors.ts'
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'

/** More findings of one kind than this are only counted. */
const SHOWN = 20

/**
 * Reads the whole file and lists what is wrong with it: SQLite's own check, records that cannot be parsed, gaps in numbering,
 * blobs that do not match their digest. It changes nothing; an empty list means sound. Hash chains are checked by verification.
 */
export async function checkSqliteFile(path: string): Promise<readonly Problem[]> {
  let file: SqliteFile | undefined
  try {
    const opened = await openSqliteFile({ path, read_only: true })
    file = opened
    // One transaction, so that all checks see the same state while others write.
    return await opened.patiently(() =>
      opened.snapshot(() => [checkPages, checkRecords, checkBlobs].flatMap((check) => limit(path, check(opened)))),
    )
  } catch (error) {
    if (error instanceof OrcError) return error.problems
    throw error
  } finally {
    file?.close()
  }
}

function* checkPages(file: SqliteFile): Iterable<string> {
  for (const { integrity_check: finding } of file.all(`PRAGMA integrity_check(${SHOWN})`))
    if (finding !== 'ok') yield `SQLite: ${String(finding)}.`
}

function* checkRecords(file: SqliteFile): Iterable<string> {
  let stream = ''
  let last = 0
  let due = 1
  const rows = file.iterate(
    `SELECT name, last, seq, iif(data IS NULL OR json_valid(data), NULL, 1) AS broken FROM streams
     LEFT JOIN records ON records.stream = streams.id ORDER BY streams.id, seq`,
  )
  for (const row of rows) {
    if (row.name !== stream) {
      yield* checkEnd({ stream, last, due })
      stream = String(row.name)
      last = Number(row.last)
      due = 1
    }
    if (row.seq === null) continue
    const seq = Number(row.seq)
    if (seq !== due) yield `Records ${due} to ${seq - 1} of ${stream} are missing.`
    if (row.broken) yield `Record ${seq} of ${stream} cannot be parsed.`
    due = seq + 1
  }
  yield* checkEnd({ stream, last, due })
  const strays = file.number('SELECT count(*) FROM records WHERE stream NOT IN (SELECT id FROM streams)')
  if (strays > 0) yield `${strays} records belong to no stream.`
}

function* checkEnd({ stream, last, due }: { stream: string; last: number; due: number }): Iterable<string> {
  if (stream && due <= last) yield `Records ${due} to ${last} of ${stream} are missing.`
  if (stream && due > last + 1) yield `The stream ${stream} has ${due - 1} records, but its head says ${last}.`
}

function* checkBlobs(file: SqliteFile): Iterable<string> {
  for (const { sha256, salt, text } of file.iterate('SELECT sha256, salt, text FROM blobs'))
    if (hash('sha256', `${salt}${text}`) !== sha256) yield `The content of blob ${sha256} does not match its digest.`
  for (const { run, sha256 } of file.iterate(
    'SELECT run, sha256 FROM holds WHERE sha256 NOT IN (SELECT sha256 FROM blobs)',
  ))
    yield `Blob ${sha256} of run ${run} is missing.`
}

function limit(path: string, findings: Iterable<string>): readonly Problem[] {
  const all = [...findings]
  const messages = all.slice(0, SHOWN)
  if (all.length > SHOWN) messages.push(`... and ${all.length - SHOWN} more of this kind.`)
  return messages.map((message) => ({
    code: 'journal_damaged',
    message,
    hint: 'Restore the journal from a copy, or remove the runs concerned.',
    file: path,
  }))
}
