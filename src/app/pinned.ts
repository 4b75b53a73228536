import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { findEnsemble } from '../config/find-ensemble.ts'
import { resolveScript } from '../config/scripts.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import type { Event, PinnedFile } from '../events/event.ts'
import type { App } from './app.ts'
import { loadContents } from './run-report.ts'

interface NamedText {
  readonly name: string
  readonly content: string
}

/**
 * A run goes on with the definition it was started with. If a file of it says something else now, that is refused as
 * `definition_changed`, or, when accepted, answered with the files now in force. Files that are gone change nothing.
 */
export async function comparePinned(
  app: App,
  { run, events, accept }: { readonly run: string; readonly events: readonly Event[]; readonly accept: boolean },
): Promise<readonly NamedText[] | undefined> {
  const pinned = newestFiles(events)
  const { blobs } = await app.openJournal()
  const read = await loadContents(
    pinned.map((file) => file.content),
    run,
    blobs,
  )
  const changed: Problem[] = []
  const now: NamedText[] = []
  for (const file of pinned) {
    const was = read(file.content)
    if (typeof was !== 'string') continue
    const is = (await readNow(app, file.name)) ?? was
    now.push({ name: file.name, content: is })
    if (is === was) continue
    const hint =
      'Take it up with --accept-changed to go on with the definition it was started with, or start a new run.'
    changed.push({
      code: 'definition_changed',
      message: `the ${file.name} has changed since the run was started`,
      hint,
    })
  }
  if (changed.length === 0) return undefined
  if (!accept) throw new OrcError(changed)
  return now
}

function newestFiles(events: readonly Event[]): readonly PinnedFile[] {
  for (const event of events.toReversed()) {
    if (event.type === 'run-resumed' || event.type === 'run-started' || event.type === 'run-forked')
      return event.data.files
  }
  return []
}

async function readNow(app: App, name: string): Promise<string | undefined> {
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
