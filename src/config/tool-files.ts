import { hash } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { isFolder, type Level, type Paths } from './paths.ts'

/** A file of a tool, with `/` below its folder. */
export interface ToolPart {
  readonly path: string
  /** Hex SHA-256 of its bytes. */
  readonly sha256: string
}

/** A folder with a `tool.json`: one version of one tool. */
export interface ToolFolder {
  readonly level: Level
  /** How many other folders of tools are nearer. */
  readonly distance: number
  readonly folder: string
  /** The name its `tool.json` has to give, and the version where the folder is named for one. */
  readonly name: string
  readonly version?: string
}

const TOOL_FILE = 'tool.json'
const MAX_FILES = 1000
const MAX_BYTES = 16 * 1024 * 1024
const MAX_DEPTH = 12
const MAX_TOOLS = 2000
/** What systems and tools leave behind and no program runs. Everything else is pinned, hidden or not. */
const LEFT_BEHIND = new Set(['.git', '.DS_Store'])

/** The folders in which tools are looked for, nearest first. */
function listToolRoots(paths: Paths): readonly { readonly level: Level; readonly folder: string }[] {
  const roots: readonly (readonly [Level, string | undefined])[] = [
    ['project', paths.project_dir],
    ['library', paths.library_override],
    ['user', paths.config],
    ['system', paths.system],
    ['library', paths.library],
  ]
  return roots.flatMap(([level, folder]) => (folder === undefined ? [] : [{ level, folder: join(folder, 'tools') }]))
}

/**
 * Every folder that holds a tool: `NAME/tool.json` and `NAME/VERSION/tool.json` below the folders of tools. Links are not followed: a
 * tool is what lies in its folder. With a name, only the tools of that name.
 */
export async function findToolFolders(paths: Paths, name?: string): Promise<readonly ToolFolder[]> {
  const found: ToolFolder[] = []
  for (const [distance, { level, folder }] of listToolRoots(paths).entries()) {
    for (const tool of name === undefined ? await listFolders(folder) : [name]) {
      const own = join(folder, tool)
      if (!(await isPlainFolder(own))) continue
      if (await hasToolFile(own)) found.push({ level, distance, folder: own, name: tool })
      for (const version of await listFolders(own))
        if (await hasToolFile(join(own, version)))
          found.push({ level, distance, folder: join(own, version), name: tool, version })
      if (found.length >= MAX_TOOLS) return found
    }
  }
  return found
}

/** All files of a tool with their digests, in the order of their paths; folders of other versions inside are not part of it. */
export async function measureToolFolder(
  folder: string,
): Promise<{ readonly parts: readonly ToolPart[]; readonly problem?: Problem }> {
  const parts: ToolPart[] = []
  let bytes = 0
  const visit = async (below: string, depth: number): Promise<string | undefined> => {
    if (depth > MAX_DEPTH) return `its folders are more than ${MAX_DEPTH} deep`
    const entries = await readdir(join(folder, below), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (LEFT_BEHIND.has(entry.name)) continue
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) {
        if (depth === 0 && (await hasToolFile(join(folder, path)))) continue
        const fault = await visit(path, depth + 1)
        if (fault !== undefined) return fault
      } else if (entry.isFile()) {
        bytes += (await lstat(join(folder, path))).size
        if (parts.length >= MAX_FILES || bytes > MAX_BYTES)
          return `it has more than ${MAX_FILES} files, or more than ${MAX_BYTES} bytes`
        parts.push({ path, sha256: hash('sha256', await readFile(join(folder, path)), 'hex') })
      } else return `${path} is a link or no file`
    }
    return undefined
  }
  const fault = await visit('', 0).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error) return `it cannot be read (${String(error.code)})`
    throw error
  })
  if (fault === undefined) return { parts }
  return {
    parts,
    problem: {
      code: 'tool_invalid',
      message: `the tool in ${folder} cannot be pinned: ${fault}`,
      hint: 'Keep in the folder of a tool only its own files.',
      file: join(folder, TOOL_FILE),
    },
  }
}

async function listFolders(folder: string): Promise<readonly string[]> {
  if (!(await isFolder(folder))) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort()
}

async function isPlainFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}

async function hasToolFile(folder: string): Promise<boolean> {
  return lstat(join(folder, TOOL_FILE)).then(
    (info) => info.isFile(),
    () => false,
  )
}
