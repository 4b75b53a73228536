import { randomBytes } from 'node:crypto'
import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Document, isMap, isScalar, parseDocument, type YAMLMap } from 'yaml'
import { OrcError } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { parseYaml } from '../graph/yaml.ts'
import type { Paths } from './paths.ts'
import { readTextFile } from './text-file.ts'

/** The config file that changes go to: the project's, outside of a project the user's. */
export async function findOwnConfig(paths: Paths): Promise<string> {
  const folder = paths.project_dir ?? paths.config
  for (const name of ['config.yaml', 'config.yml', 'config.json']) {
    const file = join(folder, name)
    const info = await stat(file).catch(() => undefined)
    if (info) return file
  }
  return join(folder, 'config.yaml')
}

/**
 * Sets a value in a config file, or removes it (`undefined`), and leaves comments, order and all else as they were. The file is
 * written whole or not at all. Throws OrcError when it cannot be read or written; a broken file is never touched.
 */
export async function editConfig(file: string, path: readonly string[], value: Json | undefined): Promise<void> {
  const read = await readTextFile(file)
  if (!read.found && read.problem) throw new OrcError(read.problem)
  const text = read.found ? read.text : ''
  const { problems } = parseYaml(text, file)
  if (problems.length > 0) throw new OrcError(problems)
  const document = read.found ? parseDocument(text, { version: '1.2', keepSourceTokens: true }) : new Document({})
  if (!document.contents) document.contents = document.createNode({}) as never
  if (value !== undefined) makeSection(document, path.slice(0, -1), file)
  if (value === undefined) {
    document.deleteIn(path)
    const parent = path.slice(0, -1)
    // An empty section would stay behind as `chains: {}`.
    if (parent.length > 0 && isEmptyMap(document.getIn(parent))) document.deleteIn(parent)
  } else document.setIn(path, document.createNode(value))
  const json = file.endsWith('.json')
  const written = json
    ? `${JSON.stringify(document.toJS(), null, 2)}\n`
    : document.toString({ lineWidth: 0, ...findStyle(text) })
  if (parseYaml(written, file).problems.length > 0) throw new Error(`the edit of ${file} would break it`)
  await writeWhole(file, written)
}

/** How the file is written, so that what is not changed stays as it was. */
function findStyle(text: string): {
  readonly indent: number
  readonly indentSeq: boolean
  readonly flowCollectionPadding: boolean
} {
  const indent =
    /^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2
  return {
    indent: Math.min(indent, 8),
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\r?\n\1- /m.test(text),
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
  }
}

/** `chains:` with nothing below it is a section all the same. */
function makeSection(document: Document, path: readonly string[], file: string): void {
  if (path.length === 0) return
  const section: unknown = document.getIn(path, true)
  if (isMap(section)) return
  const empty = section === undefined || (isScalar(section) && section.value === null)
  if (!empty)
    throw new OrcError({ code: 'config_invalid', message: `${path.join('.')} should be a map of names`, file })
  const made = document.createNode({})
  const comment = isScalar(section) ? (section.comment ?? section.commentBefore) : undefined
  if (comment) made.commentBefore = comment
  document.setIn(path, made)
}

function isEmptyMap(node: unknown): boolean {
  return isMap(node) && (node as YAMLMap).items.length === 0
}

async function writeWhole(file: string, text: string): Promise<void> {
  // A link stays a link: what it leads to is replaced.
  const target = await realpath(file).catch(() => file)
  const draft = join(dirname(target), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(target), { recursive: true })
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
    const message = `${file} cannot be written (${code})`
    throw new OrcError({ code: 'file_unreadable', message, hint: 'Check its owner and its rights.', file })
  }
}
