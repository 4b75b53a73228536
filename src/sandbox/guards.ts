import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSecretName } from './secret-name.ts'

/** What steers the next start of programs a person trusts: in a folder that may be written to, these stay as they are. */
const STEERING = ['.llm-orc', '.mcp.json', '.git/config', '.git/hooks', '.vscode', '.cursor', '.claude', '.envrc']
/** What is in it may change, but it stays where it is: in another of its name nothing would be guarded. */
const FIXED = ['.git']
/** Leads git to other settings and hooks. Held by something empty it would keep git from working, so what is made of it goes. */
const REMOVED = ['.git/commondir']
/** Holds secrets, as its relatives do, and steers us too. It is there and empty. */
const SECRET = '.env'
/** Missing ones that would steer ourselves are held by something empty for the time of the run, and go with it. */
const HELD: { readonly [name: string]: 'folder' | 'file' } = {
  '.llm-orc': 'folder',
  '.mcp.json': 'file',
  '.env': 'file',
  '.git/hooks': 'folder',
}

export interface Guard {
  readonly path: string
  /** Where the same thing is bound from. */
  readonly source: string
  readonly way: 'read-only' | 'empty-file' | 'empty-folder' | 'fixed'
}

export interface Guards {
  readonly guards: readonly Guard[]
  /** A place that cannot be guarded, because it is a link. */
  readonly link?: string
  /** Takes away what was only there for the run. */
  release(): Promise<void>
}

/** Placeholders in use by runs of this process. */
const held = new Map<string, number>()

/** What has to be laid over a folder that a program sees. `shown`: paths that were asked for by name; they are not hidden. */
export async function guardFolder(
  folder: { readonly path: string; readonly source: string },
  { writable, shown }: { readonly writable: boolean; readonly shown: readonly string[] },
): Promise<Guards> {
  const guards: Guard[] = []
  const placeholders: string[] = []
  const unwanted: string[] = []
  const secrets = new Set([SECRET, ...(await listSecrets(folder.path))])
  for (const name of [...FIXED, ...STEERING, ...REMOVED, ...secrets]) {
    const [path, source] = [join(folder.path, name), join(folder.source, name)]
    const info = held.has(path) ? undefined : await lstat(path).catch(() => undefined)
    const hide = secrets.has(name) && !shown.includes(path)
    if (info?.isSymbolicLink() && (writable || hide))
      return { guards: [], link: path, release: () => release(placeholders) }
    if (info) {
      if (hide) guards.push({ path, source, way: info.isDirectory() ? 'empty-folder' : 'empty-file' })
      else if (writable)
        guards.push({ path, source, way: FIXED.includes(name) && info.isDirectory() ? 'fixed' : 'read-only' })
      continue
    }
    if (!writable || !(await isFolder(dirname(path)))) continue
    if (REMOVED.includes(name)) unwanted.push(path)
    const kind = HELD[name]
    if (kind === undefined) continue
    guards.push({ path, source, way: kind === 'folder' ? 'empty-folder' : 'empty-file' })
    placeholders.push(path)
    held.set(path, (held.get(path) ?? 0) + 1)
  }
  return {
    guards,
    release: async () => {
      for (const path of unwanted) await rm(path, { recursive: true, force: true })
      await release(placeholders)
    },
  }
}

/** A link among them leads to what is seen by its own name, or to nothing that is seen. */
async function listSecrets(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => isSecretName(entry.name) && !entry.isSymbolicLink()).map(({ name }) => name)
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function release(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const users = (held.get(path) ?? 1) - 1
    if (users > 0) {
      held.set(path, users)
      continue
    }
    held.delete(path)
    const info = await lstat(path).catch(() => undefined)
    // Only what is still the empty thing that was put there.
    if (info?.isDirectory()) await rmdir(path).catch(() => {})
    else if (info?.isFile() && info.size === 0) await unlink(path).catch(() => {})
  }
}
