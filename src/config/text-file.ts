import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Problem } from '../events/errors.ts'

/** Files that people write by hand are smaller than this; anything larger is refused unread. */
export const TEXT_LIMIT = 1024 * 1024

export type TextFile =
  | { readonly found: true; readonly text: string; readonly bytes: Uint8Array }
  | { readonly found: false; readonly problem?: Problem }

const ABSENT = new Set(['ENOENT', 'ENOTDIR'])

/** Reads a regular UTF-8 file. A file that is not there is no problem; one that is there and cannot be used is. */
export async function readTextFile(file: string): Promise<TextFile> {
  const refuse = (message: string, hint: string): TextFile => ({
    found: false,
    problem: { code: 'file_unreadable', message: `${file} ${message}`, hint, file },
  })
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    await using handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const info = await handle.stat()
    if (!info.isFile()) return refuse('is not a regular file', 'Replace it by a file, or remove it.')
    if (info.size > TEXT_LIMIT) return refuse(`is larger than ${TEXT_LIMIT} bytes`, 'Split it, or move it elsewhere.')
    const bytes = await handle.readFile()
    return { found: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bytes }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (ABSENT.has(code)) return { found: false }
    if (error instanceof TypeError && code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return refuse('is not UTF-8 text', 'Save it as UTF-8.')
    if (error instanceof Error && 'syscall' in error)
      return refuse(`cannot be read (${code})`, 'Check its owner and its rights.')
    throw error
  }
}
