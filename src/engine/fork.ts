import type { Problem } from '../events/errors.ts'
import { OrcError } from '../events/errors.ts'
import type { Event, EventOf, ForkChange, PinnedFile } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { valuesOf } from '../events/hash.ts'
import { createRunState, type RunState } from '../events/state.ts'
import { storedForm, upcast } from '../events/upcast.ts'
import { ContentStore } from './content.ts'
import { type Run, type RunPlan, readEvent, readEvents, resumeRun, versionsOf } from './engine.ts'
import { ForkCheck, type ForkWish } from './fork-check.ts'
import { collectSalts, type RunKey, readRunKey } from './run-key.ts'
import type { EnginePorts, RunLease } from './world.ts'
import { eventOf } from './writer.ts'

const BATCH = 2_000

export interface ForkOrder {
  /** The new run's id. */
  readonly run: string
  /** The last event of the parent that is kept. */
  readonly at: number
  readonly change?: ForkWish
  readonly started_by: 'cli' | 'server' | 'code'
  /** Random secret of the new run's salts; used when the parent has no key here, because it was imported. */
  readonly run_key: string
  /** Files of the definition now in force; absent: the parent's. */
  readonly files?: RunPlan['files']
  readonly lease?: RunLease
}

/** No run was made. `latest` is the last event at which this fork could be made, where there is one. */
export interface ForkRefused {
  readonly refused: Problem
  readonly latest?: number
}

/** Copies the parent up to an event into a new run, changes it there, and drives it. The parent is only read. */
export async function forkRun(ports: EnginePorts, parent: string, order: ForkOrder): Promise<Run | ForkRefused> {
  const refused = await createFork(ports, parent, order)
  if (refused) return refused
  try {
    const run = await resumeRun(ports, order.run, order.lease ? { lease: order.lease } : {})
    if (!('seq' in run)) return run
    await ports.journal.remove(order.run)
    const hint = 'The code of a step has changed since; verify the parent to see where.'
    return { refused: { code: 'fork_refused', message: run.message, hint } }
  } catch (error) {
    if (!(error instanceof OrcError) || error.code !== 'content_removed') throw error
    await ports.journal.remove(order.run)
    return { refused: error.problems[0] as Problem }
  }
}

/** Writes a fork's past and its `run-forked`; whoever resumes it drives it. */
export async function createFork(
  ports: EnginePorts,
  parent: string,
  order: ForkOrder,
): Promise<ForkRefused | undefined> {
  const past = await readPast(ports, parent, { at: order.at, wish: order.change ?? {} })
  if ('refused' in past) return past
  const { journal, blobs, world } = ports
  const kept = await readRunKey(journal, parent)
  const key: RunKey = kept ?? { key: order.run_key, mixed: true }
  const eventAt = (seq: number) => readEvent(ports, parent, seq)
  const means = { run: parent, blobs, sha256: world.sha256, eventAt }
  const store = new ContentStore({
    run: order.run,
    runKey: key.key,
    ...(key.mixed ? { salts: await collectSalts(past.state, means) } : {}),
    world,
    blobs,
    eventAt,
  })
  const forked = forkedEvent(ports, parent, { order, past, store })
  await copyPast(ports, parent, { order, last: forked, key })
  return undefined
}

interface Past {
  readonly state: RunState
  readonly files: readonly PinnedFile[]
}

async function readPast(
  ports: EnginePorts,
  parent: string,
  { at, wish }: { at: number; wish: ForkWish },
): Promise<Past | ForkRefused> {
  const names = (wish.answers ?? []).map(({ step, effect = '' }) => `${step}/${effect}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return refuse(`two answers are given for ${twice}`)
  const state = createRunState()
  const check = new ForkCheck(wish)
  let files: readonly PinnedFile[] = []
  for await (const event of readEvents(ports, parent, at)) {
    if ('files' in event.data) files = event.data.files
    evolve(state, event)
    check.take(event, state)
    state.wakes.length = 0
  }
  if (at < 1 || state.seq !== at) return refuse(`the run ${parent} has no event ${at}`)
  if (!check.refusal) return { state, files }
  const problem = {
    ...check.refusal,
    message: `the run ${parent} cannot be forked at event ${at}: ${check.refusal.message}`,
  }
  if (check.latest === 0) return { refused: problem }
  return {
    refused: { hint: `The last event at which this can be done is ${check.latest}.`, ...problem },
    latest: check.latest,
  }
}

function forkedEvent(
  { world, kinds }: EnginePorts,
  parent: string,
  { order, past, store }: { order: ForkOrder; past: Past; store: ContentStore },
): Event {
  const { input, limits, specs, answers } = order.change ?? {}
  const change: ForkChange = {
    ...(input === undefined ? {} : { input: store.make(input) }),
    ...(limits === undefined ? {} : { limits }),
    ...(specs && { specs: Object.entries(specs).map(([step, spec]) => ({ step, spec: store.make(spec) })) }),
    ...(answers && { answers: answers.map(({ answer, ...which }) => ({ ...which, answer: store.make(answer) })) }),
  }
  const data: EventOf<'run-forked'>['data'] = {
    parent,
    at_seq: order.at,
    parent_hash: past.state.head,
    started_by: order.started_by,
    kinds: versionsOf(kinds),
    files: order.files?.map((file) => ({ name: file.name, content: store.make(file.content) })) ?? past.files,
    change,
  }
  const place = { run: order.run, state: past.state, at: world.clock(), sha256: world.sha256 }
  return eventOf({ type: 'run-forked', actor: 'person', data, causes: [order.at] }, place)
}

/** The key comes with the last part, so a copy that was cut short cannot be driven. */
async function copyPast(
  { journal, blobs }: EnginePorts,
  parent: string,
  { order, last, key }: { order: ForkOrder; last: Event; key: RunKey },
): Promise<void> {
  const { run, at, lease } = order
  const stream = `run/${run}`
  const put = new Set<string>()
  let part: Event[] = []
  let written = 0
  const write = async (more: readonly { stream: string; expected: 'new'; records: readonly unknown[] }[]) => {
    const guards = lease ? [lease.guard()] : []
    const appended = await journal.append([{ stream, expected: written, records: part }, ...more, ...guards])
    if (!appended.ok) throw new Error(`the run ${run} exists already, or another process took its lease`)
    written += part.length
    part = []
  }
  for await (const event of readEvents({ journal }, parent, at)) {
    for (const { value } of valuesOf(event)) {
      if (value.inline || put.has(value.sha256)) continue
      put.add(value.sha256)
      const blob = await blobs.get(parent, value.sha256)
      if (blob) blobs.put(run, value.sha256, blob)
    }
    part.push({ ...storedForm(event), run })
    if (part.length >= BATCH) await write([])
  }
  part.push(last)
  await write([{ stream: `key/${run}`, expected: 'new', records: [key] }])
}

/** What the parent came to know of an effect that was under way when the fork was made: to be shown when the fork asks. */
export async function readParentOutcome(
  from: Pick<EnginePorts, 'journal'>,
  run: string,
  key: string,
): Promise<EventOf<'effect-done'> | EventOf<'effect-failed'> | undefined> {
  let forked: EventOf<'run-forked'> | undefined
  for await (const event of readEvents(from, run)) if (event.type === 'run-forked') forked = event
  if (!forked) return undefined
  const { parent, at_seq } = forked.data
  for await (const { data } of from.journal.read(`run/${parent}`, at_seq + 1)) {
    const event = upcast(data)
    if ((event.type === 'effect-done' || event.type === 'effect-failed') && event.data.key === key) return event
  }
  return undefined
}

function refuse(message: string): ForkRefused {
  return { refused: { code: 'fork_refused', message } }
}
