import { randomBytes } from 'node:crypto'
import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Document, isMap, isScalar, parseDocument, visit, type YAMLMap } from 'yaml'
import { OrcError } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { parseYaml } from '../graph/yaml.ts'

/**
 * The text after an edit, with comments, order and all else as they were. `file` is only named, and its ending says whether it is JSON.
 * Throws OrcError when the text is broken: that is never touched.
 */
export function editYaml(text: string, file: string, edit: (document: Document) => void): string {
  const { problems } = parseYaml(text, file)
  if (problems.length > 0) throw new OrcError(problems)
  const document = text === '' ? new Document({}) : parseDocument(text, { version: '1.2', keepSourceTokens: true })
  if (!document.contents) document.contents = document.createNode({}) as never
  edit(document)
  const written = file.endsWith('.json')
    ? `${JSON.stringify(document.toJS(), null, 2)}\n`
    : render(document, findStyle(text))
  return requireReadable(written, file)
}

/** A new file. Throws OrcError when nobody could read it: some characters can stand in no such file. */
export function printYaml(data: JsonObject): string {
  const document = new Document(data, { version: '1.2', aliasDuplicateObjects: false })
  return requireReadable(render(document, {}), 'the new file')
}

/** The package loses space at the beginning of some texts of several lines: where that shows, they are written in quotes. */
function render(document: Document, style: Partial<Style>): string {
  const options = { lineWidth: 0, ...style }
  const written = document.toString(options)
  if (saysTheSame(written, document)) return written
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && /^\s[^]*\n|\n\s/.test(node.value)) node.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString(options)
}

function saysTheSame(written: string, document: Document): boolean {
  const again = parseDocument(written, { version: '1.2' })
  return again.errors.length === 0 && isDeepStrictEqual(again.toJS(), document.toJS())
}

function requireReadable(written: string, file: string): string {
  const [problem] = parseYaml(written, file).problems
  if (!problem) return written
  throw new OrcError({ code: 'bad_input', message: `${file} could not be read with this in it: ${problem.message}` })
}

/** Sets a key of a map, or removes it (`null`). A scalar that becomes another keeps its comment. */
export function setKey(document: Document, map: YAMLMap, [key, value]: readonly [string, Json]): void {
  if (value === null) return void map.delete(key)
  const old: unknown = map.get(key, true)
  if (isScalar(old) && typeof value !== 'object') old.value = value
  else map.set(key, document.createNode(value, { aliasDuplicateObjects: false }))
}

export function isEmptyMap(node: unknown): boolean {
  return isMap(node) && (node as YAMLMap).items.length === 0
}

interface Style {
  readonly indent: number
  readonly indentSeq: boolean
  readonly flowCollectionPadding: boolean
}

/** How the file is written, so that what is not changed stays as it was. */
function findStyle(text: string): Style {
  const indent =
    /^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2
  return {
    indent: Math.min(indent, 8),
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\r?\n\1- /m.test(text),
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
  }
}

/** The file is written whole or not at all. `fresh`: one that is there is left alone. Throws OrcError. */
export async function writeWhole(file: string, text: string, { fresh = false } = {}): Promise<void> {
  // A link stays a link: what it leads to is replaced.
  const target = await realpath(file).catch(() => file)
  const draft = join(dirname(target), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(target), { recursive: true })
    if (fresh) return await writeFile(target, text, { flag: 'wx', flush: true })
    const mode = await stat(target).then(
      (info) => info.mode & 0o777,
      () => 0o644,
    )
    await writeFile(draft, text, { mode, flag: 'wx', flush: true })
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true })
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const { code } = error as NodeJS.ErrnoException
    if (fresh && code === 'EEXIST')
      throw new OrcError({ code: 'file_exists', message: `${file} is there already`, file })
    const message = `${file} cannot be written (${code})`
    throw new OrcError({ code: 'file_unreadable', message, hint: 'Check its owner and its rights.', file })
  }
}
