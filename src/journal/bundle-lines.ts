import { OrcError } from '../events/errors.ts'
import { BUNDLE_LIMITS } from './bundle.ts'

/** One line of a bundle, without its newline. */
export interface BundleLine {
  /** From 1. */
  readonly number: number
  /** Of its first byte, in the file. */
  readonly offset: number
  readonly bytes: Uint8Array
  /** Empty when the bytes are not UTF-8. */
  readonly text: string
}

const NEWLINE = 10

/** Cuts bytes into lines. Throws OrcError for what is too large or not ended by a newline. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  start: { readonly number: number; readonly offset: number } = { number: 1, offset: 0 },
): AsyncGenerator<BundleLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let { number, offset } = start
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const bytes = join([...parts, chunk.subarray(from, end)], held + end - from)
      yield { number, offset, bytes, text: decode(decoder, bytes) }
      number += 1
      offset += bytes.length + 1
      from = end + 1
      parts = []
      held = 0
    }
    if (from < chunk.length) parts.push(chunk.slice(from))
    held += chunk.length - from
    if (held > BUNDLE_LIMITS.line || offset + held > BUNDLE_LIMITS.bytes) throw tooLarge(number)
  }
  if (held > 0) throw damagedBundle(number, 'the file breaks off in the middle of it')
}

/** A fault of a bundle, with its line. */
export function damagedBundle(line: number, what: string): OrcError {
  const message = `line ${line} of the bundle: ${what}`
  return new OrcError({
    code: 'bundle_damaged',
    message,
    line,
    hint: 'Nothing of it was used. Export or fetch it again.',
  })
}

function tooLarge(line: number): OrcError {
  const message = `the bundle is larger than bundles may be (256 MiB, 64 MiB a line; line ${line})`
  return new OrcError({ code: 'bundle_too_large', message, line })
}

function decode(decoder: { decode(bytes: Uint8Array): string }, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return ''
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
