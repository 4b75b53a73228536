import { type Event, FORMAT } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { hashEvent } from '../events/hash.ts'
import type { RunState } from '../events/state.ts'
import type { Entry, Journal } from '../journal/journal.ts'
import { decide } from './decide.ts'
import type { Draft } from './draft.ts'
import type { EngineWorld, RunLease } from './world.ts'

/** The event a draft becomes at this place. */
export function eventOf(
  draft: Draft,
  place: {
    readonly run: string
    readonly state: RunState
    readonly at: number
    readonly sha256: EngineWorld['sha256']
  },
): Event {
  const { state, at } = place
  const event = {
    v: FORMAT,
    run: place.run,
    seq: state.seq + 1,
    at: Math.max(at, state.at),
    lamport: state.lamport + 1,
    causes: draft.causes,
    actor: draft.actor,
    type: draft.type,
    data: draft.data,
    prev: state.head,
    hash: '',
  }
  // Not a copy with the hash: an event is made for everything that happens.
  event.hash = hashEvent(event as Event, place.sha256)
  return event as Event
}

/** Somebody else holds the run's lease now; nothing uncommitted may be kept. */
export class LeaseLost extends Error {}

/** The only place that appends to a run. After each event all decisions that follow are written before anything else. */
export class Writer {
  readonly run: string
  readonly state: RunState
  /** Events that are not on disk yet. */
  readonly pending: Event[] = []
  #committed: number
  readonly #journal: Journal
  readonly #lease: RunLease | undefined
  readonly #sha256: EngineWorld['sha256']
  readonly #written: (event: Event) => void

  constructor(options: {
    readonly run: string
    readonly state: RunState
    readonly journal: Journal
    readonly lease?: RunLease | undefined
    readonly sha256: EngineWorld['sha256']
    /** Called for each event, in order, before anything follows from it. */
    written(event: Event): void
  }) {
    this.run = options.run
    this.state = options.state
    this.#journal = options.journal
    this.#lease = options.lease
    this.#sha256 = options.sha256
    this.#written = options.written
    this.#committed = options.state.seq
  }

  append(draft: Draft, at: number): Event {
    const event = this.#put(draft, at)
    this.decide(at)
    return event
  }

  /** Writes every decision that is due. */
  decide(at: number): void {
    for (let draft = decide(this.state, at); draft; draft = decide(this.state, at)) this.#put(draft, at)
  }

  /** Puts everything pending on disk, with `more` entries in the same append, and answers with what was written. */
  async commit(more: readonly Entry[] = []): Promise<readonly Event[]> {
    if (this.pending.length === 0 && more.length === 0) return []
    const events = this.pending.splice(0)
    const stream = `run/${this.run}`
    const guards = this.#lease ? [this.state.finished ? this.#lease.releasing() : this.#lease.guard()] : []
    const first = this.#committed === 0 ? ('new' as const) : this.#committed
    const appended = await this.#journal.append([{ stream, expected: first, records: events }, ...guards, ...more])
    if (!appended.ok) throw new LeaseLost(`another writer changed ${appended.stream}`)
    this.#committed += events.length
    return events
  }

  /** Appends one event only if the inbox has not moved: the run rests, and gives its lease back in the same append. */
  async rest(draft: Draft, how: { readonly at: number; readonly inbox: Entry }): Promise<Event | undefined> {
    const event = eventOf(draft, { run: this.run, state: this.state, at: how.at, sha256: this.#sha256 })
    const guards = this.#lease ? [this.#lease.releasing()] : []
    const stream = `run/${this.run}`
    const appended = await this.#journal.append([
      { stream, expected: this.#committed, records: [event] },
      ...guards,
      how.inbox,
    ])
    if (!appended.ok && appended.stream === how.inbox.stream) return undefined
    if (!appended.ok) throw new LeaseLost(`another writer changed ${appended.stream}`)
    this.#committed += 1
    evolve(this.state, event)
    this.#written(event)
    return event
  }

  #put(draft: Draft, at: number): Event {
    const event = eventOf(draft, { run: this.run, state: this.state, at, sha256: this.#sha256 })
    evolve(this.state, event)
    this.pending.push(event)
    this.#written(event)
    return event
  }
}
