import { glob, mkdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { ToolPermissions } from '../events/tool-call.ts'
import { isSecretName } from './secret-name.ts'

export interface PermittedPaths {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** More single files than this are no list of files but a folder. */
const MOST_FILES = 1000
const WILD = /[*?[\]{}!]/

/**
 * Absolute paths without links for what permissions name: a wall knows files and folders, not patterns. `folder/**` is the folder; other patterns
 * become the files that match now, for reading only. Relative ones stay in `cwd`. Text says what cannot be meant.
 */
export async function resolvePermissions(permissions: ToolPermissions, cwd: string): Promise<PermittedPaths | string> {
  const root = await realpath(cwd).catch(() => undefined)
  if (root === undefined) return `the folder ${cwd} does not exist`
  const lists: { read: string[]; write: string[] } = { read: [], write: [] }
  for (const way of ['read', 'write'] as const) {
    for (const pattern of permissions[way] ?? []) {
      const found = await find(pattern, way, root)
      if (typeof found === 'string') return found
      lists[way].push(...found)
    }
  }
  const write = dropInner(lists.write, [])
  return { write, read: dropInner(lists.read, write) }
}

async function find(pattern: string, way: 'read' | 'write', root: string): Promise<readonly string[] | string> {
  const fixed = pattern.replace(/^~(?=\/|$)/, homedir()).replace(/(?:^|\/)\*\*(?:\/\*)?\/?$/, '')
  if (fixed.startsWith('!')) return `${pattern} takes something away, which a wall cannot: name what is left`
  if (WILD.test(fixed))
    return way === 'write'
      ? `${pattern} is a pattern, and only folders and files can be opened for writing`
      : match(fixed, root)
  const path = fixed === '' && isAbsolute(pattern) ? '/' : resolve(root, fixed)
  if (!isAbsolute(fixed) && !isInside(path, root)) return `${pattern} leads out of ${root}`
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) {
    if (way === 'read' || !/\/\*\*?$|\/$/.test(pattern))
      return way === 'read' ? [] : `${path}, which is to be written to, does not exist`
    // A folder for results is made, so that only it has to be opened.
    await mkdir(path, { recursive: true })
    return find(pattern, way, root)
  }
  if (!isAbsolute(fixed) && !isInside(real, root)) return `${pattern} leads out of ${root} by a link`
  return [real]
}

async function match(pattern: string, root: string): Promise<readonly string[] | string> {
  const found: string[] = []
  for await (const name of glob(pattern, { cwd: root })) {
    const real = await realpath(join(root, name)).catch(() => undefined)
    // Links out of the folder are no part of it.
    if (real === undefined || !isInside(real, root)) continue
    found.push(real)
    if (found.length > MOST_FILES) return `${pattern} means more than ${MOST_FILES} files: name a folder`
  }
  return found
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** What lies in another one need not be named again; but a file of secrets is only shown to who names it. */
function dropInner(paths: readonly string[], outer: readonly string[]): string[] {
  const all = [...new Set(paths)]
  const covers = (other: string, path: string) => other !== path && isInside(path, other)
  return all.filter(
    (path) =>
      isSecretName(basename(path)) ||
      !([...all, ...outer].some((other) => covers(other, path)) || outer.includes(path)),
  )
}
