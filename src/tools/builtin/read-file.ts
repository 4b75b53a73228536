import type { FileHandle } from 'node:fs/promises'
import { describeError, findPlace, openPlace, type Refused } from '../fence.ts'
import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'

/** The largest file that is read, and the longest part of it that is answered. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_CHARACTERS = 50_000

export const readFileTool: Builtin = {
  name: 'read_file',
  version: '1.0.0',
  description:
    'Reads a UTF-8 text file of the project, whole or some lines of it. At most 50000 characters come back at once; ask for the following lines with first_line.',
  input_schema: objectSchema(
    {
      path: { type: 'string', description: 'From the project folder on.' },
      first_line: { type: 'integer', minimum: 1, description: 'The first line wanted; usually 1.' },
      lines: { type: 'integer', minimum: 1, description: 'How many lines; usually all.' },
    },
    ['path'],
  ),
  output_schema: objectSchema(
    {
      path: { type: 'string' },
      content: { type: 'string' },
      first_line: { type: 'integer' },
      lines: { type: 'integer' },
      total_lines: { type: 'integer' },
      truncated: { type: 'boolean' },
    },
    ['path', 'content', 'first_line', 'lines', 'total_lines', 'truncated'],
  ),
  safety: 'pure',
  permissions: { read: ['**'] },
  async run(args, { cwd }, { open, closed }) {
    const { path, first_line = 1, lines } = args as { path: string; first_line?: number; lines?: number }
    const place = await findPlace(path, { cwd, more: open.read, closed: closed.read, purpose: 'read' })
    if (!place.ok) return place
    const read = await readPlaceText(place)
    if (!read.ok) return read
    const all = splitLines(read.text)
    if (first_line > Math.max(all.length, 1))
      return failBuiltin('bad_input', `${place.shown} has only ${all.length} lines`)
    const wanted = all.slice(first_line - 1, lines === undefined ? undefined : first_line - 1 + lines)
    const kept = keepWithin(wanted)
    const output = {
      path: place.shown,
      content: kept.content,
      first_line,
      lines: kept.lines,
      total_lines: all.length,
      truncated: kept.lines < wanted.length || kept.cut,
    }
    return { ok: true, output }
  },
}

type TextRead = { readonly ok: true; readonly text: string; readonly mode: number } | Refused

/** The text of a file, and its rights. Refuses folders, devices, what is too large, and what is no UTF-8. */
export async function readPlaceText(place: Parameters<typeof openPlace>[0]): Promise<TextRead> {
  const handle = await openPlace(place)
  if ('ok' in handle) return handle
  try {
    return await readHandle(handle, place.shown)
  } catch (error) {
    return describeError(place.shown, error)
  } finally {
    await handle.close()
  }
}

async function readHandle(handle: FileHandle, shown: string): Promise<TextRead> {
  const info = await handle.stat()
  if (!info.isFile()) return failBuiltin('file_unreadable', `${shown} is no file`)
  if (info.size > MAX_BYTES) return failBuiltin('file_unreadable', `${shown} is larger than ${MAX_BYTES} bytes`)
  const text = decodeText(await handle.readFile())
  if (text === undefined) return failBuiltin('file_unreadable', `${shown} is not UTF-8 text`)
  return { ok: true, text, mode: info.mode & 0o777 }
}

/** Undefined for what is no text. A mark at the front stays, so that writing it back changes nothing. */
function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Lines without their ends; a line end at the end begins no further line. */
function splitLines(text: string): readonly string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function keepWithin(lines: readonly string[]) {
  let characters = 0
  const kept = lines.findIndex((line) => {
    characters += line.length + 1
    return characters > MAX_CHARACTERS
  })
  if (kept === -1) return { content: lines.join('\n'), lines: lines.length, cut: false }
  if (kept > 0) return { content: lines.slice(0, kept).join('\n'), lines: kept, cut: false }
  // One line alone is too long.
  return { content: (lines[0] as string).slice(0, MAX_CHARACTERS).toWellFormed(), lines: 1, cut: true }
}
