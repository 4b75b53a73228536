import { dirname, join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { checkName } from '../graph/name.ts'
import { isMap } from '../graph/report.ts'
import { parseYaml } from '../graph/yaml.ts'
import { walkFiles } from './file-tree.ts'
import { fenceLevel, isFolder, type Level, type Paths } from './paths.ts'
import { Recent } from './recent.ts'
import { readTextFile } from './text-file.ts'

/** An ensemble file of one level. */
export interface EnsembleFile {
  /** As the file says; the file's own name where it cannot be read. */
  readonly name: string
  readonly file: string
  readonly level: Level
  /** Path below the level's folder of ensembles, with `/` and extension. */
  readonly relative: string
  readonly text: string
}

export interface ListedEnsemble extends Omit<EnsembleFile, 'text'> {
  readonly description?: string
  readonly agents: number
  /** A nearer level has an ensemble of this name. */
  readonly shadowed: boolean
  /** The file cannot be read; it is listed all the same. */
  readonly problem?: Problem
  /** What its agents name that may be missing, as the file says it. */
  readonly needs?: readonly AgentNeed[]
}

/** What one agent names: it is a script, runs an ensemble, or asks a model. */
export interface AgentNeed {
  readonly agent: string
  readonly script?: string
  readonly ensemble?: string
  readonly profile?: string
  readonly provider?: string
  /** Another model may take its place. */
  readonly fallback?: true
}

/** A folder of ensembles. `loose`: other YAML files lie there too, so only those with agents count. */
export interface EnsembleRoot {
  readonly level: Level
  readonly folder: string
  readonly loose: boolean
  readonly within: readonly string[] | undefined
}

const NO_ENSEMBLES = ['profiles', 'templates', 'scripts', 'primitives', 'roles']
export const ENSEMBLE_EXTENSION = /\.ya?ml$/

/** The folders that are searched, nearest first: what the user names, project, own library, user, older homes, system, shipped library. */
export async function listRoots(paths: Paths): Promise<readonly EnsembleRoot[]> {
  const roots: EnsembleRoot[] = []
  const add = async (level: Level, folder: string | undefined, loose = false) => {
    if (folder === undefined) return
    const own = join(folder, 'ensembles')
    const within = fenceLevel(paths, level, folder)
    if (await isFolder(own)) roots.push({ level, folder: own, loose: false, within })
    else if (loose && (await isFolder(folder))) roots.push({ level, folder, loose: true, within })
  }
  for (const folder of paths.extra) await add('extra', folder, true)
  await add('project', paths.project_dir)
  await add('library', paths.library_override, true)
  await add('user', paths.config)
  for (const folder of paths.legacy) await add('legacy', folder)
  await add('system', paths.system)
  await add('library', paths.library)
  return roots
}

/** Everything that can be run, nearest level first, then by path. Broken files are listed with their problem. */
export async function listEnsembles(
  paths: Paths,
): Promise<{ readonly ensembles: readonly ListedEnsemble[]; readonly problems: readonly Problem[] }> {
  const ensembles: ListedEnsemble[] = []
  const problems: Problem[] = []
  const names = new Map<string, string>()
  for (const root of await listRoots(paths)) {
    const found = await readRoot(root)
    problems.push(...found.problems)
    const nearer = new Set(names.keys())
    for (const file of found.files) {
      const listed = describeEnsemble(file, nearer)
      const twin = nearer.has(listed.name) ? undefined : names.get(listed.name)
      if (twin !== undefined) problems.push(describeTwin(listed, twin))
      else if (!names.has(listed.name)) names.set(listed.name, listed.file)
      ensembles.push(listed)
    }
    for (const problem of found.unreadable)
      ensembles.push({ ...problem, agents: 0, shadowed: nearer.has(problem.name) })
  }
  return { ensembles, problems }
}

interface RootRead {
  readonly files: readonly EnsembleFile[]
  readonly unreadable: readonly (Omit<EnsembleFile, 'text'> & { readonly problem: Problem })[]
  readonly problems: readonly Problem[]
}

/** Reads the files of one root. Their YAML is not parsed beyond the name. */
export async function readRoot(root: EnsembleRoot): Promise<RootRead> {
  const { level, folder, within } = root
  const wanted = (name: string) => ENSEMBLE_EXTENSION.test(name)
  const tree = await walkFiles(folder, { wanted, within, ...(root.loose ? { without: NO_ENSEMBLES } : {}) })
  const files: EnsembleFile[] = []
  const unreadable: { name: string; file: string; level: Level; relative: string; problem: Problem }[] = []
  for (const { file, relative } of tree.files) {
    const read = await readTextFile(file)
    const about = { file, level, relative }
    if (read.found) {
      if (!root.loose || /^agents[ \t]*:/m.test(read.text))
        files.push({ ...about, name: readName(read.text, relative), text: read.text })
    } else if (read.problem) unreadable.push({ ...about, name: stemOf(relative), problem: read.problem })
  }
  return { files, unreadable, problems: tree.problems }
}

// A top-level key cannot stand at the start of a line for any other reason, so this is safe and a hundred times cheaper than parsing.
const NAME_LINE = /^name:[ \t]*(["']?)([\p{L}\p{N}][\p{L}\p{N}_.-]*)\1[ \t]*(?:[ \t]#.*)?\r?$/mu
// YAML reads these as something other than text when they stand without quotes.
const NOT_TEXT = /^(true|false|null|\d[\d_.eE-]*|0[xo][\da-fA-F]+)$/i

/** The ensemble's own name; the name of the file when it has none that could be used. */
export function readName(text: string, relative: string): string {
  const line = NAME_LINE.exec(text)
  if (line?.[2] !== undefined && (line[1] !== '' || !NOT_TEXT.test(line[2]))) return line[2]
  const { data } = parseYaml(text)
  const name = isMap(data) ? data['name'] : undefined
  return typeof name === 'string' && !checkName(name) ? name : stemOf(relative)
}

/** `review/security.yaml` -> `security` */
export function stemOf(relative: string): string {
  return (relative.split('/').at(-1) ?? relative).replace(ENSEMBLE_EXTENSION, '')
}

/** What files said when they were read last; those that list them ask often. */
const SKETCHES = new Recent<Sketch>(2 ** 22)

type Sketch = Pick<ListedEnsemble, 'description' | 'agents' | 'problem' | 'needs'>

function describeEnsemble({ text, ...about }: EnsembleFile, nearer: ReadonlySet<string>): ListedEnsemble {
  const sketch = SKETCHES.take(`${about.file}\n${text}`, () => sketchEnsemble(text, about.file))
  return { ...about, shadowed: nearer.has(about.name), ...sketch }
}

function sketchEnsemble(text: string, file: string): Sketch {
  const { data, problems } = parseYaml(text, file)
  const [problem] = problems
  if (problem) return { agents: 0, problem }
  const { description, agents } = isMap(data) ? data : {}
  if (!Array.isArray(agents)) {
    const message = `${file} is not an ensemble: it has no list of agents`
    const hint = 'An ensemble has name, description and agents at the top.'
    return { agents: 0, problem: { code: 'ensemble_invalid', message, hint, file } }
  }
  return {
    ...(typeof description === 'string' ? { description: description.trim() } : {}),
    agents: agents.length,
    needs: agents.flatMap(readNeed),
  }
}

function readNeed(agent: unknown): readonly AgentNeed[] {
  if (!isMap(agent)) return []
  const textOf = (key: string) => {
    const value = agent[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [script, ensemble, profile, provider] = ['script', 'ensemble', 'model_profile', 'provider'].map(textOf)
  const fallback = textOf('fallback') ?? textOf('fallback_model_profile')
  return [
    {
      agent: textOf('name') ?? '',
      ...(script === undefined ? {} : { script }),
      ...(ensemble === undefined ? {} : { ensemble }),
      ...(profile === undefined ? {} : { profile }),
      ...(provider === undefined ? {} : { provider }),
      ...(fallback === undefined ? {} : { fallback: true }),
    },
  ]
}

function describeTwin({ name, file }: ListedEnsemble, twin: string): Problem {
  return {
    code: 'name_duplicate',
    message: `the ensemble "${name}" stands in two files of one level; ${twin} is used`,
    hint: `Rename one of them, or run it by its path below ${dirname(file)}.`,
    file,
    severity: 'warning',
  }
}
