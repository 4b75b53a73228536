import { mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, sep } from 'node:path'
import { walkFiles } from '../config/file-tree.ts'
import { type Conversion, convertSources } from '../config/import/convert.ts'
import type { ReadBeside, Source } from '../config/import/document.ts'
import type { Finding } from '../config/import/imported.ts'
import { planFiles, type WrittenFiles, writeFiles } from '../config/import/write-files.ts'
import { readTextFile } from '../config/text-file.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import { hasErrors } from '../graph/report.ts'
import type { App } from './app.ts'
import { createApp } from './create-app.ts'
import { inspectTarget } from './target.ts'

/** What became of one source. */
export interface ImportResult {
  readonly format: string
  readonly sources: readonly string[]
  /** The files it became, below `folder`. */
  readonly files: readonly string[]
  readonly report: readonly Finding[]
  /** Why it was refused, or what the check of the ensembles made from it says. */
  readonly problems: readonly Problem[]
}

export interface ImportReport extends WrittenFiles {
  readonly imports: readonly ImportResult[]
  /** Files that could not be read, or are of no format that is known. */
  readonly passed_over: readonly { readonly file: string; readonly why: string }[]
  readonly folder: string
  readonly dry_run: boolean
  /** False: nothing could be converted. */
  readonly valid: boolean
  /** False: something was refused, or an ensemble that was written does not pass its check. */
  readonly ok: boolean
  readonly problems: readonly Problem[]
}

export interface ImportOrder {
  readonly source: string
  readonly format?: string
  /** The project to write into. */
  readonly to?: string
  readonly dry_run: boolean
  readonly force: boolean
}

const WANTED = /\.(ya?ml|json|md|markdown|mdc)$/i
const MAX_SOURCES = 2_000
const TOO_MANY: Problem = {
  code: 'import_unknown',
  message: `not read: a folder is taken for ${MAX_SOURCES} files at most`,
  hint: 'Import its folders one by one.',
}

/** Converts, writes and checks. Throws OrcError when there is nothing to read or no place to write; what is refused stands in the result. */
export async function importFiles(app: App, order: ImportOrder): Promise<ImportReport> {
  const project = order.to ?? app.paths.project
  if (project === undefined && !order.dry_run)
    throw new OrcError({
      code: 'bad_input',
      message: 'there is no project here to write into',
      hint: 'Make one with `llm-orc init`, or name one with --to.',
    })
  const { sources, unread, read, isFolder } = await findSources(order)
  const converted = await convertSources(sources, {
    read,
    ...(order.format === undefined ? {} : { format: order.format }),
  })
  const conversion = { ...converted, unknown: [...converted.unknown, ...unread] }
  const scratch = order.dry_run ? await mkdtemp(join(tmpdir(), 'llm-orc-import-')) : undefined
  try {
    const folder = join(project ?? app.paths.cwd, '.llm-orc')
    const plan = await planFiles(conversion.imports, { folder, force: order.force, dry_run: order.dry_run })
    const written = await writeFiles(plan, scratch === undefined ? folder : join(scratch, '.llm-orc'))
    const checks = await checkEnsembles(app, scratch ?? dirname(folder), plan.imports)
    return describeImport({ conversion, isFolder, folder, dry_run: order.dry_run, written, checks, paths: plan.paths })
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
  }
}

type Unread = Conversion['unknown'][number]

interface Found {
  readonly sources: readonly Source[]
  readonly unread: readonly Unread[]
  readonly read: ReadBeside
  readonly isFolder: boolean
}

async function findSources(order: ImportOrder): Promise<Found> {
  const info = await stat(order.source).catch(() => undefined)
  if (!info)
    throw new OrcError({
      code: 'not_found',
      message: `there is no file or folder ${order.source}`,
      hint: 'Check the path.',
    })
  const isFolder = info.isDirectory()
  const root = isFolder ? order.source : dirname(order.source)
  const read = readBelow(root)
  if (!isFolder) {
    const source = { path: relative(root, order.source), text: await requireText(order.source), home: basename(root) }
    // a crew is in two files; naming one of them means both
    const beside = (
      await walkFiles(root, { wanted: (name) => /\.ya?ml$/i.test(name) && name !== source.path, within: [root] })
    ).files
    const { sources: others } = await readAll(
      beside.filter((found) => !found.relative.includes('/')).map(({ file }) => file),
      root,
    )
    return {
      sources: [source, ...(await findCrew(source, others, read))],
      unread: [],
      read,
      isFolder,
    }
  }
  const tree = await walkFiles(root, { wanted: (name) => WANTED.test(name), within: [root] })
  const { sources, unread: closed } = await readAll(
    tree.files.slice(0, MAX_SOURCES).map(({ file }) => file),
    root,
  )
  const unread = [
    ...closed,
    ...tree.problems.map((problem) => ({ path: relative(root, problem.file ?? root) || '.', problem })),
    ...tree.files.slice(MAX_SOURCES).map((found) => ({ path: found.relative, problem: TOO_MANY })),
  ]
  if (sources.length + unread.length === 0)
    throw new OrcError({
      code: 'not_found',
      message: `the folder ${order.source} holds no YAML, JSON or markdown files`,
    })
  return { sources, unread, read, isFolder }
}

/** The other half of a CrewAI crew, told by what is in it. */
async function findCrew(first: Source, others: readonly Source[], read: ReadBeside): Promise<Source[]> {
  const together = await convertSources([first, ...others], { read })
  const crew = together.imports.find(({ format, sources }) => format === 'crewai' && sources.includes(first.path))
  return others.filter(({ path }) => crew?.sources.includes(path))
}

async function readAll(files: readonly string[], root: string): Promise<Pick<Found, 'sources' | 'unread'>> {
  const sources: Source[] = []
  const unread: Unread[] = []
  for (const file of files) {
    const text = await readTextFile(file)
    const path = relative(root, file).split(sep).join('/')
    if (text.found) sources.push({ path, text: text.text, home: basename(root) })
    else if (text.problem) unread.push({ path, problem: text.problem })
  }
  return { sources, unread }
}

async function requireText(file: string): Promise<string> {
  const text = await readTextFile(file)
  if (text.found) return text.text
  throw new OrcError(text.problem ?? { code: 'not_found', message: `there is no file ${file}` })
}

/** Reads files below the folder only, also by way of links. */
function readBelow(root: string): ReadBeside {
  return async (path) => {
    const file = join(root, path)
    const [real, top] = await Promise.all([realpath(file).catch(() => undefined), realpath(root)])
    if (real === undefined || !real.startsWith(`${top}${sep}`)) return undefined
    const text = await readTextFile(real)
    return text.found ? text.text : undefined
  }
}

type Checks = ReadonlyMap<string, readonly Problem[]>

/** What `ensembles check` says about each ensemble, with the profiles that were written beside it. */
async function checkEnsembles(app: App, project: string, imports: Conversion['imports']): Promise<Checks> {
  const checks = new Map<string, readonly Problem[]>()
  const paths = imports
    .flatMap(({ files }) => files.map(({ path }) => path))
    .filter((path) => path.startsWith('ensembles/'))
  if (paths.length === 0) return checks
  const [configDir] = app.paths.extra
  const fresh = await createApp({
    cwd: project,
    env: Object.fromEntries(app.env.values),
    ...(configDir === undefined ? {} : { configDir }),
  })
  try {
    for (const path of paths) {
      const { problems } = await inspectTarget(fresh, join(project, '.llm-orc', path))
      checks.set(path, problems)
    }
  } finally {
    await fresh.close()
  }
  return checks
}

function describeImport(told: {
  readonly conversion: Conversion
  readonly isFolder: boolean
  readonly folder: string
  readonly dry_run: boolean
  readonly written: WrittenFiles
  readonly checks: Checks
  readonly paths: ReadonlyMap<object, readonly string[]>
}): ImportReport {
  const { conversion, checks, paths } = told
  const imports = conversion.imports.map((one) => {
    const files = paths.get(one) ?? []
    const { format, sources, report } = one
    return {
      format,
      sources,
      files,
      report,
      problems: [...one.problems, ...files.flatMap((path) => checks.get(path) ?? [])],
    }
  })
  const refused = conversion.imports.flatMap(({ problems }) => problems)
  // in a folder other files may lie about; they are passed over, with the reason
  const isNews = !told.isFolder || imports.length === 0
  const unknown = isNews ? conversion.unknown.map(({ problem }) => problem) : []
  const converted = conversion.imports.some(({ problems }) => problems.length === 0)
  const broken = imports.some(({ problems }) => hasErrors(problems))
  return {
    imports,
    passed_over: conversion.unknown.map(({ path, problem }) => ({ file: path, why: describePlace(problem) })),
    folder: told.folder,
    dry_run: told.dry_run,
    ...told.written,
    valid: converted,
    ok: converted && !broken,
    problems: [...refused, ...unknown],
  }
}

function describePlace({ message, line }: Problem): string {
  return line === undefined ? message : `line ${line}: ${message}`
}
