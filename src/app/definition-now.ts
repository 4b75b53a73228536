import { resolve } from 'node:path'
import { OrcError } from '../events/errors.ts'
import type { Event, EventOf } from '../events/event.ts'
import { isJsonObject } from '../steps/read-json.ts'
import type { App } from './app.ts'
import { loadContents } from './run-report.ts'
import { findTarget, type Target } from './target.ts'
import { findNamedTarget } from './target-named.ts'

/** What a run was started with, as it would be compiled today: with today's files, profiles and models. */
export async function findDefinitionNow(app: App, run: string, started: EventOf<'run-started'>): Promise<Target> {
  const { target, files } = started.data
  const [kind, ...words] = (files[0]?.name ?? '').split(' ')
  const name = words.join(' ')
  if (kind === 'ensemble') return findTarget(app, name)
  if (kind === 'file' && target.kind === 'ensemble')
    return findTarget(app, resolve(app.paths.project ?? app.paths.cwd, name))
  if (kind === 'chain') return (await import('./target-chain.ts')).findChainTarget(app, name)
  if (kind === 'workflow') {
    const { blobs } = await app.openJournal()
    const params = (await loadContents([started.data.input], run, blobs))(started.data.input)
    const { findWorkflowTarget } = await import('./target-chain.ts')
    return (await findWorkflowTarget(app, name, { params: isJsonObject(params) ? params : {} })).target
  }
  throw new OrcError({
    code: 'not_found',
    message: `the run ${run} was made from its command line, so it has no definition that could have changed`,
    hint: 'Name what it is to be compared with.',
  })
}

/** What a person names: an ensemble by name or path, a chain, a workflow. */
export async function findDefinition(app: App, name: string): Promise<Target> {
  return (await findNamedTarget(app, name, { params: {} })).target
}

/** The first event of a run; a record without one is no run. */
export function requireStart(events: readonly Event[]): EventOf<'run-started'> {
  const [first] = events
  if (first?.type === 'run-started') return first
  throw new OrcError({ code: 'journal_damaged', message: 'the run does not begin with its start' })
}
