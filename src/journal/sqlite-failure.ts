import { OrcError } from '../events/errors.ts'

/** SQLite's primary result code of an error thrown by node:sqlite; undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** BUSY, LOCKED and PROTOCOL: another process is at it just now. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === 5 || code === 6 || code === 15
}

/** IOERR: after it nothing is known about what the disk kept, so nothing more may be written. */
export function isDiskBroken(error: unknown): boolean {
  return error instanceof OrcError && resultCode(error.cause) === 10
}

const REASONS: { readonly [code: number]: string } = {
  3: 'access to it is denied',
  8: 'it is read-only',
  10: 'the disk reported an error',
  13: 'the disk is full',
  14: 'it cannot be opened',
}

/** Turns what SQLite says about a file into our words; any other error (a bug of ours) passes unchanged. */
export function explainFailure(path: string, error: unknown): unknown {
  const code = resultCode(error)
  if (code === undefined) return error
  const failure = failureOf(path, code, error)
  failure.cause = error
  return failure
}

function failureOf(path: string, code: number, error: unknown): OrcError {
  const reason = REASONS[code]
  if (isBusy(error))
    return new OrcError({
      code: 'journal_busy',
      message: `The journal ${path} is locked by other processes.`,
      hint: 'Try again; if it stays locked, look for a hanging llm-orc process.',
      file: path,
    })
  if (reason)
    return new OrcError({
      code: 'journal_failed',
      message: `The journal ${path} cannot be used: ${reason}.`,
      hint: 'Check free space, permissions and the disk, then run it again: what was acknowledged is kept.',
      file: path,
    })
  if (code === 26) return unreadable(path, 'it is not a database')
  // The statements are fixed and tested, so whatever else SQLite finds wrong is wrong with the file.
  return unreadable(path, `it is corrupt (${String((error as Error).message)})`)
}

export function unreadable(path: string, why: string): OrcError {
  return new OrcError({
    code: 'journal_unreadable',
    message: `The journal ${path} cannot be read: ${why}.`,
    hint: 'Put back a copy of the file, or move it away to begin an empty journal; `runs doctor` lists what is wrong.',
    file: path,
  })
}
