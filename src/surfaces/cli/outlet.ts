import { OrcError } from '../../events/errors.ts'

/** Standard output on its way to a reader who may leave (`| head -1`). */
export interface Outlet {
  readonly isTTY: boolean
  readonly columns: number
  /** Fires when nobody reads any more. */
  readonly closed: AbortSignal
  /** Resolves when the text is with the system, or nobody reads. Throws OrcError `output_failed` for a full disk and its like. */
  write(text: string): Promise<void>
}

export function openOutlet(stream: NodeJS.WriteStream): Outlet {
  const closed = new AbortController()
  let failed: NodeJS.ErrnoException | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EOF') failed = error
    closed.abort()
  })
  return {
    isTTY: stream.isTTY === true,
    // A terminal of unknown size says 0.
    columns: stream.columns || 80,
    closed: closed.signal,
    write: async (text) => {
      if (text === '') return
      if (!closed.signal.aborted) {
        await new Promise<void>((resolve) => {
          // The 'error' event, which says why, comes after the callback.
          stream.write(text, (error) => (error ? setImmediate(resolve) : resolve()))
        })
      }
      if (failed)
        throw new OrcError({ code: 'output_failed', message: `the result could not be written: ${failed.message}` })
    },
  }
}
