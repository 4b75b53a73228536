import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { OrcError } from '../events/errors.ts'
import { resolveReal } from './file-tree.ts'

/** How near a place is to the work at hand; a nearer level wins over a farther one. */
export type Level = 'environment' | 'extra' | 'project' | 'user' | 'legacy' | 'system' | 'library'

/** Environment variables as a process has them. */
export type ProcessEnvironment = { readonly [name: string]: string | undefined }

/** Where everything lives. All paths are absolute; whether they exist is not said, except for the project. */
export interface Paths {
  readonly cwd: string
  /** The folder that holds `.llm-orc`, and that folder itself; absent outside a project. */
  readonly project?: string
  readonly project_dir?: string
  readonly config: string
  readonly data: string
  readonly state: string
  readonly cache: string
  readonly system: string
  /** Config folders of earlier programs, read only. */
  readonly legacy: readonly string[]
  /** The library that ships with the program. */
  readonly library: string
  /** A library of the user's own, which stands before the shipped one. */
  readonly library_override?: string
  /** Files or folders named by `--config-dir` and LLM_ORC_CONFIG; the first wins over all other files. */
  readonly extra: readonly string[]
  /** Searched first for scripts. */
  readonly test_primitives?: string
}

export interface PathsWanted {
  readonly cwd: string
  readonly env: ProcessEnvironment
  readonly library: string
  /** Default: HOME, else what the system knows of the user. */
  readonly home?: string
  readonly config_dir?: string
  readonly platform?: NodeJS.Platform
}

const APP = 'llm-orchestrator'
const PROJECT_DIR = '.llm-orc'

/** Finds every place without creating any. Throws OrcError `home_missing` when a place needs a home folder and there is none. */
export async function findPaths(wanted: PathsWanted): Promise<Paths> {
  const { cwd, env } = wanted
  const home = wanted.home ?? findHome(env)
  // The XDG rules say that a relative value is to be ignored.
  const placeOf = (variable: string, ...below: string[]): string => {
    const value = env[variable]
    if (value && isAbsolute(value)) return value
    if (home === undefined) throw new OrcError(describeMissingHome(variable))
    return join(home, ...below)
  }
  const configHome = placeOf('XDG_CONFIG_HOME', '.config')
  const older = [join(configHome, 'llm-orc')]
  if (home !== undefined) older.push(join(home, '.config', 'llm-orc'), join(home, '.llm-orchestrator'))
  const config = join(configHome, APP)
  const system = systemFolder(wanted.platform ?? process.platform, env)
  const project = await findProject(cwd, [config, system, ...older])
  const library = await findLibrary(env, [cwd, ...(project === undefined ? [] : [project])])
  const testPrimitives = env['LLM_ORC_TEST_PRIMITIVES_DIR']
  const extra = [wanted.config_dir, env['LLM_ORC_CONFIG']].filter((path) => path !== undefined && path !== '')
  return {
    cwd,
    ...(project === undefined ? {} : { project, project_dir: join(project, PROJECT_DIR) }),
    config,
    data: join(placeOf('XDG_DATA_HOME', '.local', 'share'), APP),
    state: join(placeOf('XDG_STATE_HOME', '.local', 'state'), APP),
    cache: join(placeOf('XDG_CACHE_HOME', '.cache'), APP),
    system,
    legacy: [...new Set(older)],
    library: wanted.library,
    ...(library === undefined ? {} : { library_override: library }),
    extra: extra.map((path) => resolve(cwd, path as string)),
    ...(testPrimitives ? { test_primitives: resolve(cwd, testPrimitives) } : {}),
  }
}

/** The folders that links of a level must not leave: a project or a library may come from anyone, and the user's other files are not theirs. */
export function fenceLevel(paths: Paths, level: Level, folder: string): readonly string[] | undefined {
  if (level === 'library') return [folder]
  return level === 'project' && paths.project !== undefined ? [paths.project, folder] : undefined
}

/** Walks up to the nearest `.llm-orc` folder. One that is only a link to a folder of the user's own is no project. */
async function findProject(cwd: string, notProjects: readonly string[]): Promise<string | undefined> {
  const excluded = new Set(await Promise.all(notProjects.map(resolveReal)))
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, PROJECT_DIR)
    if ((await isFolder(candidate)) && !excluded.has(await resolveReal(candidate))) return folder
    if (folder === dirname(folder)) return undefined
  }
}

async function findLibrary(env: ProcessEnvironment, folders: readonly string[]): Promise<string | undefined> {
  const named = env['LLM_ORC_LIBRARY_PATH']
  if (named) return resolve(folders[0] ?? '', named)
  for (const folder of folders) {
    const library = join(folder, 'llm-orchestra-library')
    if (await isFolder(library)) return library
  }
  return undefined
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}

function findHome(env: ProcessEnvironment): string | undefined {
  const candidates = [env['HOME'], env['USERPROFILE'], askSystem()]
  return candidates.find((path) => path !== undefined && isAbsolute(path))
}

function askSystem(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    // A user id without an entry in the user list, as containers have.
    return undefined
  }
}

function systemFolder(platform: NodeJS.Platform, env: ProcessEnvironment): string {
  return platform === 'win32' ? join(env['PROGRAMDATA'] ?? 'C:\\ProgramData', APP) : join('/etc', APP)
}

function describeMissingHome(variable: string) {
  return {
    code: 'home_missing' as const,
    message: `HOME is not set, so there is no place for ${variable}`,
    hint: `Set HOME, or set ${variable} to an absolute path.`,
  }
}
