import type { Event, EventOf, RunStatus } from '../events/event.ts'
import type { RunState } from '../events/state.ts'
import type { Entry } from '../journal/journal.ts'
import { admit } from './admit.ts'
import type { Attempt, RawOffer } from './attempt.ts'
import type { ContentStore } from './content.ts'
import type { Deliveries } from './deliveries.ts'
import type { Draft } from './draft.ts'
import { Gate } from './gate.ts'
import { askForMoney, mayPayNow } from './money-question.ts'
import { prepareOffer } from './offer.ts'
import { Performances } from './perform.ts'
import { findAsked, isResting } from './rest.ts'
import { WaitingOffers } from './waiting-offers.ts'
import type { EnginePorts, RunLease } from './world.ts'
import { LeaseLost, Writer } from './writer.ts'

const BATCH = 2_000
/** ms that events nobody waits for may stay in memory while executors work, so that more of them share one commit. */
const LINGER_MS = 20

/** How a live run came to its end: finished, resting until somebody answers, or taken over by another holder. */
export type RunEnd =
  | { readonly outcome: 'finished'; readonly status: RunStatus }
  | { readonly outcome: 'resting'; readonly asks: readonly string[] }
  | { readonly outcome: 'lost' }

/** Drives one run: takes inputs, tells steps, admits what they offer, commits, and starts what was intended. */
export class LiveRun {
  readonly run: string
  readonly ended: Promise<RunEnd>
  readonly #ports: EnginePorts
  readonly #state: RunState
  readonly #store: ContentStore
  readonly #deliveries: Deliveries
  readonly #writer: Writer
  readonly #lease: RunLease | undefined
  readonly #performances: Performances
  readonly #inbox: (() => Draft | undefined)[] = []
  readonly #waiting = new WaitingOffers()
  readonly #heldStarts = new Map<string, EventOf<'effect-intended'>[]>()
  readonly #gate: Gate | undefined
  #intents: EventOf<'effect-intended'>[] = []
  #pumping = false
  #again = false
  #over = false
  #lastCommand = 0
  /** Something is to be on disk as soon as the turn is over. */
  #pressing = false
  /** When the events in memory are committed at the latest; undefined when there are none. */
  #commitAt: number | undefined
  #unwake: (() => void) | undefined
  #unrenew: (() => void) | undefined
  #resolve!: (end: RunEnd) => void
  #reject!: (error: unknown) => void

  constructor(options: {
    readonly run: string
    readonly ports: EnginePorts
    readonly state: RunState
    readonly store: ContentStore
    readonly deliveries: Deliveries
    readonly lease?: RunLease | undefined
  }) {
    this.run = options.run
    this.#ports = options.ports
    this.#state = options.state
    this.#store = options.store
    this.#deliveries = options.deliveries
    this.#lease = options.lease
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#writer = new Writer({
      run: this.run,
      state: this.#state,
      journal: this.#ports.journal,
      lease: this.#lease,
      sha256: this.#ports.world.sha256,
      written: (event) => this.#follow(event),
    })
    this.#performances = new Performances({
      run: this.run,
      ports: this.#ports,
      store: this.#store,
      state: this.#state,
      report: (draft, safety) => {
        // What an unsafe effect did must not become unknown for the sake of a fuller commit.
        if (safety === 'unsafe') this.#pressing = true
        this.input(draft)
      },
    })
    const { policy } = this.#ports
    this.#gate = policy ? new Gate({ run: this.run, state: this.#state, policy }) : undefined
    this.#lastCommand = this.#state.command
  }

  get state(): RunState {
    return this.#state
  }

  /** An event that is not on disk yet. */
  pendingEvent(seq: number): Event | undefined {
    return this.#writer.pending.find((event) => event.seq === seq)
  }

  /** Something happened outside. A function is asked for its event when its turn has come, for by then it may have none. */
  input(draft: Draft | (() => Draft | undefined)): void {
    if (this.#over) return
    this.#inbox.push(typeof draft === 'function' ? draft : () => draft)
    this.kick()
  }

  /** The highest inbox record the holder has looked at, whether or not an event came of it. */
  sawCommand(seq: number): void {
    this.#lastCommand = Math.max(this.#lastCommand, seq)
  }

  /** Lets go at once: nothing more is written, executors are stopped. The journal stays as a crash would leave it. */
  abandon(): void {
    this.#stop()
    this.#resolve({ outcome: 'lost' })
  }

  /** Work may be waiting. */
  kick(): void {
    if (this.#over) return
    if (this.#pumping) {
      this.#again = true
      return
    }
    this.#pumping = true
    this.#pump().catch((error) => {
      this.#stop()
      if (error instanceof LeaseLost) this.#resolve({ outcome: 'lost' })
      else this.#reject(error)
    })
  }

  async #pump(): Promise<void> {
    for (;;) {
      this.#again = false
      const at = Math.max(this.#state.at, this.#ports.world.clock())
      this.#writer.decide(at)
      for (const make of this.#inbox.splice(0)) {
        const draft = this.#state.finished ? undefined : make()
        if (draft) this.#writer.append(draft, at)
      }
      this.#fireTimers(at)
      await this.#deliveries.flush()
      await this.#ports.world.drain()
      if (this.#over) return
      const now = Math.max(at, this.#ports.world.clock())
      // Time has passed: what has run out by now, like an approval, must not be used.
      this.#fireTimers(now)
      this.#admitOffers(now)
      if (this.#hasWork() && this.#writer.pending.length < BATCH) continue
      if (this.#mustCommit()) {
        await this.#commit()
        if (this.#over) return
        if (this.#hasWork()) continue
      }
      if (this.#state.finished) return this.#finish(this.#state.finished)
      if (await this.#rests()) return
      if (this.#again || this.#inbox.length > 0) continue
      this.#arm()
      this.#pumping = false
      return
    }
  }

  #hasWork(): boolean {
    return this.#inbox.length > 0 || this.#deliveries.waiting > 0 || this.#deliveries.offered.size > 0
  }

  /**
   * Intents wait for the disk, and so do those who look on. While executors work, the rest may wait a little for their answers;
   * when none does, nothing will come that could share the commit.
   */
  #mustCommit(): boolean {
    const waiting = this.#writer.pending.length
    if (waiting === 0) return false
    if (this.#pressing || this.#intents.length > 0 || waiting >= BATCH || this.#performances.count === 0) return true
    if (this.#state.finished) return true
    const now = this.#ports.world.clock()
    this.#commitAt ??= now + LINGER_MS
    return now >= this.#commitAt
  }

  async #commit(): Promise<void> {
    this.#pressing = false
    this.#commitAt = undefined
    const events = await this.#writer.commit()
    if (this.#over) return
    const intents = this.#intents
    this.#intents = []
    for (const intent of intents) this.#begin(intent)
    if (events.length > 0) this.#ports.watcher?.events?.(events)
  }

  /** After each event, before anything follows from it. */
  #follow(event: Event): void {
    // Whoever depends on it will read it soon.
    if (event.type === 'step-finished') this.#store.hold(event.data.output)
    if (event.type === 'step-finished' || event.type === 'step-failed' || event.type === 'step-cancelled') {
      if (event.type === 'step-finished' || event.actor === 'step') this.#deliveries.end(event.data.step)
      this.#gate?.forget(event.data.step)
      const step = this.#state.steps.get(event.data.step)
      for (const key of step?.effects ?? []) {
        const effect = this.#state.effects.get(key)
        if (effect?.status === 'open') this.#performances.abort(key, effect.intent)
      }
    }
    if (event.type === 'effect-intended' && event.data.answered_by === undefined && event.data.kind !== 'ask')
      this.#intents.push(event)
    if (event.type === 'approval-given' || event.type === 'approval-denied') {
      const offer = this.#gate?.release(event.data.key)
      if (offer && event.type === 'approval-given') this.#waiting.approve(offer)
    }
    if (event.type === 'budget-settled' || mayPayNow(event)) this.#waiting.settle()
    this.#deliveries.take(event, () => true)
  }

  /** Starts an intent's executor; a repetition waits for a place, a first try took its own when it was admitted. */
  #begin(intent: EventOf<'effect-intended'>): void {
    const effect = this.#state.effects.get(intent.data.key)
    const current = effect?.status === 'open' && effect.intent === intent.seq
    const { pool, redo } = intent.data
    if (!current) {
      if (redo === undefined) this.#release(pool)
      return
    }
    const step = this.#state.steps.get(intent.data.step)
    if (step?.status !== 'running' || step.attempt !== intent.data.attempt) {
      // Its attempt has ended in the meantime: nothing is touched any more.
      if (redo === undefined) this.#release(pool)
      this.#performances.decline(intent)
      return
    }
    if (redo !== undefined && !this.#performances.enter(pool)) {
      this.#heldStarts.set(pool as string, [...(this.#heldStarts.get(pool as string) ?? []), intent])
      return
    }
    this.#performances.begin(intent)
  }

  #release(pool: string | undefined): void {
    this.#performances.leave(pool)
    this.#again = true
  }

  /** Offers of each attempt in the order made; one that is held back blocks no later one. */
  #admitOffers(at: number): void {
    this.#startHeld()
    this.#waiting.retry(
      (pool) => this.#hasPlace(pool),
      (offer) => this.#admitOne(offer, at),
    )
    const attempts = [...this.#deliveries.offered]
    this.#deliveries.offered.clear()
    for (const attempt of attempts) this.#admitFrom(attempt, at)
  }

  #admitFrom(attempt: Attempt, at: number): void {
    for (const raw of attempt.offers.splice(0)) this.#admitOne(raw, at)
  }

  #admitOne(raw: RawOffer, at: number): void {
    const pool = raw.what === 'effect' ? raw.pool : undefined
    const step = this.#state.steps.get(raw.step)
    if (step?.status !== 'running' || step.attempt !== raw.attempt) return
    if (raw.what === 'effect' && !this.#mayPass(raw, at)) return
    if (!this.#performances.enter(pool)) {
      this.#waiting.awaitPlace(pool as string, raw)
      return
    }
    const draft = admit(
      this.#state,
      prepareOffer(raw, (content) => this.#store.make(content)),
      at,
    )
    const entered =
      draft !== 'hold' && draft !== 'stale' && draft.type === 'effect-intended' && draft.data.answered_by === undefined
    if (!entered) this.#performances.leave(pool)
    if (draft === 'hold' && raw.what === 'effect' && raw.need) {
      // What cannot be paid now comes again when something has been settled.
      const wait = askForMoney(this.#state, raw, (request) => this.#store.make(request))
      if (wait?.whose === undefined) this.#waiting.awaitMoney(raw)
      else this.#waiting.awaitWord(raw)
      if (wait?.question) this.#writer.append(wait.question, at)
    }
    if (draft === 'hold' || draft === 'stale') return
    if (raw.what === 'fail' && raw.foreign !== undefined) {
      // Before the failure, for that may end the run.
      const data = { about: raw.step, text: this.#store.make(raw.foreign) }
      this.#writer.append({ type: 'note-written', actor: 'engine', data, causes: draft.causes }, at)
    }
    this.#writer.append(draft, at)
  }

  #mayPass(raw: RawOffer & { readonly what: 'effect' }, at: number): boolean {
    if (!this.#gate) return true
    const { then, write } = this.#gate.check(raw, { make: (request) => this.#store.make(request), at })
    if (write) this.#writer.append(write, at)
    return then === 'admit'
  }

  /** Gives free places of pools to repetitions first, in order of arrival. */
  #startHeld(): void {
    for (const [pool, starts] of this.#heldStarts) {
      while (starts.length > 0 && this.#hasPlace(pool)) this.#begin(starts.shift() as EventOf<'effect-intended'>)
      if (starts.length === 0) this.#heldStarts.delete(pool)
    }
  }

  #hasPlace(pool: string): boolean {
    if (!this.#performances.enter(pool)) return false
    this.#performances.leave(pool)
    return true
  }

  #fireTimers(at: number): void {
    for (;;) {
      const timer = this.#state.finished ? undefined : this.#state.timers.first()
      if (!timer || timer.due > at) return
      this.#writer.append({ type: 'timer-fired', actor: 'world', data: { key: timer.key }, causes: [timer.cause] }, at)
    }
  }

  #arm(): void {
    this.#unwake?.()
    const due = Math.min(this.#state.timers.first()?.due ?? Infinity, this.#commitAt ?? Infinity)
    this.#unwake = due === Infinity ? undefined : this.#ports.world.wake(due, () => this.kick())
    if (!this.#lease || this.#unrenew) return
    const now = this.#ports.world.clock()
    this.#unrenew = this.#ports.world.wake(now + Math.max(10, (this.#lease.until - now) / 2), () => void this.#renew())
  }

  async #renew(): Promise<void> {
    this.#unrenew = undefined
    if (this.#over) return
    const kept = await this.#lease?.renew().catch(() => false)
    if (this.#over) return
    if (!kept) return this.abandon()
    this.#arm()
  }

  /** Nothing can run and somebody is asked: the run rests, unless a command has come in the meantime. */
  async #rests(): Promise<boolean> {
    if (this.#performances.count > 0 || this.#waiting.wantPlaces) return false
    const asks = findAsked(this.#state)
    if (!isResting(this.#state, asks, this.#waiting.unpaid())) return false
    const stream = `inbox/${this.run}`
    const inbox: Entry = { stream, expected: this.#lastCommand === 0 ? 'new' : this.#lastCommand, records: [] }
    const at = Math.max(this.#state.at, this.#ports.world.clock())
    const event = await this.#writer.rest(
      { type: 'run-paused', actor: 'world', data: { asks }, causes: [this.#state.seq] },
      { at, inbox },
    )
    if (!event) return false
    this.#ports.watcher?.events?.([event])
    this.#stop()
    this.#resolve({ outcome: 'resting', asks })
    return true
  }

  #finish(status: RunStatus): void {
    this.#stop()
    this.#resolve({ outcome: 'finished', status })
  }

  #stop(): void {
    this.#over = true
    this.#unwake?.()
    this.#unrenew?.()
    this.#performances.drop()
    for (const attempt of this.#deliveries.attempts.values()) attempt.abort('the run left this process', this.#state.at)
  }
}
