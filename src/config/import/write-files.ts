import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Document, parseDocument } from 'yaml'
import { OrcError, type Problem } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import type { Imported, ImportedFile } from './imported.ts'
import { makeUnique } from './names.ts'

export interface WrittenFiles {
  /** Paths below the folder. */
  readonly written: readonly string[]
  /** Files that said the same already. */
  readonly unchanged: readonly string[]
  /** What was there before, under its new name. */
  readonly backups: readonly string[]
}

interface FilePlan {
  readonly imports: readonly Imported[]
  /** The paths of each import, after names that two of them wanted were told apart. */
  readonly paths: ReadonlyMap<object, readonly string[]>
  readonly write: readonly (ImportedFile & { readonly replaces: boolean })[]
  readonly unchanged: readonly string[]
}

interface PlanOptions {
  readonly folder: string
  readonly force: boolean
  readonly dry_run: boolean
}

/**
 * Decides what is written before anything is. Throws OrcError `import_conflict` with every file that is there and says something else,
 * unless forced or only tried.
 */
export async function planFiles(
  given: readonly Imported[],
  { folder, force, dry_run }: PlanOptions,
): Promise<FilePlan> {
  const imports = tellApart(given)
  const paths = new Map(imports.map((one, index) => [given[index] ?? one, one.files.map(({ path }) => path)]))
  const files = new Map(imports.flatMap((one) => one.files.map((file) => [file.path, file.content] as const)))
  const settings = imports.flatMap(({ settings }) => (settings ? [settings] : []))
  if (settings.length > 0) {
    const config = await mergeSettings(join(folder, 'config.yaml'), settings, force)
    if (config !== undefined) files.set('config.yaml', config)
  }
  const write: (ImportedFile & { replaces: boolean })[] = []
  const unchanged: string[] = []
  const conflicts: Problem[] = []
  for (const [path, content] of files) {
    const before = await readBefore(join(folder, path))
    if (before === content) unchanged.push(path)
    else if (before !== undefined && !force && !dry_run && path !== 'config.yaml')
      conflicts.push(describeConflict(join(folder, path)))
    else write.push({ path, content, replaces: before !== undefined })
  }
  if (conflicts.length > 0) throw new OrcError(conflicts)
  return { imports, paths, write, unchanged }
}

/** Writes what was planned. A file that is replaced is kept beside the new one, its name followed by `.bak`. */
export async function writeFiles(plan: FilePlan, folder: string): Promise<WrittenFiles> {
  const backups: string[] = []
  try {
    for (const { path, content, replaces } of plan.write) {
      const file = join(folder, path)
      await mkdir(dirname(file), { recursive: true })
      if (replaces) {
        const backup = await keepBefore(file)
        if (backup !== undefined) backups.push(`${path}${backup}`)
      }
      await writeFile(file, content, { flag: 'wx' })
    }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const { code, path = folder } = error as NodeJS.ErrnoException
    throw new OrcError({
      code: 'file_unreadable',
      message: `${path} cannot be written (${code})`,
      hint: 'Check the owner and the rights of the folder, and the space left on the disk.',
      file: path,
    })
  }
  return { written: plan.write.map(({ path }) => path), unchanged: plan.unchanged, backups }
}

/** Two sources may want the same file; the later one gets a number, unless both say the same. */
function tellApart(imports: readonly Imported[]): Imported[] {
  const taken = new Map<string, string>()
  return imports.map((one) => ({
    ...one,
    files: one.files.map((file) => {
      const known = taken.get(file.path)
      if (known === undefined || sameContent(known, file.content)) {
        taken.set(file.path, known ?? file.content)
        return known === undefined ? file : { ...file, content: known }
      }
      const [, stem = file.path, extension = ''] = /^(.*?)(\.[a-z]+)$/.exec(file.path) ?? []
      const unique = makeUnique(stem, new Set([...taken.keys()].map((path) => path.replace(/\.[a-z]+$/, ''))))
      const name = unique.split('/').at(-1) ?? unique
      const content = file.path.startsWith('ensembles/')
        ? file.content.replace(/^name: .*$/m, `name: ${name}`)
        : file.content
      taken.set(`${unique}${extension}`, content)
      return { path: `${unique}${extension}`, content }
    }),
  }))
}

/** The first line names the source, which may differ. */
function sameContent(a: string, b: string): boolean {
  return a.slice(a.indexOf('\n')) === b.slice(b.indexOf('\n'))
}

async function readBefore(file: string): Promise<string | undefined> {
  const info = await lstat(file).catch(() => undefined)
  if (!info) return undefined
  // what is no plain file is never the same as what is to be written
  return info.isFile() ? readFile(file, 'utf8') : ''
}

async function keepBefore(file: string): Promise<string | undefined> {
  for (let n = 1; ; n++) {
    const ending = n === 1 ? '.bak' : `.bak-${n}`
    if (await lstat(`${file}${ending}`).catch(() => undefined)) continue
    const moved = await rename(file, `${file}${ending}`).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false
        throw error
      },
    )
    return moved ? ending : undefined
  }
}

function describeConflict(file: string): Problem {
  return {
    code: 'import_conflict',
    message: `${file} is there already and says something else`,
    hint: 'Import with --force to replace it (the old one is kept as .bak), or into another project with --to.',
    file,
  }
}

/** The settings file with what was imported added to it, comments kept. A key that has another value already is a conflict. */
async function mergeSettings(
  file: string,
  settings: readonly JsonObject[],
  force: boolean,
): Promise<string | undefined> {
  const before = await readBefore(file)
  const document = parseDocument(before ?? '', { version: '1.2' })
  if (document.errors.length > 0)
    throw new OrcError({
      code: 'config_invalid',
      message: `${file} cannot be read, so nothing can be added to it`,
      file,
    })
  const plain: unknown = document.toJS()
  if (before !== undefined && plain !== null && !isMap(plain)) throw new OrcError(describeConflict(file))
  let changed = false
  for (const [path, value] of settings.flatMap((each) => leavesOf(each, []))) {
    const known: unknown = document.getIn(path)
    const same = JSON.stringify(toPlain(document, path)) === JSON.stringify(value)
    if (same) continue
    if (known !== undefined && !force)
      throw new OrcError({
        ...describeConflict(file),
        message: `${path.join('.')} in ${file} has another value already`,
      })
    document.setIn(path, document.createNode(value))
    changed = true
  }
  return changed ? document.toString({ lineWidth: 0 }) : undefined
}

function toPlain(document: Document, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), document.toJS())
}

/** Two levels of keys (`providers.NAME`): what stands below is set as a whole. */
function leavesOf(settings: JsonObject, above: readonly string[]): (readonly [readonly string[], unknown])[] {
  return Object.entries(settings).flatMap(([key, value]) =>
    above.length === 0 && isMap(value) ? leavesOf(value as JsonObject, [key]) : [[[...above, key], value] as const],
  )
}
