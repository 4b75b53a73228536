import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { OrcError } from '../events/errors.ts'
import { checkRelativePath } from '../graph/name.ts'

const ID = /^\d{8}-\d{6}-\d{3}$/
/** An execution's JSON larger than this is not read. */
const MAX_BYTES = 64 * 1024 * 1024

/** The name of an execution's folder: its moment in UTC, `YYYYMMDD-HHMMSS-mmm`. */
export function makeExecutionId(at: number): string {
  const [date, time] = new Date(at).toISOString().split('T') as [string, string]
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${time.slice(9, 12)}`
}

/** The moment an id names, in ms UTC; undefined for anything that is no execution id. */
export function readExecutionId(id: string): number | undefined {
  if (!ID.test(id)) return undefined
  const part = (from: number, to: number) => id.slice(from, to)
  const date = `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}`
  const at = Date.parse(`${date}T${part(9, 11)}:${part(11, 13)}:${part(13, 15)}.${part(16, 19)}Z`)
  return Number.isNaN(at) ? undefined : at
}

/** The folder of an ensemble below `dir`. Refuses names that lead elsewhere, and links on the way. */
export async function findEnsembleFolder(dir: string, ensemble: string): Promise<string> {
  const problem = checkRelativePath(ensemble)
  if (problem) throw new OrcError(problem)
  const parts = ensemble.split('/')
  if (parts.some((part) => part.toLowerCase() === 'latest' || ID.test(part))) {
    throw refused(`the name ${ensemble} would be taken for an execution`, 'Name the ensemble otherwise.')
  }
  let folder = dir
  for (const part of parts) {
    folder = join(folder, part)
    const found = await lstat(folder).catch(() => undefined)
    if (found && !found.isDirectory()) throw refused(`${folder} is not a plain folder`, 'Replace it by a real folder.')
  }
  return folder
}

/** Ids of the executions in a folder, oldest first. Links and other files are not executions. */
export async function listExecutions(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && ID.test(entry.name))
    .map((entry) => entry.name)
    .sort()
}

/** What `latest` names, if it names an execution beside it; else the newest execution there is. */
export async function findLatest(folder: string): Promise<string | undefined> {
  const ids = await listExecutions(folder)
  const target = await readlink(join(folder, 'latest')).catch(() => undefined)
  return target !== undefined && ids.includes(target) ? target : ids.at(-1)
}

/** Points `latest` at the newest execution, in one step; removes it when there is none. File systems without links go without. */
export async function pointLatest(folder: string): Promise<void> {
  const latest = join(folder, 'latest')
  const newest = (await listExecutions(folder)).at(-1)
  const found = await lstat(latest).catch(() => undefined)
  if (found && !found.isSymbolicLink()) return
  if (newest === undefined) {
    await rm(latest, { force: true })
    return
  }
  const fresh = join(folder, `.latest-${randomUUID()}`)
  try {
    await symlink(newest, fresh)
    await rename(fresh, latest)
  } catch {
    await rm(fresh, { force: true })
  }
}

/** Reads a plain file of bounded size; undefined when there is none. Links, pipes and devices are refused. */
export async function readPlainFile(file: string): Promise<string | undefined> {
  const found = await lstat(file).catch(() => undefined)
  if (!found) return undefined
  if (!found.isFile() || found.size > MAX_BYTES) {
    throw new OrcError({
      code: 'artifact_unreadable',
      message: 'the artifact is not a plain file of sensible size',
      file,
    })
  }
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

export function refused(message: string, hint: string): OrcError {
  return new OrcError({ code: 'artifact_refused', message, hint })
}
