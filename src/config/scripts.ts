import { basename, dirname, extname, isAbsolute, join } from 'node:path'
import type { MissingScript, PinnedScript } from '../graph/script.ts'
import type { Paths } from './paths.ts'
import { measureScript, SCRIPT_EXTENSIONS } from './script-file.ts'

export interface ScriptOptions {
  /** The Node program that runs JavaScript and TypeScript. */
  readonly node: string
}

/**
 * Finds what `script:` of an agent means. An absolute path is itself. What holds a separator or ends in a known extension is searched
 * in the test folder, `.llm-orc/scripts`, `.llm-orc`, the current folder, the project, and the libraries; first as written, then with `_`
 * for `-`; at last a `.py` of the shipped library may be one of our `.mjs`. Everything else is shell text.
 */
export async function resolveScript(
  reference: string,
  paths: Paths,
  options: ScriptOptions,
): Promise<PinnedScript | MissingScript> {
  const inline: PinnedScript = { type: 'inline', text: reference }
  if (!namesFile(reference)) return inline
  const candidates = reference.includes('\0') ? [] : listCandidates(reference, paths)
  for (const path of candidates) {
    const measured = await measureScript(path, { ...options, reference })
    if (measured) return measured.pinned
  }
  if (isCommandLine(reference)) return inline
  return { type: 'missing', searched: [...new Set(candidates.map((path) => dirname(path)))] }
}

function namesFile(reference: string): boolean {
  return (
    reference.includes('/') || isAbsolute(reference) || SCRIPT_EXTENSIONS.includes(extname(reference).toLowerCase())
  )
}

/** `cat /etc/hosts` holds a separator and is no path: its first word is a command, or it has several lines. */
function isCommandLine(reference: string): boolean {
  const text = reference.trim()
  if (text.includes('\n')) return true
  const [first = '', ...others] = text.split(/\s+/)
  return others.length > 0 && !namesFile(first)
}

function listCandidates(reference: string, paths: Paths): readonly string[] {
  if (isAbsolute(reference)) return [reference]
  const places = listPlaces(paths)
  const spelled = (name: string) => places.flatMap((place) => place.names(name).map((one) => join(place.folder, one)))
  const dashed = replaceInName(reference, '-', '_')
  const shipped = reference.endsWith('.py')
    ? [reference, dashed].map((name) =>
        join(paths.library, 'scripts', `${stripFolder(name, 'scripts').slice(0, -3)}.mjs`),
      )
    : []
  return [...new Set([...spelled(reference), ...spelled(dashed), ...shipped])]
}

interface Place {
  readonly folder: string
  readonly names: (reference: string) => readonly string[]
}

function listPlaces(paths: Paths): readonly Place[] {
  const plain = (name: string) => [...new Set([name, stripFolder(name, 'scripts')])]
  // The folder may be that of all scripts or that of the primitives.
  const withoutPrimitives = (name: string) => [...plain(name), stripFolder(stripFolder(name, 'scripts'), 'primitives')]
  const places: Place[] = []
  if (paths.test_primitives !== undefined) places.push({ folder: paths.test_primitives, names: withoutPrimitives })
  const folders: string[] = []
  if (paths.project_dir !== undefined) folders.push(join(paths.project_dir, 'scripts'), paths.project_dir)
  folders.push(paths.cwd)
  if (paths.project !== undefined) folders.push(paths.project)
  for (const library of [paths.library_override, paths.library])
    if (library !== undefined)
      folders.push(
        join(library, 'scripts'),
        join(library, 'primitives', 'python'),
        join(library, 'primitives'),
        library,
      )
  return [...places, ...[...new Set(folders)].map((folder) => ({ folder, names: plain }))]
}

function stripFolder(reference: string, folder: string): string {
  const bare = reference.replace(/^\.\//, '')
  return bare.startsWith(`${folder}/`) ? bare.slice(folder.length + 1) : reference
}

/** Only in the last part: the folders of primitives keep their dashes. */
function replaceInName(reference: string, from: string, to: string): string {
  const name = basename(reference)
  return reference.slice(0, reference.length - name.length) + name.replaceAll(from, to)
}
