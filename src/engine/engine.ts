import { canonicalJson } from '../events/canonical.ts'
import { OrcError } from '../events/errors.ts'
import { type Event, FORMAT, type PinnedFile, type RunLimits } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { createChainCheck } from '../events/hash.ts'
import { createRunState } from '../events/state.ts'
import { upcast } from '../events/upcast.ts'
import type { Json } from '../events/values.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import type { BlobStore } from '../journal/journal.ts'
import { ContentRemoved, ContentStore } from './content.ts'
import { Deliveries } from './deliveries.ts'
import type { Divergence } from './divergence.ts'
import { takeCommands } from './inbox.ts'
import { LiveRun, type RunEnd } from './live.ts'
import { Losses } from './losses.ts'
import { planStep } from './offer.ts'
import { Replay } from './replay.ts'
import { collectSalts, readRunKey } from './run-key.ts'
import type { StepKind } from './step.ts'
import type { EnginePorts, EngineWorld, RunLease } from './world.ts'
import { eventOf } from './writer.ts'

export const ENGINE_VERSION = '0.1.0'

export const DEFAULT_LIMITS: RunLimits = { tries: 3, calls_per_step: 32, backoff_ms: 500, backoff_cap_ms: 60_000 }

/** What a run is started with. */
export interface RunPlan {
  readonly run: string
  readonly graph: StepGraph
  readonly input: Json
  readonly seed: string
  /** Secret of the run's salts; derived from the seed when the user gave one, random otherwise. */
  readonly run_key: string
  readonly limits?: Partial<RunLimits>
  readonly target: { readonly kind: string; readonly name: string }
  readonly started_by: 'cli' | 'server' | 'code'
  readonly project?: string
  readonly principal?: string
  readonly files?: readonly { readonly name: string; readonly content: Json }[]
}

/** A run in this process. */
export interface Run {
  readonly id: string
  readonly ended: Promise<RunEnd>
  cancel(reason?: string): void
  /** Lets go at once, as a crash would. */
  abandon(): void
}

export type Verdict =
  | {
      readonly equal: true
      readonly events: number
      readonly taken: readonly string[]
      readonly redacted: readonly string[]
      readonly finished: boolean
      readonly head: string
    }
  | ({ readonly equal: false; readonly events: number } & Divergence)

/** Writes a run's first event and drives it. Rejects when the run exists already. */
export async function startRun(ports: EnginePorts, plan: RunPlan, lease?: RunLease): Promise<Run> {
  const { started, store, attach } = await beginRun(ports, plan, lease)
  const state = createRunState()
  evolve(state, started)
  const deliveries = new Deliveries({
    state,
    store,
    kinds: ports.kinds,
    changed: () => live.kick(),
    delta: (step, attempt, delta) => ports.watcher?.delta?.(step, attempt, delta),
  })
  const live = new LiveRun({ run: plan.run, ports, state, store, deliveries, lease })
  attach(live)
  ports.watcher?.events?.([started])
  return drive(ports, live, store)
}

/** Writes a run's first event only; whoever resumes it drives it. */
export async function createRun(ports: EnginePorts, plan: RunPlan): Promise<void> {
  await beginRun(ports, plan, undefined)
}

async function beginRun(
  ports: EnginePorts,
  plan: RunPlan,
  lease: RunLease | undefined,
): Promise<{ started: Event; store: ContentStore; attach(live: LiveRun): void }> {
  const { world, journal, blobs, kinds } = ports
  // What lives as long as the run holds its id, not the whole plan.
  const { run } = plan
  let live: LiveRun | undefined
  const store = new ContentStore({
    run,
    runKey: plan.run_key,
    world,
    blobs,
    eventAt: (seq) => live?.pendingEvent(seq) ?? readEvent(ports, run, seq),
  })
  const data = {
    format: FORMAT,
    engine: ENGINE_VERSION,
    seed: plan.seed,
    limits: { ...DEFAULT_LIMITS, ...plan.limits },
    target: plan.target,
    started_by: plan.started_by,
    ...(plan.project === undefined ? {} : { project: plan.project }),
    ...(plan.principal === undefined ? {} : { principal: plan.principal }),
    input: store.make(plan.input),
    steps: plan.graph.steps.map((step) => planStep(step, (spec) => store.make(spec))),
    ...(plan.graph.output === undefined ? {} : { output: plan.graph.output }),
    kinds: versionsOf(kinds),
    files: (plan.files ?? []).map((file) => ({ name: file.name, content: store.make(file.content) })),
  }
  const place = { run: plan.run, state: createRunState(), at: world.clock(), sha256: world.sha256 }
  const started = eventOf({ type: 'run-started', actor: 'world', data, causes: [] }, place)
  const appended = await journal.append([
    { stream: `run/${plan.run}`, expected: 'new', records: [started] },
    { stream: `key/${plan.run}`, expected: 'new', records: [{ key: plan.run_key }] },
    ...(lease ? [lease.guard()] : []),
  ])
  if (!appended.ok) throw new Error(`the run ${plan.run} exists already`)
  const attach = (driver: LiveRun) => {
    live = driver
  }
  return { started, store, attach }
}

/** Takes up a run where its journal ends: unfinished attempts run again over the record, then it goes on live. */
export async function resumeRun(
  ports: EnginePorts,
  run: string,
  how: { readonly lease?: RunLease; readonly files?: RunPlan['files'] } = {},
): Promise<Run | Divergence> {
  const { world, journal, blobs, kinds } = ports
  const folded = createRunState()
  const losses = new Losses()
  let files: readonly PinnedFile[] = []
  let last: Event | undefined
  for await (const event of readEvents(ports, run)) {
    if ('files' in event.data) files = event.data.files
    evolve(folded, event)
    folded.wakes.length = 0
    losses.take(event)
    last = event
  }
  if (!last) throw new Error(`there is no run ${run}`)
  const runKey = await readRunKey(journal, run)
  if (!folded.finished) {
    if (!runKey) throw sealed(run)
    const needy = await losses.findNeedy(folded, async (sha256) => (await blobs.get(run, sha256)) !== undefined)
    if (needy !== undefined) throw contentGone(run, needy)
  }
  const only = new Set<string>()
  for (const step of folded.steps.values()) if (step.status === 'running') only.add(`${step.id}@${step.attempt}`)
  const driver: { live?: LiveRun } = {}
  const eventAt = (seq: number) => driver.live?.pendingEvent(seq) ?? readEvent(ports, run, seq)
  const store = new ContentStore({
    run,
    ...(runKey ? { runKey: runKey.key } : {}),
    ...(runKey?.mixed ? { salts: await collectSalts(folded, { run, blobs, sha256: world.sha256, eventAt }) } : {}),
    world,
    blobs,
    eventAt,
  })
  const replay = new Replay({
    run,
    world,
    blobs,
    kinds,
    store,
    only,
    deliveries: {
      changed: () => driver.live?.kick(),
      delta: (step, attempt, delta) => ports.watcher?.delta?.(step, attempt, delta),
    },
  })
  try {
    for await (const event of readEvents(ports, run)) {
      const divergence = await replay.feed(event)
      if (divergence) return divergence
    }
    await replay.settle()
  } catch (error) {
    throw error instanceof ContentRemoved ? contentGone(run, error.step ?? 'a step') : error
  }
  const live = new LiveRun({ run, ports, state: replay.state, store, deliveries: replay.deliveries, lease: how.lease })
  driver.live = live
  // A fork that nobody has driven yet needs no word of being taken up.
  const fresh =
    last.type === 'run-forked' && !how.files && canonicalJson(folded.kinds) === canonicalJson(versionsOf(kinds))
  if (!replay.state.finished && !fresh) {
    const pinned = how.files?.map((file) => ({ name: file.name, content: store.make(file.content) }))
    const data = { kinds: versionsOf(kinds), files: pinned ?? files }
    live.input({ type: 'run-resumed', actor: 'worker', data, causes: [replay.state.seq] })
  }
  return drive(ports, live, store)
}

/** Runs a record again without touching anything and compares every event. `journal` order; blobs give larger contents. */
export async function verifyRun(
  record: AsyncIterable<Event> | Iterable<Event>,
  means: {
    readonly world: EngineWorld
    readonly blobs: BlobStore
    readonly kinds: { readonly [kind: string]: StepKind }
    /** Whose record it should be; absent: the first event says. */
    readonly run?: string
    eventAt?(seq: number): Promise<Event | undefined>
  },
): Promise<Verdict> {
  const { world, blobs, kinds } = means
  const check = createChainCheck(world.sha256, means.run)
  let replay: Replay | undefined
  let events = 0
  for await (const event of record) {
    events += 1
    const fault = check(event)
    if (fault) return { equal: false, events, seq: fault.seq, code: 'altered', where: 'record', message: fault.message }
    replay ??= new Replay({
      run: event.run,
      world,
      blobs,
      kinds,
      store: new ContentStore({ run: event.run, world, blobs, eventAt: (seq) => means.eventAt?.(seq) }),
    })
    const divergence = await feedSafely(replay, event)
    if (divergence) return { equal: false, events, ...divergence }
  }
  await replay?.settle()
  const finished = replay?.state.finished !== undefined
  return {
    equal: true,
    events,
    taken: [...(replay?.taken ?? [])],
    redacted: replay?.redacted ?? [],
    finished,
    head: replay?.state.head ?? '',
  }
}

/** A record from elsewhere may be chained well and still make no sense. */
async function feedSafely(replay: Replay, event: Event): Promise<Divergence | undefined> {
  try {
    return await replay.feed(event)
  } catch (error) {
    if (error instanceof OrcError) throw error
    const message = `event ${event.seq} ${event.type} makes no sense here: ${error instanceof Error ? error.message : error}`
    return { seq: event.seq, code: 'unreadable', where: 'record', message }
  }
}

function drive(ports: EnginePorts, live: LiveRun, store: ContentStore): Run {
  const inbox = new AbortController()
  const commands = takeCommands(ports.journal, live, { store, signal: inbox.signal }).catch(() => live.abandon())
  const ended = live.ended
    .finally(() => inbox.abort())
    .then(async (end) => {
      await commands
      return end
    })
  live.kick()
  return {
    id: live.run,
    ended,
    cancel: (reason) => {
      const data = reason === undefined ? {} : { reason }
      live.input({ type: 'cancel-requested', actor: 'person', data, causes: [live.state.seq] })
    },
    abandon: () => live.abandon(),
  }
}

/** The versions of the step kinds that are shipped. */
export function versionsOf(kinds: { readonly [kind: string]: StepKind }): { readonly [kind: string]: number } {
  return Object.fromEntries(Object.values(kinds).map((kind) => [kind.kind, kind.version]))
}

/** The events of a run as they stand in a journal, up to and including `last`. */
export async function* readEvents(
  from: Pick<EnginePorts, 'journal'>,
  run: string,
  last?: number,
): AsyncGenerator<Event> {
  for await (const record of from.journal.read(`run/${run}`, 1, last)) yield upcast(record.data)
}

/** One event of a run, if it is there. */
export async function readEvent(
  from: Pick<EnginePorts, 'journal'>,
  run: string,
  seq: number,
): Promise<Event | undefined> {
  for await (const record of from.journal.read(`run/${run}`, seq, seq)) return upcast(record.data)
  return undefined
}

function sealed(run: string): OrcError {
  const message = `the run ${run} was imported; it can be read, verified and forked, but not continued`
  return new OrcError({ code: 'run_sealed', message, hint: 'Fork it at its last event and go on with the fork.' })
}

function contentGone(run: string, step: string): OrcError {
  const message = `the run ${run} cannot go on: content that the step ${step} needs has been removed`
  return new OrcError({
    code: 'content_removed',
    message,
    hint: `Fork it before ${step} began, or change what it needs.`,
  })
}
