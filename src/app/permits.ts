import { OrcError } from '../events/errors.ts'
import type { Event, PinnedFile } from '../events/event.ts'
import type { App } from './app.ts'
import type { Permits } from './policy.ts'
import { loadContents } from './run-report.ts'

/** Among the pinned files of a definition: what the command line allowed and forbade for this run, the cache included. */
export const PERMITS = 'permits'

interface NamedText {
  readonly name: string
  readonly content: string
}

/** As a file of the definition, so that every process that takes the run up goes by the same words. */
export function pinPermits(files: readonly NamedText[], permits: Permits): readonly NamedText[] {
  const others = files.filter(({ name }) => name !== PERMITS)
  return hasPermits(permits) ? [...others, { name: PERMITS, content: JSON.stringify(permits) }] : others
}

export function hasPermits({ allow = [], deny = [], no_cache = false }: Permits): boolean {
  return allow.length + deny.length > 0 || no_cache
}

/** Both together; what is forbidden stays so. */
export function joinPermits(before: Permits, more: Permits): Permits {
  const join = (word: 'allow' | 'deny') => [...new Set([...(before[word] ?? []), ...(more[word] ?? [])])]
  const no_cache = before.no_cache === true || more.no_cache === true
  return { allow: join('allow'), deny: join('deny'), ...(no_cache ? { no_cache } : {}) }
}

/** The permits that a run has, in the newest form of its definition. */
export async function readPermits(app: App, run: string, events: readonly Event[]): Promise<Permits> {
  const pinned = newestFiles(events).find(({ name }) => name === PERMITS)
  if (!pinned) return {}
  const { blobs } = await app.openJournal()
  const content = (await loadContents([pinned.content], run, blobs))(pinned.content)
  if (typeof content === 'string') return JSON.parse(content) as Permits
  const message = `what was allowed and forbidden for the run ${run} has been removed from its record`
  throw new OrcError({ code: 'content_removed', message, hint: 'Start a new run.' })
}

/** The files of the definition that is in force. */
export function newestFiles(events: readonly Event[]): readonly PinnedFile[] {
  for (const event of events.toReversed()) {
    if (event.type === 'run-resumed' || event.type === 'run-started' || event.type === 'run-forked')
      return event.data.files
  }
  return []
}
