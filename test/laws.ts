/** One place that runs a graph and checks the four laws each time. */
import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Executor } from '../src/engine/effect.ts'
import { type Run, type RunPlan, readEvents, resumeRun, startRun, verifyRun } from '../src/engine/engine.ts'
import type { Command } from '../src/engine/inbox.ts'
import type { Policy } from '../src/engine/policy.ts'
import type { StepKind } from '../src/engine/step.ts'
import { createVirtualWorld, type VirtualWorld } from '../src/engine/virtual-world.ts'
import type { EnginePorts } from '../src/engine/world.ts'
import { pictureOf } from '../src/events/due.ts'
import type { Event } from '../src/events/event.ts'
import { evolve } from '../src/events/evolve.ts'
import { createRunState } from '../src/events/state.ts'
import { findViolations } from '../src/events/views/invariants.ts'
import type { StepGraph } from '../src/graph/step-graph.ts'
import type { BlobStore, Journal } from '../src/journal/journal.ts'
import { createMemoryJournal } from '../src/journal/memory.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')
export const drain = (): Promise<void> => setImmediate()

export interface LawOptions {
  readonly kinds: { readonly [kind: string]: StepKind }
  /** Executors of one process; made anew for each resumption, around the same outside world. */
  executors(
    world: VirtualWorld,
    store: { readonly journal: Journal; readonly blobs: BlobStore },
  ): { readonly [kind: string]: Executor }
  readonly seed?: string
  readonly plan?: Partial<RunPlan>
  readonly poolLimit?: (pool: string) => number | undefined
  readonly policy?: Policy
  /** Which cuts to resume from; default: every one, for records of at most 80 events (`LAWS=full`: for all). */
  cuts?(events: readonly Event[]): readonly number[]
  /** Outputs do not depend on the order in which things end. */
  readonly orderInsensitive?: boolean
  /** Called with the run once it is started, to cancel it or such. */
  during?(run: Run, world: VirtualWorld): void
}

export interface Room {
  readonly world: VirtualWorld
  readonly ports: EnginePorts
  readonly journal: Journal
  readonly blobs: BlobStore
}

export function createRoom(options: LawOptions, how: { start?: number; seed?: string } = {}): Room {
  const world = createVirtualWorld({
    seed: how.seed ?? options.seed ?? 'laws',
    sha256,
    drain,
    ...(how.start === undefined ? {} : { start: how.start }),
  })
  const { journal, blobs } = createMemoryJournal()
  const ports: EnginePorts = {
    world,
    journal,
    blobs,
    kinds: options.kinds,
    executors: options.executors(world, { journal, blobs }),
    ...(options.poolLimit ? { poolLimit: options.poolLimit } : {}),
    ...(options.policy ? { policy: options.policy } : {}),
  }
  return { world, ports, journal, blobs }
}

export function planOf(graph: StepGraph, options: Pick<LawOptions, 'seed' | 'plan'>): RunPlan {
  return {
    run: 'run-1',
    graph,
    input: 'the input',
    seed: options.seed ?? 'laws',
    run_key: sha256(`key ${options.seed ?? 'laws'}`),
    target: { kind: 'graph', name: graph.name },
    started_by: 'code',
    ...options.plan,
  }
}

/** Lets virtual time run until the run is over; a run that neither moves nor ends is a failure. */
export async function runToEnd(run: Run, world: VirtualWorld): ReturnType<typeof awaitEnd> {
  return awaitEnd(run, world)
}

async function awaitEnd(run: Run, world: VirtualWorld): Promise<Awaited<Run['ended']>> {
  let end: Awaited<Run['ended']> | undefined
  let error: unknown
  run.ended.then(
    (value) => (end = value),
    (reason) => (error = reason),
  )
  let idle = 0
  while (!end && error === undefined) {
    for (let i = 0; i < 4; i++) await drain()
    if (end || error !== undefined) break
    idle = world.advance() ? 0 : idle + 1
    if (idle > 50) throw new Error('the run neither moves nor ends')
  }
  if (error !== undefined) throw error
  return end as Awaited<Run['ended']>
}

export async function eventsOf(room: Pick<Room, 'journal'>, run = 'run-1'): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of readEvents(room, run)) events.push(event)
  return events
}

/** Runs a graph and checks: fold = live state, verify is equal, the record survives JSON, and every cut resumes to an end that verifies. */
export async function runWithLaws(
  graph: StepGraph,
  options: LawOptions,
): Promise<{ events: Event[]; room: Room; end: Awaited<Run['ended']> }> {
  const room = createRoom(options)
  const run = await startRun(room.ports, planOf(graph, options))
  options.during?.(run, room.world)
  const end = await awaitEnd(run, room.world)
  const events = await eventsOf(room)
  await checkRecord(events, room, options)
  const cuts = options.cuts
    ? options.cuts(events)
    : events.length <= 80 || process.env.LAWS === 'full'
      ? events.map((event) => event.seq).slice(0, -1)
      : []
  for (const cut of cuts) await resumeFrom(events, { cut, room, options })
  return { events, room, end }
}

/** Another process takes a resting run up after people have spoken. */
export async function takeUp(
  past: { readonly events: readonly Event[]; readonly room: Pick<Room, 'journal'> },
  options: LawOptions,
  how: { readonly commands: readonly Command[]; readonly later?: number },
): Promise<{ events: Event[]; room: Room; end: Awaited<Run['ended']> }> {
  const room = createRoom(options, { start: (past.events.at(-1) as Event).at + (how.later ?? 0), seed: 'next' })
  for await (const record of past.room.journal.read('key/run-1'))
    await room.journal.append([
      { stream: 'run/run-1', expected: 'new', records: past.events },
      { stream: 'key/run-1', expected: 'new', records: [record.data] },
    ])
  // What an earlier process has taken stands in the inbox before.
  const taken = Math.max(0, ...past.events.map(({ data }) => ('command' in data ? (data.command ?? 0) : 0)))
  const commands = [...Array.from({ length: taken }, () => ({ type: 'cancel', key: 'taken' })), ...how.commands]
  if (commands.length > 0) await room.journal.append([{ stream: 'inbox/run-1', expected: 'any', records: commands }])
  const run = await resumeRun(room.ports, 'run-1')
  if ('seq' in run) throw new Error(run.message)
  const end = await runToEnd(run, room.world)
  const events = await eventsOf(room)
  await checkRecord(events, room, options)
  expect(findViolations(events, sha256)).toEqual([])
  return { events, room, end }
}

/** Laws one to three, on a finished or resting record. */
export async function checkRecord(events: readonly Event[], room: Room, options: LawOptions): Promise<void> {
  const plain = JSON.parse(JSON.stringify(events)) as Event[]
  const verdict = await verifyRun(plain, {
    world: room.world,
    blobs: room.blobs,
    kinds: options.kinds,
    eventAt: async (seq) => plain[seq - 1],
  })
  if (!verdict.equal) throw new Error(`not equal: ${JSON.stringify(verdict)}`)
  expect(verdict.events).toBe(events.length)
  checkHistory(events)
  const state = createRunState()
  for (const event of events) evolve(state, event)
  const again = createRunState()
  for (const event of plain) evolve(again, event)
  expect(pictureOf(again)).toEqual(pictureOf(state))
}

/** No answered effect is done again; an unsafe one is done again only if it never happened or its step says so. One end per step and run. */
function checkHistory(events: readonly Event[]): void {
  const answered = new Set<string>()
  const repeatable = new Map<string, boolean>()
  const ends = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'effect-intended' && event.data.answered_by === undefined) {
      const { key, safety } = event.data
      if (answered.has(key)) throw new Error(`event ${event.seq}: ${key} had its answer and is done again`)
      if (safety === 'unsafe' && repeatable.get(key) === false)
        throw new Error(`event ${event.seq}: the unsafe ${key} is done again`)
      repeatable.set(key, false)
    }
    if (event.type === 'effect-done') answered.add(event.data.key)
    if (event.type === 'effect-failed' && event.data.touched === 'no') repeatable.set(event.data.key, true)
    if (event.type === 'effect-unknown') repeatable.set(event.data.key, true)
    const ended =
      event.type === 'step-finished' ||
      event.type === 'step-cancelled' ||
      event.type === 'step-skipped' ||
      (event.type === 'step-failed' && event.data.retry_at === undefined)
    if (ended)
      ends.set((event.data as { step: string }).step, (ends.get((event.data as { step: string }).step) ?? 0) + 1)
    if (event.type === 'run-finished') expect(event.seq).toBe(events.length)
  }
  expect([...ends].filter(([, count]) => count !== 1)).toEqual([])
}

/** Law four: the record cut after one event, resumed by another process, comes to an end that verifies; the kept past is not changed. */
export async function resumeFrom(
  events: readonly Event[],
  how: { cut: number; room: Room; options: LawOptions },
): Promise<Event[]> {
  const { cut, options } = how
  const kept = events.slice(0, cut)
  const next = createRoom(options, { start: (kept.at(-1) as Event).at, seed: `cut ${cut}` })
  const key = await readOne(how.room.journal, 'key/run-1')
  await next.journal.append([
    { stream: 'run/run-1', expected: 'new', records: kept },
    { stream: 'key/run-1', expected: 'new', records: [key] },
  ])
  const run = await resumeRun({ ...next.ports, blobs: chain(how.room.blobs, next.blobs) }, 'run-1')
  if ('seq' in run) throw new Error(`cut ${cut}: ${run.message}`)
  await awaitEnd(run, next.world).catch((error) => {
    throw new Error(`cut ${cut}: ${error}`)
  })
  const resumed = await eventsOf(next)
  expect(resumed.slice(0, cut).map((event) => event.hash)).toEqual(kept.map((event) => event.hash))
  await checkRecord(resumed, { ...next, blobs: chain(how.room.blobs, next.blobs) }, options)
  if (options.orderInsensitive) expect(outputsOf(resumed)).toEqual(outputsOf(events))
  return resumed
}

/** Digest of each step's output, by step. */
function outputsOf(events: readonly Event[]): Record<string, string> {
  const outputs: Record<string, string> = {}
  for (const event of events) {
    if (event.type === 'step-finished') outputs[event.data.step] = event.data.output.sha256
    if (event.type === 'step-failed' && event.data.retry_at === undefined) outputs[event.data.step] = event.data.code
  }
  return Object.fromEntries(Object.entries(outputs).sort())
}

function chain(first: BlobStore, second: BlobStore): BlobStore {
  return {
    put: (run, sha, blob) => second.put(run, sha, blob),
    get: async (run, sha) => (await second.get(run, sha)) ?? first.get(run, sha),
  }
}

async function readOne(journal: Journal, stream: string): Promise<unknown> {
  for await (const record of journal.read(stream)) return record.data
  return undefined
}
