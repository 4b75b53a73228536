import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { readEvent, readEvents } from '../../engine/engine.ts'
import { OrcError } from '../../events/errors.ts'
import type { Event } from '../../events/event.ts'
import { upcast } from '../../events/upcast.ts'
import { ledgerView } from '../../events/views/ledger.ts'
import { timelineView } from '../../events/views/timeline.ts'
import { foldEvents } from '../../events/views/view.ts'
import { waitsView } from '../../events/views/waits.ts'
import type { App } from '../app.ts'
import { findAsks } from '../asks.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { findRunId } from '../run-id.ts'
import { reportRun } from '../run-report.ts'
import { findSketch, type RunSketch, sketchRuns } from '../run-sketch.ts'
import { commandRun, continueRun, holdLease, reportOf, requireRun } from '../runs.ts'
import { watchUnattended } from '../unattended.ts'
import { verifyFile, verifyStored } from '../verify.ts'
import { permitFields } from './run.ts'

const run = z.string().min(1).describe('The id of the run, its beginning, or `latest`.')

const accept_changed = z.boolean().default(false).describe('Go on although files of the definition have changed since.')

/** One line of `runs list`. */
export interface RunLine {
  readonly id: string
  readonly status: string
  readonly target: string
  /** ISO 8601 UTC. */
  readonly started: string
  readonly ended?: string
  readonly events: number
  /** Why its first or last record cannot be read; its `status` is `unreadable` then. */
  readonly unreadable?: string
}

export const listRuns = defineOperation({
  name: 'runs list',
  summary: 'List runs, newest first.',
  input: z.object({
    all: z.boolean().default(false).describe('Runs of every project, not only of this one.'),
    limit: z.int().min(1).max(10_000).default(50).describe('How many at most.'),
  }),
  run: async ({ all, limit }, { app }) => {
    const runs: RunLine[] = []
    for await (const sketch of sketchRuns(app, { all })) {
      if (runs.length >= limit) break
      runs.push(describeSketch(sketch))
    }
    return { runs: runs.toSorted((a, b) => (a.started < b.started ? 1 : -1)) }
  },
})

function describeSketch({ id, events, created, first, last, unreadable }: RunSketch): RunLine {
  return {
    id,
    status: unreadable === undefined && last ? statusAfter(last) : 'unreadable',
    target: first?.data.target.name ?? '?',
    started: new Date(first?.at ?? created).toISOString(),
    ...(last?.type === 'run-finished' ? { ended: new Date(last.at).toISOString() } : {}),
    events,
    ...(unreadable === undefined ? {} : { unreadable }),
  }
}

function statusAfter(last: Event): string {
  if (last.type === 'run-finished') return last.data.status
  return last.type === 'run-paused' ? 'resting' : 'unfinished'
}

export const showRun = defineOperation({
  name: 'runs show',
  summary: 'Show what a run did, and what it asks.',
  input: z.object({
    run,
    at: z.int().min(1).optional().describe('As it stood after this event; default: after the last.'),
    timeline: z.boolean().default(false).describe('When each step ran, side by side, with its attempts and waits.'),
    effects: z.boolean().default(false).describe('Every touch of the world: intent, tries, outcome, cost.'),
  }),
  run: async (input, { app }) => {
    const id = await findRunId(app, input.run)
    const all = await requireRun(app, id)
    const events = input.at === undefined ? all : all.slice(0, input.at)
    const last = events.at(-1) as Event
    if (input.at !== undefined && last.seq !== input.at) {
      const message = `the run ${id} has no event ${input.at}`
      throw new OrcError({ code: 'not_found', message, hint: `Its last event is ${all.length}.` })
    }
    const { blobs } = await app.openJournal()
    return {
      run: id,
      events: all.length,
      ...(input.at === undefined
        ? {}
        : { at: { seq: last.seq, type: last.type, time: new Date(last.at).toISOString() } }),
      report: await reportRun(events, id, blobs),
      asks: await findAsks(app, id, events),
      ...(input.timeline ? { timeline: drawTimeline(events) } : {}),
      ...(input.effects ? { effects: listEffects(events) } : {}),
    }
  },
})

/** Times are ms after the start of the run; `now` is that of the last event. */
function drawTimeline(events: readonly Event[]) {
  const { start = 0, spans, lanes } = foldEvents(timelineView, events)
  const { waits } = foldEvents(waitsView, events)
  const shift = <T extends { readonly start: number; readonly end?: number }>(part: T): T => ({
    ...part,
    start: part.start - start,
    ...(part.end === undefined ? {} : { end: part.end - start }),
  })
  const now = (events.at(-1) as Event).at - start
  return { now, lanes, spans: spans.map(shift), waits: waits.map(shift) }
}

/** Without the requests, which may be long: they stand in the events. */
function listEffects(events: readonly Event[]) {
  return foldEvents(ledgerView, events).entries.map((entry) => {
    const { request: _, since, ...rest } = entry
    return { ...rest, since: new Date(since).toISOString() }
  })
}

export const tailRun = defineOperation({
  name: 'runs tail',
  summary: 'Print the events of a run, and go on while it runs.',
  input: z.object({ run, from: z.int().min(1).default(1).describe('The first event to print.') }),
  run: async (input, { app, signal, watcher, say }) => {
    const id = await findRunId(app, input.run)
    const { journal } = await app.openJournal()
    const unattended = say && watchUnattended(app, id, say)
    let printed = 0
    try {
      for await (const record of journal.follow(`run/${id}`, input.from, signal)) {
        const event = upcast(record.data)
        watcher?.events?.([event])
        unattended?.heard()
        printed += 1
        if (event.type === 'run-finished' || event.type === 'run-paused') {
          const next = await readEvent({ journal }, id, event.seq + 1)
          if (!next) break
        }
      }
    } finally {
      unattended?.end()
    }
    return { run: id, events: printed }
  },
})

export const replayRun = defineOperation({
  name: 'runs replay',
  summary: 'Verify a run or a bundle: execute it again from its record, touch nothing, and compare every event.',
  input: z.object({ run: z.string().min(1).describe('The id of the run, its beginning, `latest`, or a bundle file.') }),
  run: async (input, { app }) => {
    const file = resolve(app.paths.cwd, input.run)
    if (await isFile(file)) return verifyFile(file)
    const id = await findRunId(app, input.run)
    return { run: id, ...(await verifyStored(app, id)) }
  },
})

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}

export const cancelRun = defineOperation({
  name: 'runs cancel',
  summary: 'Cancel a run, wherever it is being driven.',
  input: z.object({ run, reason: z.string().optional().describe('Why; kept in the journal.') }),
  run: async (input, call) => {
    const { app } = call
    const id = await findRunId(app, input.run)
    const command = { type: 'cancel' as const, ...(input.reason === undefined ? {} : { reason: input.reason }) }
    // To end a run neither its definition nor a policy is needed, whatever became of them since.
    return commandRun(app, id, { ...steeringOf(call), commands: [command], accept_changed: true, ending: true })
  },
})

export const resumeRunOperation = defineOperation({
  name: 'runs resume',
  summary: 'Take up an unfinished run where its journal ends.',
  input: z.object({
    run,
    accept_changed,
    ...permitFields,
  }),
  run: async ({ run: named, accept_changed, allow, deny }, call) => {
    const { app } = call
    return continueRun(app, await findRunId(app, named), {
      ...steeringOf(call),
      accept_changed,
      permits: { allow, deny },
    })
  },
})

export const steerRun = defineOperation({
  name: 'runs steer',
  summary: 'Say something to the steps of a run that are under way; they read it before their next turn.',
  input: z.object({
    run,
    text: z.string().min(1).describe('What they are to know or do.'),
    step: z.string().min(1).optional().describe('Only this step and those below it.'),
    accept_changed,
  }),
  run: async ({ run: named, text, step, accept_changed }, call) => {
    const { app } = call
    const id = await findRunId(app, named)
    if (step !== undefined) await requireStep(app, id, step)
    const command = { type: 'steer' as const, text, ...(step === undefined ? {} : { step }) }
    return commandRun(app, id, { ...steeringOf(call), commands: [command], accept_changed })
  },
})

async function requireStep(app: App, id: string, step: string): Promise<void> {
  const { agents } = await reportOf(app, id)
  const found = agents.find(({ name }) => name === step)
  if (found && (found.status === 'waiting' || found.status === 'running' || found.status === 'retrying')) return
  const open = agents.filter(({ status }) => status === 'running' || status === 'retrying').map(({ name }) => name)
  const message = found ? `the step ${step} has ended: ${found.status}` : `the run ${id} has no step ${step}`
  const hint = open.length > 0 ? `Under way: ${open.join(', ')}` : 'No step is under way.'
  throw new OrcError({ code: 'not_found', message, hint })
}

export const resolveStep = defineOperation({
  name: 'runs resolve',
  summary: 'Say what became of an effect nobody knows the outcome of; the run goes on.',
  input: z.object({
    run,
    step: z.string().min(1).describe('The step that asks, or the key of its effect.'),
    outcome: z
      .enum(['done', 'failed', 'not-done'])
      .describe(
        'done: it happened (give --answer) · failed: it happened and failed · not-done: it never happened, do it now.',
      ),
    answer: z.string().optional().describe('What it answered, as JSON or text; for a script its output.'),
    accept_changed,
  }),
  run: async (input, call) => {
    const { app } = call
    const id = await findRunId(app, input.run)
    const open = await findOpenAsk(app, id, input.step)
    if (!open) {
      const asks = (await findAsks(app, id, await requireRun(app, id))).map(({ key }) => key)
      const hint = asks.length > 0 ? `It asks about: ${asks.join(', ')}` : 'It asks about nothing.'
      throw new OrcError({ code: 'not_found', message: `the run ${id} does not ask about ${input.step}`, hint })
    }
    const about = { type: 'resolve' as const, key: open.key, intent: open.intent }
    const { outcome } = input
    const command =
      outcome === 'done' ? { ...about, outcome, answer: readAnswer(open.kind, input.answer) } : { ...about, outcome }
    const { accept_changed } = input
    return commandRun(app, id, { ...steeringOf(call), commands: [command], accept_changed })
  },
})

/** An effect somebody has to speak about; `intent` is the newest intent of it, so that the words mean this try and no later one. */
interface OpenAsk {
  readonly key: string
  readonly kind: string
  readonly step: string
  readonly intent: number
}

async function findOpenAsk(app: App, id: string, named: string): Promise<OpenAsk | undefined> {
  const intents = new Map<string, OpenAsk>()
  const open = new Set<string>()
  for await (const event of readEvents(await app.openJournal(), id)) {
    if (event.type === 'effect-intended') {
      const { key, kind, step } = event.data
      intents.set(key, { key, kind, step, intent: event.seq })
      if (kind === 'ask') open.add(key)
      else open.delete(key)
    }
    if (event.type === 'effect-unknown') open.add(event.data.key)
    if (event.type === 'effect-done' || event.type === 'effect-failed') open.delete(event.data.key)
  }
  return [...open].flatMap((key) => intents.get(key) ?? []).find((ask) => ask.key === named || ask.step === named)
}

/** What a person says a script printed becomes the answer its executor would have given. */
function readAnswer(kind: string, text: string | undefined) {
  const given = text ?? ''
  if (kind === 'script') return { exit: 0, stdout: given, stderr: '', truncated: false }
  try {
    return JSON.parse(given)
  } catch {
    return given
  }
}

export const deleteRun = defineOperation({
  name: 'runs delete',
  summary: 'Remove the journal of a run that nobody drives, and the contents no other run holds.',
  input: z.object({ run, confirm: z.boolean().default(false).describe('Really remove it.') }),
  run: async (input, { app }) => {
    const id = await findRunId(app, input.run)
    // A run that cannot be read can be removed like any other.
    const { last, events } = await findSketch(app, id)
    const ended = last?.type === 'run-finished'
    if (!input.confirm) {
      throw new OrcError({
        code: 'confirmation_needed',
        message: `this removes the run ${id}${ended ? '' : ', which has not ended,'} and its ${events} events for good`,
        hint: 'Add --confirm to do it.',
      })
    }
    // Refused while another process drives the run: its record would vanish under its feet.
    if (!ended) await holdLease(app, id)
    const { journal } = await app.openJournal()
    await journal.remove(id)
    return { run: id, deleted: true }
  },
})

export const pruneRuns = defineOperation({
  name: 'runs prune',
  summary: 'Remove old ended runs.',
  input: z.object({
    older_than: z.number().min(0).default(30).describe('Days since the run ended.'),
    keep: z.int().min(0).default(20).describe('The newest runs are kept in any case.'),
    all: z.boolean().default(false).describe('Runs of every project, not only of this one.'),
    dry_run: z.boolean().default(false).describe('Only say what would be removed.'),
  }),
  run: async (input, { app }) => {
    const { journal } = await app.openJournal()
    const before = Date.now() - input.older_than * 86_400_000
    const removed: string[] = []
    const unreadable: { readonly run: string; readonly reason: string }[] = []
    let kept = 0
    for await (const sketch of sketchRuns(app, { all: input.all })) {
      const { id, last } = sketch
      // Nobody knows whether it has ended; `runs delete` removes it all the same.
      if (sketch.unreadable !== undefined) {
        unreadable.push({ run: id, reason: sketch.unreadable })
        continue
      }
      kept += 1
      if (kept <= input.keep || last?.type !== 'run-finished' || last.at > before) continue
      removed.push(id)
      if (!input.dry_run) await journal.remove(id)
    }
    return { dry_run: input.dry_run, removed, ...(unreadable.length > 0 ? { unreadable } : {}) }
  },
})
