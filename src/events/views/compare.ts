import { canonicalJson } from '../canonical.ts'
import type { Event, EventType, RunStatus } from '../event.ts'
import { valuesOf, withoutInline } from '../hash.ts'
import type { Json, JsonObject, Value } from '../values.ts'
import { findDifferences, withoutCircumstances } from './difference.ts'
import { emptySpent, type Spent, usageView } from './usage.ts'
import { readInline } from './view.ts'

/** A run to be compared: of a journal, or of a bundle. */
export interface ComparedRun {
  readonly events: AsyncIterable<Event> | Iterable<Event>
  /** Content that does not stand inline; without it, large contents are the same only if their digests are. */
  read?(value: Value): Promise<Json | undefined> | Json | undefined
}

/** Where two runs part: the first event that differs in more than time, name and salt. */
export interface RunDivergence {
  /** Number of the event, in both. */
  readonly index: number
  /** Absent where that run has no more events. */
  readonly a: EventSketch | undefined
  readonly b: EventSketch | undefined
  /** The step it is about, if it is about one. */
  readonly step: string | undefined
  /** The first difference inside the event: `data/answer/text`. */
  readonly path: string
  /** What stands there; absent: nothing. */
  readonly left: Json | undefined
  readonly right: Json | undefined
}

export interface EventSketch {
  readonly seq: number
  readonly type: EventType
  readonly actor: string
  readonly step: string | undefined
}

export interface StepSide {
  readonly status: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  readonly attempts: number
  /** Absent when there is none, or when its content is not at hand. */
  readonly output: Json | undefined
  readonly code: string | undefined
  /** From the first start to the end, ms. */
  readonly ms: number | undefined
  readonly spent: Spent
}

export interface RunSide {
  readonly run: string
  readonly events: number
  readonly head: string
  readonly status: RunStatus | 'unfinished'
  /** From the first to the last event; the wait before a fork or resumption included. */
  readonly ms: number
  /** With what the shared past cost, in a fork. */
  readonly spent: Spent
  /** Nano-dollars since the last fork: the shared past was paid by the parent. */
  readonly own_cost: number | undefined
}

export interface RunComparison {
  readonly a: RunSide
  readonly b: RunSide
  /** Leading events that are one and the same (equal hashes): the past that a fork shares. */
  readonly shared: number
  /** Absent when both runs did the same. */
  readonly divergence: RunDivergence | undefined
  /** In the order of the first run, then what only the second has. */
  readonly steps: readonly {
    readonly step: string
    readonly a: StepSide | undefined
    readonly b: StepSide | undefined
    readonly same: boolean
  }[]
}

/** Says where two runs part, and what each made of every step at what cost. Both records are read once, side by side. */
export async function compareRuns(a: ComparedRun, b: ComparedRun): Promise<RunComparison> {
  const [left, right] = [new Side(a), new Side(b)]
  let shared = 0
  let divergence: RunDivergence | undefined
  for (let index = 1; ; index++) {
    const [one, other] = [await left.next(), await right.next()]
    if (!one && !other) break
    const same = one !== undefined && one.hash === other?.hash
    if (same && shared === index - 1) shared = index
    if (!same && !divergence)
      divergence = await findDivergence(index, { side: left, event: one }, { side: right, event: other })
  }
  const steps = []
  for (const step of new Set([...left.steps.keys(), ...right.steps.keys()])) {
    const [mine, yours] = [await left.step(step), await right.step(step)]
    const same =
      mine?.status === yours?.status && mine?.code === yours?.code && left.outputOf(step) === right.outputOf(step)
    steps.push({ step, a: mine, b: yours, same: same || sameOutput(mine, yours) })
  }
  return { a: left.total(), b: right.total(), shared, divergence, steps }
}

function sameOutput(a: StepSide | undefined, b: StepSide | undefined): boolean {
  if (a?.output === undefined || b?.output === undefined) return false
  return a.status === b.status && a.code === b.code && canonicalJson(a.output) === canonicalJson(b.output)
}

interface StepNotes {
  status: StepSide['status']
  attempts: number
  output?: Value
  code?: string
  start?: number
  end?: number
}

/** One of the two: its events as they come, and what they add up to. */
class Side {
  readonly steps = new Map<string, StepNotes>()
  readonly read: NonNullable<ComparedRun['read']>
  readonly #events: AsyncIterator<Event> | Iterator<Event>
  readonly #usageView = usageView()
  readonly #usage = this.#usageView.initial()
  readonly #owners = new Map<string, string>()
  #first: Event | undefined
  #last: Event | undefined
  #status: RunStatus | undefined
  #inherited = 0

  constructor({ events, read }: ComparedRun) {
    this.#events = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]()
    this.read = async (value) => readInline(value) ?? (await read?.(value))
  }

  async next(): Promise<Event | undefined> {
    const { value, done } = await this.#events.next()
    if (done) return undefined
    const event = value as Event
    this.#first ??= event
    this.#last = event
    this.#usageView.evolve(this.#usage, event)
    this.#note(event)
    return event
  }

  async step(id: string): Promise<StepSide | undefined> {
    const notes = this.steps.get(id)
    if (!notes) return undefined
    const { status, attempts, output, code, start, end } = notes
    return {
      status,
      attempts,
      output: output && (await this.read(output)),
      code,
      ms: start === undefined || end === undefined ? undefined : end - start,
      spent: this.#usage.steps.get(id) ?? emptySpent(),
    }
  }

  outputOf(id: string): string | undefined {
    return this.steps.get(id)?.output?.sha256
  }

  /** The step an event is about. */
  ownerOf({ data }: Event): string | undefined {
    if ('step' in data) return data.step
    return 'key' in data ? this.#owners.get(data.key) : undefined
  }

  total(): RunSide {
    const [first, last] = [this.#first, this.#last]
    return {
      run: first?.run ?? '',
      events: last?.seq ?? 0,
      head: last?.hash ?? '',
      status: this.#status ?? 'unfinished',
      ms: (last?.at ?? 0) - (first?.at ?? 0),
      spent: this.#usage.total,
      own_cost: this.#usage.total.cost === undefined ? undefined : this.#usage.total.cost - this.#inherited,
    }
  }

  #note(event: Event): void {
    switch (event.type) {
      case 'run-started':
        for (const { id } of event.data.steps) this.steps.set(id, { status: 'waiting', attempts: 0 })
        return
      case 'steps-added':
        if ('steps' in event.data && !event.data.joins)
          for (const { id } of event.data.steps) this.steps.set(id, { status: 'waiting', attempts: 0 })
        return
      case 'step-started':
      case 'step-retried':
        return this.#change(event.data.step, { status: 'running', attempts: event.data.attempt, start: event.at })
      case 'step-finished':
        return this.#change(event.data.step, { status: 'succeeded', output: event.data.output, end: event.at })
      case 'step-failed':
        if (event.data.retry_at !== undefined) return
        return this.#change(event.data.step, {
          status: 'failed',
          code: event.data.code,
          ...(event.data.output ? { output: event.data.output } : {}),
          end: event.at,
        })
      case 'step-skipped':
        return this.#change(event.data.step, { status: 'skipped' })
      case 'step-cancelled':
        return this.#change(event.data.step, { status: 'cancelled', end: event.at })
      case 'effect-intended':
        this.#owners.set(event.data.key, event.data.step)
        return
      case 'run-forked':
        this.#inherited = this.#usage.total.cost ?? 0
        return
      case 'run-finished':
        this.#status = event.data.status
    }
  }

  #change(id: string, change: Partial<StepNotes>): void {
    const notes = this.steps.get(id)
    if (notes) Object.assign(notes, change, notes.start === undefined ? {} : { start: notes.start })
  }
}

interface Place {
  readonly side: Side
  readonly event: Event | undefined
}

async function findDivergence(index: number, a: Place, b: Place): Promise<RunDivergence | undefined> {
  const [left, right] = [await plainOf(a), await plainOf(b)]
  const [difference] = findDifferences(left, right, 1)
  if (!difference) return undefined
  const sketch = ({ side, event }: Place): EventSketch | undefined =>
    event && { seq: event.seq, type: event.type, actor: event.actor, step: side.ownerOf(event) }
  const [one, other] = [sketch(a), sketch(b)]
  const { path, a: mine, b: yours } = difference
  return { index, a: one, b: other, step: one?.step ?? other?.step, path, left: mine, right: yours }
}

/** Facts about who, where and when, which differ between any two runs. */
const CIRCUMSTANCES = ['ms', 'retry_at', 'seed', 'engine', 'started_by', 'project', 'command', 'parent', 'parent_hash']

/** What an event says, with its contents in place of their digests. */
async function plainOf({ side, event }: Place): Promise<Json | undefined> {
  if (!event) return undefined
  const data = structuredClone(withoutInline(event.type, event.data)) as Record<string, unknown>
  for (const name of CIRCUMSTANCES) delete data[name]
  const contents = new Map(valuesOf(event).map(({ path, value }) => [path, value]))
  for (const [path, value] of contents) {
    const content = await side.read(value)
    if (content !== undefined) putAt(data, path.split('.'), path === 'answer' ? withoutCircumstances(content) : content)
  }
  return { type: event.type, actor: event.actor, causes: [...event.causes], data: data as JsonObject }
}

function putAt(root: Record<string, unknown>, path: readonly string[], content: Json): void {
  let node = root
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, unknown>
  node[path.at(-1) as string] = content
}
