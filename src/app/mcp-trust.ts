import { hash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { McpServerEntry } from '../config/mcp-servers.ts'
import type { Paths } from '../config/paths.ts'
import { canonicalJson } from '../events/canonical.ts'
import { OrcError } from '../events/errors.ts'
import type { Json } from '../events/values.ts'

/** What the user has looked at and let start. The digest is the approval; the rest is for people. */
interface Trusted {
  readonly digest: string
  readonly name: string
  readonly file: string
  /** ISO 8601 UTC. */
  readonly at: string
}

/** Digest over everything that decides what is started, or what is sent where: as written, and with what a `.env` of the project gives to that. */
export function digestServer({ name, words, folder, given = {} }: McpServerEntry): string {
  const { command, args = [], env = {}, cwd = null, url, headers = {}, oauth = {} } = words
  const what = url === undefined ? { command, args, env, cwd, folder } : { url, headers, oauth }
  return hash(
    'sha256',
    canonicalJson({ name, ...what, ...(Object.keys(given).length > 0 ? { given } : {}) } as unknown as Json),
    'hex',
  )
}

export async function isTrusted(paths: Paths, entry: McpServerEntry): Promise<boolean> {
  if (entry.own) return true
  const digest = digestServer(entry)
  return (await readTrusted(paths)).some((each) => each.digest === digest)
}

/** Keeps the word given; what was trusted before under the same name and file is not, any more. */
export async function trustServer(paths: Paths, entry: McpServerEntry): Promise<void> {
  const { name, file } = entry
  const others = (await readTrusted(paths)).filter((each) => each.name !== name || each.file !== file)
  await writeTrusted(paths, [...others, { digest: digestServer(entry), name, file, at: new Date().toISOString() }])
}

export async function distrustServer(paths: Paths, entry: McpServerEntry): Promise<void> {
  const trusted = await readTrusted(paths)
  const left = trusted.filter((each) => each.name !== entry.name || each.file !== entry.file)
  if (left.length < trusted.length) await writeTrusted(paths, left)
}

function fileOf(paths: Paths): string {
  return join(paths.state, 'mcp-trust.json')
}

/** What cannot be read is trust that nobody has. */
async function readTrusted(paths: Paths): Promise<readonly Trusted[]> {
  const text = await readFile(fileOf(paths), 'utf8').catch(() => '')
  try {
    const { servers } = JSON.parse(text) as { readonly servers?: unknown }
    return Array.isArray(servers) ? servers.filter((each): each is Trusted => typeof each?.digest === 'string') : []
  } catch {
    return []
  }
}

async function writeTrusted(paths: Paths, servers: readonly Trusted[]): Promise<void> {
  const file = fileOf(paths)
  const draft = `${file}.${randomUUID()}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(draft, `${JSON.stringify({ servers }, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw new OrcError({
      code: 'file_unreadable',
      message: `${file} cannot be written (${String((error as { code?: string }).code)})`,
      hint: 'Check its owner and its rights.',
      file,
    })
  }
}
