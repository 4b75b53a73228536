import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listRoots, readRoot, stemOf } from '../config/definitions.ts'
import { isFolder } from '../config/paths.ts'
import { listScripts } from '../config/script-list.ts'
import { isMap } from '../graph/report.ts'
import { parseYaml } from '../graph/yaml.ts'
import type { App } from './app.ts'

/** Something a library has. */
export interface LibraryEntry {
  readonly kind: 'ensemble' | 'script'
  readonly name: string
  readonly description: string
  /** Its folder; empty at the top. */
  readonly category: string
  /** Below the folder of its kind, with `/`. */
  readonly relative: string
  /** `ensembles/…` or `scripts/…`: what it is copied by. */
  readonly path: string
  readonly file: string
  /** Only of ensembles. */
  readonly text?: string
}

/** Everything of the libraries, the user's own first; a nearer one hides others of its path. */
export async function listLibrary({ paths }: Pick<App, 'paths'>): Promise<readonly LibraryEntry[]> {
  const entries: LibraryEntry[] = []
  for (const root of await listRoots(paths)) {
    if (root.level !== 'library') continue
    for (const { name, relative, file, text } of (await readRoot(root)).files) {
      const { data } = parseYaml(text, file)
      const told = isMap(data) ? data['description'] : undefined
      const description = typeof told === 'string' ? told.trim() : ''
      const category = relative.split('/').slice(0, -1).join('/')
      entries.push({
        kind: 'ensemble',
        name,
        description,
        category,
        relative,
        path: `ensembles/${relative}`,
        file,
        text,
      })
    }
  }
  const { scripts } = await listScripts(paths, { node: process.execPath })
  for (const { name, description, category, relative, level, pinned } of scripts) {
    if (level !== 'library') continue
    const told = (description ?? '').split('\n')[0] ?? ''
    entries.push({
      kind: 'script',
      name,
      description: told,
      category,
      relative,
      path: `scripts/${relative}`,
      file: pinned.path,
    })
  }
  const seen = new Set<string>()
  return entries.filter(({ path }) => !seen.has(path) && seen.add(path))
}

/** By its path, or by its name where that says it. Nothing here is ever opened as a path. */
export function findEntry(entries: readonly LibraryEntry[], source: string): LibraryEntry | undefined {
  const bare = source.replace(/^\.\//, '')
  return (
    entries.find(({ path, relative }) => path === bare || relative === bare) ??
    entries.find(({ kind, name, relative }) => kind === 'ensemble' && (name === bare || stemOf(relative) === bare)) ??
    entries.find(({ kind, name }) => kind === 'script' && name === bare)
  )
}

export async function readEntry({ text, file }: LibraryEntry): Promise<string> {
  return text ?? (await readFile(file, 'utf8'))
}

/** Where the nearest library is. */
export async function findLibraryFolder({ paths }: Pick<App, 'paths'>) {
  const path = paths.library_override ?? paths.library
  return { path, exists: (await isFolder(path)) || (await isFolder(join(path, 'ensembles'))) }
}
