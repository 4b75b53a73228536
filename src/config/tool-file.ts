import { lstat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { isError, type Problem } from '../events/errors.ts'
import type { ToolPermissions } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import { findUnsupported } from '../graph/json-schema.ts'
import { checkRelativePath } from '../graph/name.ts'
import { isMap } from '../graph/report.ts'
import { type ParsedYaml, type Path, parseYaml } from '../graph/yaml.ts'
import { checkData } from './checked-data.ts'
import type { Level } from './paths.ts'
import { measureScript } from './script-file.ts'
import { readTextFile } from './text-file.ts'
import { measureToolFolder, type ToolFolder, type ToolPart } from './tool-files.ts'
import { type ToolData, toolSchema } from './tool-schema.ts'

/** A program that comes with a tool. `script`: JSON on standard input, JSON on standard output · `module`: functions it exports. */
export interface ToolProgram {
  readonly kind: 'script' | 'module'
  /** Absolute. */
  readonly path: string
  /** The interpreter's words before the path of a script. */
  readonly words: readonly string[]
}

export interface ToolMigration {
  readonly from: string
  readonly to: string
  readonly program: ToolProgram
}

/** One version of a tool as its folder says. */
export interface ToolFile {
  readonly level: Level
  readonly folder: string
  readonly file: string
  readonly name: string
  readonly version: string
  readonly aliases: readonly string[]
  readonly description: string
  readonly input_schema: JsonObject
  readonly output_schema?: JsonObject
  readonly safety: 'pure' | 'idempotent' | 'unsafe'
  readonly permissions: ToolPermissions
  readonly implementation: ToolProgram
  readonly migrations: readonly ToolMigration[]
  /** Everything in the folder. */
  readonly parts: readonly ToolPart[]
}

export interface ToolWords {
  /** The Node program that runs scripts in JavaScript and TypeScript. */
  readonly node: string
  isName(text: string): boolean
  isVersion(text: string): boolean
  isAlias(text: string): boolean
}

const MODULE = /^\.[cm]?[jt]s$/

/** Reads `tool.json` and measures all files beside it. Undefined with an error; everything wrong is named at once. */
export async function readToolFile(
  place: ToolFolder,
  words: ToolWords,
): Promise<{ readonly tool?: ToolFile; readonly problems: readonly Problem[] }> {
  const file = join(place.folder, 'tool.json')
  const read = await readTextFile(file)
  if (!read.found) return { problems: read.problem ? [{ ...read.problem, code: 'tool_invalid' }] : [] }
  const yaml = parseYaml(read.text, file)
  if (yaml.data === undefined) return { problems: yaml.problems.map(toToolProblem) }
  const checked = checkData(toolSchema, yaml.data, yaml)
  const problems: Problem[] = checked.problems.map(toToolProblem)
  problems.push(...checked.warnings.map((each) => ({ ...each, severity: 'warning' as const })))
  const data = checked.data as unknown as ToolData
  if (checked.problems.length > 0) return { problems }
  const faults = new Faults(yaml)
  checkNames(data, { place, words, faults })
  const implementation = await findProgram(data.implementation, ['implementation'], { place, words, faults })
  const migrations = await readMigrations(data, { place, words, faults })
  const { parts, problem } = await measureToolFolder(place.folder)
  problems.push(...faults.problems, ...(problem ? [problem] : []))
  if (!implementation || problems.some(isError)) return { problems }
  const { name, version, aliases = [], description, safety = 'unsafe' } = data
  const permissions = Object.fromEntries(
    Object.entries(data.permissions ?? {}).filter(([, list]) => list !== undefined),
  )
  const tool: ToolFile = {
    level: place.level,
    folder: place.folder,
    file,
    name,
    version,
    aliases,
    description,
    safety,
    permissions,
    implementation,
    migrations,
    parts,
    input_schema: data.input_schema as JsonObject,
    ...(data.output_schema === undefined ? {} : { output_schema: data.output_schema as JsonObject }),
  }
  return { tool, problems }
}

interface Reading {
  readonly place: ToolFolder
  readonly words: ToolWords
  readonly faults: Faults
}

class Faults {
  readonly problems: Problem[] = []
  readonly #yaml: ParsedYaml
  constructor(yaml: ParsedYaml) {
    this.#yaml = yaml
  }
  add(path: Path, message: string, hint?: string): void {
    this.problems.push({
      code: 'tool_invalid',
      message,
      ...(hint === undefined ? {} : { hint }),
      ...this.#yaml.place(path),
    })
  }
}

function checkNames(data: ToolData, { place, words, faults }: Reading): void {
  if (!words.isName(data.name))
    faults.add(['name'], `"${data.name}" cannot be the name of a tool`, 'Letters, digits, `-` and `_`, at most 64.')
  if (data.name !== place.name)
    faults.add(['name'], `the tool is called "${data.name}" and its folder "${place.name}"`, 'Give both the same name.')
  if (!words.isVersion(data.version))
    faults.add(['version'], `"${data.version}" is no semantic version`, 'Write it like 1.0.0.')
  if (place.version !== undefined && place.version !== data.version)
    faults.add(['version'], `the version is "${data.version}" and its folder is "${place.version}"`)
  for (const [at, alias] of (data.aliases ?? []).entries())
    if (!words.isAlias(alias)) faults.add(['aliases', at], `"${alias}" cannot be an alias: it reads as a version`)
  for (const key of ['input_schema', 'output_schema'] as const) {
    const schema: unknown = data[key]
    if (schema === undefined && key === 'output_schema') continue
    if (!isMap(schema)) faults.add([key], `${key} has to be a JSON Schema`)
    else
      for (const part of findUnsupported(schema))
        faults.add([key], `${key} uses ${part}, which is not checked here`, 'Leave it out, or say it another way.')
  }
}

async function readMigrations(data: ToolData, reading: Reading): Promise<readonly ToolMigration[]> {
  const migrations: ToolMigration[] = []
  for (const [key, given] of Object.entries(data.migrations ?? {})) {
    const path = ['migrations', key]
    const [from = '', to = '', ...more] = key.split('->').map((word) => word.trim())
    const { isVersion } = reading.words
    if (more.length > 0 || !isVersion(from) || !isVersion(to) || from === to) {
      reading.faults.add(path, `"${key}" is no migration`, 'Write it like "1.0.0->1.1.0".')
      continue
    }
    const program = await findProgram(given, path, reading)
    if (program) migrations.push({ from, to, program })
  }
  return migrations
}

/** JavaScript and TypeScript are modules and everything else scripts, unless the file says which. */
async function findProgram(
  given: ToolData['implementation'],
  path: Path,
  { place, words, faults }: Reading,
): Promise<ToolProgram | undefined> {
  const reference = typeof given === 'string' ? given : 'module' in given ? given.module : given.script
  const module = typeof given === 'string' ? MODULE.test(extname(reference)) : 'module' in given
  const unfit = checkRelativePath(reference.replace(/^\.\//, ''))
  if (unfit) {
    faults.add(path, unfit.message, 'Name a file in the folder of the tool.')
    return undefined
  }
  const file = join(place.folder, reference)
  const info = await lstat(file).catch(() => undefined)
  const measured = info?.isFile() ? await measureScript(file, { reference, node: words.node }) : undefined
  if (measured) return { kind: module ? 'module' : 'script', path: file, words: module ? [] : measured.pinned.program }
  faults.add(path, `there is no file ${reference} in the folder of the tool`, 'Links are not followed.')
  return undefined
}

function toToolProblem(problem: Problem): Problem {
  return { ...problem, code: 'tool_invalid' }
}
