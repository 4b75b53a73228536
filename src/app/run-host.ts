import type { Delta } from '../engine/effect.ts'
import { OrcError } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import { upcast } from '../events/upcast.ts'
import { findStream } from '../journal/journal.ts'
import type { App } from './app.ts'
import { keepBatch, requireSameTarget } from './batch.ts'
import { readBatch } from './batch-record.ts'
import type { Coming, Driven, Keeper } from './driven.ts'
import { projectDigest } from './project-digest.ts'
import { sketchRuns } from './run-sketch.ts'
import { continueRun, type RunOrder, runTarget } from './runs.ts'

/** Live text of a run that is driven here. It is in no journal, and may be lost. */
export interface LiveText {
  readonly run: string
  readonly step: string
  readonly attempt: number
  readonly delta: Delta
  /** The number of the last event that was on disk when it was said; the one that opened its step is among those before. */
  readonly after: number
}

/** Told of everything runs do in this process, of all of them. */
export interface Listener {
  events?(run: string, events: readonly Event[]): void
  text?(text: LiveText): void
}

/** The runs of a server: they live on when the request that began them is over. */
export interface RunHost extends Keeper {
  /** The ids of those under way here. */
  running(): readonly string[]
  /** Begins a run and answers with its id; it is driven here. */
  submit(order: RunOrder): Promise<string>
  /** Events from `from` on, as they are committed by whichever process, until the signal aborts. */
  follow(run: string, from: number, signal: AbortSignal): AsyncIterable<Event>
  /** Events `from`..`to` inclusive, as far as they exist now. */
  read(run: string, from: number, to: number): AsyncIterable<Event>
  /** The number of its last event; 0 when there is no such run. */
  head(run: string): Promise<number>
  /** Of one run, or of all; answers with a function that ends it. */
  listen(run: string | undefined, listener: Listener): () => void
  /** Takes up what an earlier server of this project left unfinished; answers with the ids, and with those that cannot go on. */
  adopt(): Promise<Adopted>
  /** Takes nothing new, gives what runs this long to end, and lets go of the rest, so that another process may take it up. */
  close(grace_ms: number): Promise<void>
}

export interface Adopted {
  readonly taken: readonly string[]
  readonly left: readonly { readonly run: string; readonly why: string }[]
}

export function createRunHost(app: App): RunHost {
  const kept = new Map<string, Driven>()
  /** Runs that are about to begin, and whose. */
  const coming = new Map<string, string | undefined>()
  const listeners = new Map<string | undefined, Set<Listener>>()
  let closing = false

  const tell = (run: string, say: (listener: Listener) => void) => {
    for (const key of [run, undefined]) for (const listener of listeners.get(key) ?? []) say(listener)
  }
  const host: RunHost = {
    admit: (wanted) => {
      if (closing) throw shuttingDown()
      if (!wanted) return
      requirePlace(wanted, { kept, coming })
      coming.set(wanted.run, wanted.principal?.name)
    },
    dismiss: (run) => void coming.delete(run),
    watch: (run) => {
      let after = 0
      return {
        events: (events) => {
          after = events.at(-1)?.seq ?? after
          tell(run, (listener) => listener.events?.(run, events))
        },
        delta: (step, attempt, delta) => {
          const text = { run, step, attempt, delta, after }
          tell(run, (listener) => listener.text?.(text))
        },
      }
    },
    keep: (driven) => {
      kept.set(driven.id, driven)
      coming.delete(driven.id)
      const forget = () => {
        if (kept.get(driven.id) === driven) kept.delete(driven.id)
      }
      // A failure is the caller's to tell, if there still is one; the journal says what became of the run.
      driven.result.then(forget, forget)
      if (closing) void driven.letGo()
    },
    running: () => [...kept.values()].flatMap(({ id, kind }) => (kind === 'run' ? [id] : [])),
    submit: async (order) => (await runTarget(app, order, { keeper: host, detached: true })).run,
    follow: async function* (run, from, signal) {
      const { journal } = await app.openJournal()
      for await (const record of journal.follow(`run/${run}`, from, signal)) yield upcast(record.data)
    },
    read: async function* (run, from, to) {
      const { journal } = await app.openJournal()
      for await (const record of journal.read(`run/${run}`, from, to)) yield upcast(record.data)
    },
    head: async (run) => {
      const { journal } = await app.openJournal()
      return (await findStream(journal, `run/${run}`))?.last ?? 0
    },
    listen: (run, listener) => {
      const those = listeners.get(run) ?? new Set()
      listeners.set(run, those.add(listener))
      return () => {
        those.delete(listener)
        if (those.size === 0 && listeners.get(run) === those) listeners.delete(run)
      }
    },
    adopt: async () => {
      const [runs, batches] = [await adoptRuns(app, host), await adoptBatches(app, host)]
      return { taken: [...runs.taken, ...batches.taken], left: [...runs.left, ...batches.left] }
    },
    close: async (grace_ms) => {
      closing = true
      await waitFor(kept, grace_ms)
      await Promise.all([...kept.values()].map((driven) => driven.letGo()))
    },
  }
  return host
}

async function adoptRuns(app: App, host: RunHost): Promise<Adopted> {
  const taken: string[] = []
  const left: { readonly run: string; readonly why: string }[] = []
  for await (const { id, first, last } of sketchRuns(app, { all: false })) {
    // What a command line began is that command line's; what rests waits for a word.
    if (!last || last.type === 'run-finished' || first?.data.started_by !== 'server') continue
    if (last.type === 'run-paused' && !(await wasTold(app, id, last.at))) continue
    try {
      await continueRun(app, id, { keeper: host, detached: true })
      taken.push(id)
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      if (error.code !== 'run_held') left.push({ run: id, why: error.message })
    }
  }
  return { taken, left }
}

/** Has somebody spoken to it since? Then its server died before it could listen. */
async function wasTold(app: App, run: string, since: number): Promise<boolean> {
  const { journal } = await app.openJournal()
  const inbox = await findStream(journal, `inbox/${run}`)
  return inbox !== undefined && inbox.updated > since
}

/** A batch goes on with its next item; items under way are runs, and were taken up with them. */
async function adoptBatches(app: App, host: RunHost): Promise<Adopted> {
  const taken: string[] = []
  const left: { readonly run: string; readonly why: string }[] = []
  const own = app.paths.project === undefined ? undefined : projectDigest(app.paths.project)
  const { journal } = await app.openJournal()
  for (const { stream } of await journal.list({ prefix: 'batch/' })) {
    const id = stream.slice('batch/'.length)
    const state = await readBatch(app, id)
    const { status, start, cancelled } = state
    if (status !== 'running' || start.started_by !== 'server' || start.project !== own) continue
    try {
      if (!cancelled) await requireSameTarget(app, state)
      keepBatch(app, id, { keeper: host })
      taken.push(id)
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      left.push({ run: id, why: error.message })
    }
  }
  return { taken, left }
}

/** The limit is on runs under way: those that rest cost nothing. */
function requirePlace(
  { run, principal }: Coming,
  {
    kept,
    coming,
  }: { readonly kept: ReadonlyMap<string, Driven>; readonly coming: ReadonlyMap<string, string | undefined> },
): void {
  const most = principal?.limits?.concurrent
  if (principal === undefined || most === undefined || kept.has(run)) return
  const running = [...kept.values()].filter((each) => each.kind === 'run' && each.principal === principal.name)
  const arriving = [...coming.values()].filter((name) => name === principal.name)
  if (running.length + arriving.length < most) return
  const message = `${principal.name} may have ${most} ${most === 1 ? 'run' : 'runs'} under way`
  throw new OrcError({ code: 'access_limited', message, hint: 'Ask again when one has ended.' })
}

function shuttingDown(): OrcError {
  const hint = 'Ask again when it is back; what was running goes on by itself.'
  return new OrcError({ code: 'shutting_down', message: 'this server is shutting down', hint })
}

async function waitFor(kept: ReadonlyMap<string, Driven>, ms: number): Promise<void> {
  const patience = new Promise<void>((resolve) => setTimeout(resolve, ms).unref())
  const all = async () => {
    while (kept.size > 0) await Promise.allSettled([...kept.values()].map(({ result }) => result))
  }
  await Promise.race([all(), patience])
}
