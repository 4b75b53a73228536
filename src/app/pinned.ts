import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { findEnsemble } from '../config/find-ensemble.ts'
import { resolveScript } from '../config/scripts.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import type { App } from './app.ts'
import { newestFiles, PERMITS } from './permits.ts'
import { projectDigest } from './project-digest.ts'
import { loadContents } from './run-report.ts'

interface NamedText {
  readonly name: string
  readonly content: string
}

/**
 * A run goes on with the definition it was started with, in the project it was started in. If a file of it says something else now, that is
 * refused as `definition_changed`, another project as `project_differs`; or, when accepted, answered with the files now in force.
 * Files that are gone change nothing.
 */
export async function comparePinned(
  app: App,
  { run, events, accept }: { readonly run: string; readonly events: readonly Event[]; readonly accept: boolean },
): Promise<readonly NamedText[] | undefined> {
  const changed: Problem[] = [...checkProject(app, events)]
  const now: NamedText[] = []
  for (const { name, content: was } of await readPinnedFiles(app, { run, events })) {
    const found = await readNow(app, name)
    // Secrets in it were left out when it was pinned.
    const is = found === undefined ? was : app.redact(found)
    now.push({ name, content: is })
    if (is === was) continue
    const hint =
      'Take it up with --accept-changed to go on with the definition it was started with, or start a new run.'
    changed.push({ code: 'definition_changed', message: `the ${name} has changed since the run was started`, hint })
  }
  if (changed.length === 0) return undefined
  if (!accept) throw new OrcError(changed)
  return now
}

/** The files of the definition in force, as far as their contents are there. */
export async function readPinnedFiles(
  app: App,
  { run, events }: { readonly run: string; readonly events: readonly Event[] },
): Promise<readonly NamedText[]> {
  const pinned = newestFiles(events)
  const { blobs } = await app.openJournal()
  const read = await loadContents(
    pinned.map((file) => file.content),
    run,
    blobs,
  )
  return pinned.flatMap(({ name, content }) => {
    const text = read(content)
    return typeof text === 'string' ? [{ name, content: text }] : []
  })
}

/** Its policy, scripts and files are those of another folder. */
function checkProject({ paths }: App, [first]: readonly Event[]): readonly Problem[] {
  const started = first?.type === 'run-started' ? first.data.project : undefined
  if (started === undefined || (paths.project !== undefined && projectDigest(paths.project) === started)) return []
  const hint = 'Go to its folder. If the folder has moved: llm-orc runs resume RUN --accept-changed'
  return [{ code: 'project_differs', message: 'the run was started in another project', hint }]
}

async function readNow(app: App, name: string): Promise<string | undefined> {
  if (name === PERMITS) return undefined
  const [kind = '', ...words] = name.split(' ')
  const reference = words.join(' ')
  if (kind === 'file')
    return readFile(resolve(app.paths.project ?? app.paths.cwd, reference), 'utf8').catch(() => undefined)
  if (kind === 'ensemble') {
    const looked = await findEnsemble(reference, app.paths)
    return 'found' in looked ? looked.found.text : undefined
  }
  if (kind === 'chain' || kind === 'workflow')
    return (await import('./target-chain.ts')).readPinned(app, kind, reference)
  const script = await resolveScript(reference, app.paths, { node: process.execPath })
  return script.type === 'file' ? readFile(script.path, 'utf8').catch(() => undefined) : undefined
}
