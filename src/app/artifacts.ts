import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { OrcError } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import { toExecution } from '../events/views/execution.ts'
import { reportToMarkdown } from '../events/views/report-markdown.ts'
import type { RunReport } from '../events/views/run-report.ts'
import {
  findEnsembleFolder,
  findLatest,
  listExecutions,
  makeExecutionId,
  pointLatest,
  readExecutionId,
  readPlainFile,
  refused,
} from './artifact-folders.ts'
import { type Artifact, readArtifact } from './artifact-reader.ts'

export interface ArtifactPlace {
  readonly ensemble: string
  /** `YYYYMMDD-HHMMSS-mmm`. */
  readonly id: string
  readonly folder: string
}

const DEEPEST = 16

/**
 * Writes the readable folder a run leaves: `DIR/ENSEMBLE/ID/` with `execution.json`, `execution.md`, and
 * `events.jsonl` when events are given; `latest` then names the newest. Readers never see half a folder.
 */
export async function writeArtifacts({
  dir,
  report,
  events,
}: {
  readonly dir: string
  readonly report: RunReport
  readonly events?: Iterable<Event>
}): Promise<ArtifactPlace> {
  const ensemble = report.target.name
  const parent = await findEnsembleFolder(dir, ensemble)
  await mkdir(parent, { recursive: true })
  const fresh = join(parent, `.writing-${randomUUID()}`)
  await mkdir(fresh)
  try {
    const execution = { ...toExecution(report), run: report.run, report }
    await writeFile(join(fresh, 'execution.json'), `${JSON.stringify(execution, null, 2)}\n`)
    await writeFile(join(fresh, 'execution.md'), reportToMarkdown(report))
    if (events) {
      const lines = Array.from(events, (event) => `${JSON.stringify(event)}\n`)
      await writeFile(join(fresh, 'events.jsonl'), lines.join(''))
    }
    const id = await settleFolder(fresh, parent, Date.parse(report.ended ?? report.started ?? '') || 0)
    await pointLatest(parent)
    return { ensemble, id, folder: join(parent, id) }
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  }
}

/** Folders that this process knows to be taken, oldest first: hundreds of runs may end at once, and need not all knock at the same doors. */
const taken = new Set<string>()
const MOST_TAKEN = 4096

/** Two runs may end in the same millisecond: the next free one is taken. */
async function settleFolder(fresh: string, parent: string, at: number): Promise<string> {
  for (let moment = at; ; moment += 1) {
    const id = makeExecutionId(moment)
    const folder = join(parent, id)
    if (taken.has(folder)) continue
    taken.add(folder)
    for (const oldest of taken.size > MOST_TAKEN ? [...taken].slice(0, MOST_TAKEN / 2) : []) taken.delete(oldest)
    try {
      await rename(fresh, folder)
      return id
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error
    }
  }
}

/** Every execution below `dir`, newest first; of one ensemble if named. Links are never followed. */
export async function listArtifacts(dir: string, ensemble?: string): Promise<ArtifactPlace[]> {
  const places =
    ensemble === undefined ? await walk(dir, dir, 0) : await placesIn(dir, await findEnsembleFolder(dir, ensemble))
  return places.sort((a, b) => (a.id === b.id ? compare(a.ensemble, b.ensemble) : compare(b.id, a.id)))
}

/** One stored execution; throws `not_found`, `name_refused`, `artifact_refused` or `artifact_unreadable`. */
export async function showArtifact(
  dir: string,
  ensemble: string,
  execution = 'latest',
): Promise<ArtifactPlace & { readonly artifact: Artifact; readonly markdown?: string }> {
  const place = await findExecution(dir, ensemble, execution)
  const file = join(place.folder, 'execution.json')
  const text = await readPlainFile(file)
  if (text === undefined) {
    throw new OrcError({ code: 'artifact_unreadable', message: 'the execution has no execution.json', file })
  }
  const markdown = await readPlainFile(join(place.folder, 'execution.md'))
  return { ...place, artifact: readArtifact(text, file), ...(markdown === undefined ? {} : { markdown }) }
}

/** Removes one execution's folder. `latest` is refused: what it names may change meanwhile. */
export async function deleteArtifact(dir: string, ensemble: string, id: string): Promise<ArtifactPlace> {
  if (id === 'latest') throw refused('latest is a link, not an execution', 'Name the execution by its id.')
  const place = await findExecution(dir, ensemble, id)
  await removeFolders(dir, [place])
  return place
}

/**
 * Removes executions older than so many days and says which; a dry run only says which. What `latest` names is judged
 * by its own age like every other, and `latest` is pointed anew afterwards.
 */
export async function cleanupArtifacts({
  dir,
  ensemble,
  older_than_days,
  dry_run,
  now,
}: {
  readonly dir: string
  readonly ensemble?: string
  readonly older_than_days: number
  readonly dry_run: boolean
  /** ms UTC. */
  readonly now: number
}): Promise<{ readonly dry_run: boolean; readonly removed: readonly ArtifactPlace[] }> {
  if (!Number.isFinite(older_than_days) || older_than_days < 0) {
    throw new OrcError({ code: 'bad_input', message: 'older_than_days must be a number that is not negative' })
  }
  const limit = now - older_than_days * 86_400_000
  const old = (await listArtifacts(dir, ensemble)).filter((place) => (readExecutionId(place.id) ?? now) < limit)
  if (!dry_run) await removeFolders(dir, old)
  return { dry_run, removed: old }
}

async function findExecution(dir: string, ensemble: string, execution: string): Promise<ArtifactPlace> {
  const parent = await findEnsembleFolder(dir, ensemble)
  const id = execution === 'latest' ? await findLatest(parent) : execution
  if (id === undefined || !(await listExecutions(parent)).includes(id)) {
    const message =
      id === undefined ? `${ensemble} has no stored execution` : `${ensemble} has no such stored execution`
    throw new OrcError({ code: 'not_found', message, hint: '`artifacts list` shows what is stored.' })
  }
  return { ensemble, id, folder: join(parent, id) }
}

async function walk(dir: string, folder: string, depth: number): Promise<ArtifactPlace[]> {
  if (depth > DEEPEST) return []
  const here = folder === dir ? [] : await placesIn(dir, folder)
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const below = entries.filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && readExecutionId(entry.name) === undefined,
  )
  const nested = await Promise.all(below.map((entry) => walk(dir, join(folder, entry.name), depth + 1)))
  return [here, ...nested].flat()
}

async function placesIn(dir: string, folder: string): Promise<ArtifactPlace[]> {
  const ensemble = relative(dir, folder).split(sep).join('/')
  return (await listExecutions(folder)).map((id) => ({ ensemble, id, folder: join(folder, id) }))
}

async function removeFolders(dir: string, places: readonly ArtifactPlace[]): Promise<void> {
  for (const { folder } of places) {
    // The folder may have been swapped for a link since it was listed; `rm` itself never follows one.
    const found = await lstat(folder).catch(() => undefined)
    if (found?.isDirectory()) await rm(folder, { recursive: true, force: true })
  }
  for (const parent of new Set(places.map(({ folder }) => dirname(folder)))) {
    await pointLatest(parent)
    await removeEmptyFolders(dir, parent)
  }
}

async function removeEmptyFolders(dir: string, folder: string): Promise<void> {
  for (
    let empty = folder;
    relative(dir, empty) !== '' && !relative(dir, empty).startsWith('..');
    empty = dirname(empty)
  ) {
    try {
      await rmdir(empty)
    } catch {
      return
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
