import { fstatSync } from 'node:fs'
import { OrcError } from '../../events/errors.ts'

/** Bytes; more is a file to be named, not something to be typed. */
const INPUT_LIMIT = 10 * 1024 * 1024
const PATIENCE_MS = 3000

/**
 * How standard input is read. `asked`: `-` was given, so it is read whatever it is. `missing`: there is no other input; a
 * pipe, file or socket is read to its end. `extra`: there is something to do without it; a pipe that says nothing at all
 * for three seconds is left alone.
 */
export type Need = 'asked' | 'missing' | 'extra'

/**
 * What was piped in, or undefined: a terminal, /dev/null, nothing. `onSilence` is told once when nothing has come for a
 * while. Throws OrcError `bad_input` for more than `INPUT_LIMIT` and for what is not UTF-8 text.
 */
export async function readPipedInput(need: Need, onSilence: () => void): Promise<string | undefined> {
  if (need !== 'asked' && !hasPipedInput()) return undefined
  const bytes = await collect(need, onSilence)
  return bytes && bytes.length > 0 ? readText(bytes) : undefined
}

/** Only what somebody connected on purpose: a closed standard input is /dev/null to us. */
function hasPipedInput(): boolean {
  try {
    const stat = fstatSync(0)
    return stat.isFIFO() || stat.isFile() || stat.isSocket()
  } catch {
    return false
  }
}

async function collect(need: Need, onSilence: () => void): Promise<Buffer | undefined> {
  const { stdin } = process
  const chunks: Buffer[] = []
  let size = 0
  let gaveUp = false
  const patience = setTimeout(() => {
    if (need === 'extra') {
      gaveUp = true
      stdin.destroy()
    }
    onSilence()
  }, PATIENCE_MS)
  try {
    for await (const chunk of stdin) {
      clearTimeout(patience)
      chunks.push(chunk as Buffer)
      size += (chunk as Buffer).length
      if (size > INPUT_LIMIT) {
        stdin.destroy()
        throw refuse('standard input holds more than 10 MiB', 'Give a file with --input-file, or less.')
      }
    }
  } catch (error) {
    if (!gaveUp)
      throw error instanceof OrcError ? error : refuse(`standard input cannot be read: ${(error as Error).message}`)
  } finally {
    clearTimeout(patience)
  }
  return gaveUp ? undefined : Buffer.concat(chunks)
}

/** As `$(...)` in a shell: the line end that `echo` adds is not part of the input. */
function readText(bytes: Buffer): string {
  try {
    if (bytes.includes(0)) throw new TypeError('NUL')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw refuse(
      'standard input is not UTF-8 text',
      'Binary files cannot be an input; name them in the ensemble instead.',
    )
  }
}

function refuse(message: string, hint?: string): OrcError {
  return new OrcError({ code: 'bad_input', message, ...(hint === undefined ? {} : { hint }) })
}
