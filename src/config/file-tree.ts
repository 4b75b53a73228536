import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Problem } from '../events/errors.ts'

export interface FoundFile {
  readonly file: string
  /** Path below the root, with `/`. */
  readonly relative: string
}

export interface FileTree {
  readonly files: readonly FoundFile[]
  readonly problems: readonly Problem[]
}

interface Walk {
  readonly wanted: (name: string) => boolean
  /** Links that lead out of these folders are left out; without it they are followed anywhere. */
  readonly within?: readonly string[] | undefined
  /** Folders directly below the root that are left out. */
  readonly without?: readonly string[]
}

const MAX_DEPTH = 16
const MAX_FILES = 10_000
const SKIPPED = new Set(['node_modules', '__pycache__'])

/** All wanted files below a folder, in the order of their names. Each real folder is visited once, so links in a circle end. */
export async function walkFiles(root: string, walk: Walk): Promise<FileTree> {
  const files: FoundFile[] = []
  const problems: Problem[] = []
  const seen = new Set<string>()
  const fence = walk.within && (await Promise.all(walk.within.map(resolveReal)))
  const visit = async (folder: string, depth: number): Promise<void> => {
    const real = await resolveReal(folder)
    if (real === undefined || seen.has(real) || depth > MAX_DEPTH) return
    if (isOutside(real, fence)) return void problems.push(describeEscape(folder))
    seen.add(real)
    for (const entry of await listFolder(folder, problems)) {
      if (files.length >= MAX_FILES) return
      const { name } = entry
      if (name.startsWith('.') || SKIPPED.has(name) || (depth === 0 && walk.without?.includes(name))) continue
      const path = join(folder, name)
      const kind = entry.isSymbolicLink() ? await followLink(path, fence) : entry
      if (kind === 'outside') problems.push(describeEscape(path))
      else if (kind?.isDirectory()) await visit(path, depth + 1)
      else if (kind?.isFile() && walk.wanted(name))
        files.push({ file: path, relative: relative(root, path).split(sep).join('/') })
    }
  }
  await visit(root, 0)
  return { files, problems }
}

async function listFolder(folder: string, problems: Problem[]): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      problems.push({
        code: 'file_unreadable',
        message: `the folder ${folder} cannot be read (${code})`,
        hint: 'Check its owner and its rights.',
        file: folder,
        severity: 'warning',
      })
    return []
  }
}

type Fence = readonly (string | undefined)[] | undefined

function isOutside(real: string, fence: Fence): boolean {
  return fence !== undefined && !fence.some((folder) => real === folder || real.startsWith(`${folder}${sep}`))
}

async function followLink(path: string, fence: Fence) {
  const target = await resolveReal(path)
  if (target === undefined) return undefined
  if (isOutside(target, fence)) return 'outside'
  return stat(target).catch(() => undefined)
}

/** The path without links; undefined when it leads nowhere. */
export async function resolveReal(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined)
}

function describeEscape(path: string): Problem {
  return {
    code: 'file_unreadable',
    message: `the link ${path} leads out of its project or library and is not followed`,
    hint: 'Put the file itself there.',
    file: path,
    severity: 'warning',
  }
}
