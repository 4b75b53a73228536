import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import type { PinnedScript, ScriptSafety } from '../graph/script.ts'
import { TEXT_LIMIT } from './text-file.ts'

export type PinnedFile = Extract<PinnedScript, { type: 'file' }>

/** A script file, measured: what runs it, the digest of its bytes, and what its first lines say. */
export interface MeasuredScript {
  readonly pinned: PinnedFile
  readonly size: number
  /** Its doc-string or first comment. */
  readonly description?: string
}

const INTERPRETERS: { readonly [extension: string]: readonly string[] } = {
  '.py': ['python3'],
  '.sh': ['bash'],
  '.bash': ['bash'],
  '.rb': ['ruby'],
  '.js': ['NODE'],
  '.mjs': ['NODE'],
  '.cjs': ['NODE'],
  '.ts': ['NODE'],
}
export const SCRIPT_EXTENSIONS: readonly string[] = Object.keys(INTERPRETERS)

const HEADER_LINES = 20
const HEADER =
  /^\s*(?:#|\/\/|--|;|\*|\/\*+)\s*(Primitive|Input|Output|Depends|Safety|Interactive)\s*:\s*(.*?)\s*(?:\*\/)?\s*$/i
const ASKING_PRIMITIVES = /get_user_input|confirm_action/
const SAFETIES: readonly string[] = ['pure', 'idempotent', 'unsafe'] satisfies ScriptSafety[]

export interface MeasureOptions {
  /** As the ensemble wrote it. */
  readonly reference: string
  /** The Node program that runs JavaScript and TypeScript. */
  readonly node: string
}

/** Looks at a file; undefined when there is no regular file that may be read. */
export async function measureScript(path: string, options: MeasureOptions): Promise<MeasuredScript | undefined> {
  try {
    const info = await stat(path)
    if (!info.isFile()) return undefined
    const { sha256, text } = await readDigest(path, info.size)
    const extension = extname(path).toLowerCase()
    const header = readHeader(text)
    const safety = header['safety']?.toLowerCase()
    const description = readDescription(text)
    const asks =
      ASKING_PRIMITIVES.test(options.reference) ||
      /^(yes|true)$/i.test(header['interactive'] ?? '') ||
      (extension === '.py' && callsInput(text))
    const pinned: PinnedFile = {
      type: 'file',
      reference: options.reference,
      path,
      sha256,
      program: await chooseProgram(path, extension, options.node),
      ...(asks ? { interactive: true } : {}),
      ...(Object.keys(header).length > 0 ? { header } : {}),
      ...(safety !== undefined && SAFETIES.includes(safety) ? { safety: safety as ScriptSafety } : {}),
    }
    return { pinned, size: info.size, ...(description === undefined ? {} : { description }) }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return undefined
    throw error
  }
}

/** The digest of all bytes, and the text of files that are small enough to have been written by hand. */
async function readDigest(path: string, size: number): Promise<{ sha256: string; text: string }> {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    if (size <= TEXT_LIMIT) kept.push(chunk as Buffer)
  }
  return { sha256: hash.digest('hex'), text: Buffer.concat(kept).toString('utf8') }
}

async function chooseProgram(path: string, extension: string, node: string): Promise<readonly string[]> {
  const known = INTERPRETERS[extension]
  if (known) return known.map((word) => (word === 'NODE' ? node : word))
  return access(path, constants.X_OK).then(
    () => [],
    () => ['bash'],
  )
}

/** The `Key: value` comments of the first lines, with keys in lower case. */
function readHeader(text: string): { readonly [key: string]: string } {
  const header: { [key: string]: string } = {}
  for (const line of text.split(/\r?\n/, HEADER_LINES)) {
    const [, key, value] = HEADER.exec(line) ?? []
    if (key && value) header[key.toLowerCase()] ??= value
  }
  return header
}

// Shebang, coding line and header comments may stand before a doc-string.
const DOC_STRING = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*[rRuU]?("""|''')([\s\S]*?)\1/
const DOC_COMMENT = /^(?:[ \t]*(?:(?:#|\/\/)[^\n]*)?\r?\n)*[ \t]*\/\*\*?([\s\S]*?)\*\//
const COMMENT_LINES = /^((?:[ \t]*(?:#|\/\/)[^\n]*(?:\n|$))+)/

function readDescription(text: string): string | undefined {
  const body = text.slice(0, 16_384).replace(/^#![^\n]*\n?/, '')
  const raw = DOC_STRING.exec(body)?.[2] ?? DOC_COMMENT.exec(body)?.[1] ?? COMMENT_LINES.exec(body)?.[1]
  const lines = raw
    ?.split(/\r?\n/)
    .filter((line) => !HEADER.test(line))
    .map((line) => line.replace(/^\s*(?:#|\/\/|\*)?\s?/, '').trimEnd())
  const description = lines?.join('\n').trim()
  return description ? description : undefined
}

/** Does Python text call `input(...)`, outside of comments and strings over several lines? */
function callsInput(text: string): boolean {
  const code = text.replace(/("""|''')[\s\S]*?\1/g, '""').replace(/^\s*#.*$/gm, '')
  return /(?<![\w.])(?:builtins\.)?input\s*\(/.test(code) && !/^\s*def\s+input\s*\(/m.test(code)
}
