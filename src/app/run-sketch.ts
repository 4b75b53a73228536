import { readEvent } from '../engine/engine.ts'
import { OrcError } from '../events/errors.ts'
import type { Event, EventOf } from '../events/event.ts'
import { findStream } from '../journal/journal.ts'
import type { App } from './app.ts'
import { projectDigest } from './project-digest.ts'

/** A run as its first and last event tell it, without reading what is between. */
export interface RunSketch {
  readonly id: string
  readonly events: number
  /** ms UTC, when its first record was written. */
  readonly created: number
  /** Absent where it cannot be read. */
  readonly first?: EventOf<'run-started'>
  readonly last?: Event
  /** Why one of them cannot be read. */
  readonly unreadable?: string
}

/**
 * Runs of this project, or of all, newest first. One that cannot be read is told of and hides no other; it belongs to this project as long
 * as nothing says otherwise.
 */
export async function* sketchRuns(app: App, { all }: { readonly all: boolean }): AsyncGenerator<RunSketch> {
  const own = app.paths.project === undefined ? undefined : projectDigest(app.paths.project)
  const { journal } = await app.openJournal()
  for (const { stream, last, created } of await journal.list({ prefix: 'run/' })) {
    const sketch = await sketchRun(app, { id: stream.slice('run/'.length), events: last, created })
    if (all || !sketch.first || sketch.first.data.project === own) yield sketch
  }
}

/** OrcError `not_found` when there is no such run. */
export async function findSketch(app: App, id: string): Promise<RunSketch> {
  const { journal } = await app.openJournal()
  const info = await findStream(journal, `run/${id}`)
  if (info) return sketchRun(app, { id, events: info.last, created: info.created })
  throw new OrcError({ code: 'not_found', message: `there is no run ${id}` })
}

async function sketchRun(app: App, place: Pick<RunSketch, 'id' | 'events' | 'created'>): Promise<RunSketch> {
  const reasons: string[] = []
  const read = async (seq: number): Promise<Event | undefined> => {
    try {
      const event = await readEvent(await app.openJournal(), place.id, seq)
      if (event?.seq === seq) return event
      reasons.push(`event ${seq} is not an event`)
    } catch (error) {
      if (!(error instanceof OrcError) || !SPOILT.has(error.code)) throw error
      reasons.push(error.message)
    }
    return undefined
  }
  const [first, last] = [await read(1), await read(place.events)]
  if (first && !isStart(first)) reasons.push('event 1 does not start a run')
  return {
    ...place,
    ...(first && isStart(first) ? { first } : {}),
    ...(last ? { last } : {}),
    ...(reasons.length > 0 ? { unreadable: reasons.join(' ') } : {}),
  }
}

/** A fault of one run's records; others are faults of the whole journal. */
const SPOILT: ReadonlySet<string> = new Set(['journal_damaged', 'journal_newer'])

function isStart(event: Event): event is EventOf<'run-started'> {
  return event.type === 'run-started' && typeof event.data?.target?.name === 'string' && Number.isFinite(event.at)
}
