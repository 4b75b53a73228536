import type { EffectOrder } from '../../src/engine/effect.ts'
import type { Event } from '../../src/events/event.ts'
import { InvariantCheck } from '../../src/events/views/invariants.ts'
import { Dispatches } from './dispatches.ts'
import { Ledger } from './ledger.ts'
import { Permits } from './permits.ts'
import type { Policies } from './policies.ts'
import type { SimProcess } from './process.ts'
import { type Sim, sha256 } from './sim.ts'

/**
 * Looks at every event the moment it is on disk, at every dispatch and at everything that is told to anybody. The rules that a record can
 * break are those of `runs doctor`, which share no code with the engine's own fold; what only the simulation sees is added here.
 */
export class Invariants {
  /** What is on disk. */
  readonly events: Event[] = []
  readonly dispatches: Dispatches
  readonly permits: Permits
  readonly ledger: Ledger
  /** The process whose lease is the newest. */
  holder: string | undefined
  resting = false
  finished: string | undefined
  /** Inbox length when the run came to rest. */
  restedAt = 0
  /** Cancellations in the inbox that no event has come of. */
  readonly cancels = new Set<number>()
  /** Virtual time of the newest event. */
  movedAt: number
  readonly #sim: Sim
  readonly #check = new InvariantCheck(sha256)
  readonly #pools = new Map<string, number>()
  readonly #poolLimit: (pool: string) => number | undefined
  readonly #words: { readonly seq: number; readonly text: string }[] = []
  #command = 0
  #phase: string | undefined

  constructor(
    sim: Sim,
    means: {
      poolLimit(pool: string): number | undefined
      readonly policies: Policies
      readonly runKey: string
    },
  ) {
    this.#sim = sim
    this.#poolLimit = means.poolLimit
    this.movedAt = sim.now
    const fail = (invariant: string, message: string) => sim.fail(invariant, message)
    this.dispatches = new Dispatches(fail)
    const { policies, runKey } = means
    this.permits = new Permits({ steps: this.#check.steps.known, policies, runKey, fail })
    this.ledger = new Ledger(fail)
  }

  /** Where the run stands, in a word. */
  get phase(): string {
    this.#phase ??= this.#findPhase()
    return this.#phase
  }

  #findPhase(): string {
    const { steps, effects } = this.#check
    if (this.events.length === 0) return 'not begun'
    if (this.finished) return 'finished'
    if (this.resting) return 'resting'
    if (steps.stopped) return 'stopping'
    if (this.permits.asked().length > 0) return 'approving'
    if (effects.asked().length > 0) return 'asking'
    if (this.open().length > 0) return 'effects open'
    for (const step of steps.known.values()) if (step.status === 'retrying') return 'retry waits'
    return 'between'
  }

  /** What an effect's step is going through. */
  stepState({ step, attempt, tries }: EffectOrder): string {
    if (!this.#check.steps.isRunning(step, attempt)) return 'step over'
    if (tries > 1) return 'effect repeated'
    if (attempt > 1) return 'step retried'
    return step.includes('/') ? 'proposed step' : 'first attempt'
  }

  /** What somebody is asked about, with the intent in question. */
  asked(): readonly { readonly key: string; readonly about: number; readonly kind: string }[] {
    const asked = new Set(this.#check.effects.asked())
    return this.#pick((key) => asked.has(key))
  }

  /** What executors were told to do and have not answered. */
  open(): readonly { readonly key: string; readonly about: number; readonly kind: string }[] {
    const { known } = this.#check.effects
    return this.#pick((key) => known.get(key)?.status === 'open')
  }

  #pick(isWanted: (key: string) => boolean) {
    return [...this.dispatches.known.values()].flatMap(({ key, kind, intent }) =>
      isWanted(key) ? [{ key, kind, about: intent }] : [],
    )
  }

  takeLease(records: readonly unknown[]): void {
    const record = records.at(-1) as { owner: { id: string }; released?: true } | undefined
    if (record) this.holder = record.released ? undefined : record.owner.id
  }

  /** What people have said to steps since. */
  wordsAfter(seq: number): { readonly messages: readonly string[]; readonly after: number } {
    const words = this.#words.filter((word) => word.seq > seq)
    return { messages: words.map(({ text }) => text), after: words.at(-1)?.seq ?? seq }
  }

  takeEvents(events: readonly Event[], from: { readonly by: SimProcess; readonly followed: number }): void {
    const { id } = from.by
    // Whoever creates a run need not hold it: of several first events one is kept.
    if (this.holder !== id && events[0]?.seq !== 1)
      this.#sim.fail('I23', `${id} writes while ${this.holder ?? 'nobody'} holds the lease`)
    this.movedAt = this.#sim.now
    this.#phase = undefined
    for (const event of events) {
      this.#sim.note(() => `${id} ${event.seq} ${event.type} ${JSON.stringify(withoutInline(event.data))}`)
      for (const { invariant, seq, message } of this.#check.take(event))
        this.#sim.fail(invariant, `event ${seq}: ${message}`)
      this.dispatches.take(event)
      this.permits.take(event, from.by)
      this.ledger.take(event)
      this.events.push(event)
      this.#take(event, from.followed)
    }
  }

  /** Somebody outside was shown these events: they have to be on disk for ever. */
  shown(process: SimProcess, events: readonly Event[]): void {
    for (const event of events) {
      if (this.events[event.seq - 1]?.hash !== event.hash)
        this.#sim.fail('I2', `event ${event.seq} ${event.type} was shown and is not on disk`)
      if (event.type === 'cancel-requested') process.toldOfCancel = true
    }
  }

  /** An executor begins; what it answers is to be called when it has left. */
  dispatch(process: SimProcess, order: EffectOrder, signal: AbortSignal): () => void {
    this.#sim.note(() => `${process.id} begins ${order.key} try ${order.tries}`)
    const isOver = this.holder === process.id && !this.#check.steps.isRunning(order.step, order.attempt)
    this.dispatches.begin(order, isOver)
    if (process.toldOfCancel) this.#sim.fail('I14', `${order.key} begins after the cancellation was shown`)
    const pool = `${process.id}/${order.pool}`
    const running = (this.#pools.get(pool) ?? 0) + 1
    if (order.pool !== undefined && running > (this.#poolLimit(order.pool) ?? Infinity))
      this.#sim.fail('I13', `${order.key} is number ${running} in the pool ${order.pool}`)
    this.#pools.set(pool, running)
    let left = false
    return () => {
      if (left) return
      left = true
      const isLate = this.holder === process.id && !this.#check.steps.isRunning(order.step, order.attempt)
      if (isLate && process.alive && !signal.aborted)
        this.#sim.fail('I14', `${order.key} was never told to stop, although its attempt is over`)
      this.#pools.set(pool, (this.#pools.get(pool) ?? 1) - 1)
    }
  }

  #take(event: Event, followed: number): void {
    if ('command' in event.data && event.data.command !== undefined) this.#takeCommand(event, event.data.command)
    if (event.type === 'run-resumed') this.resting = false
    if (event.type === 'message-sent' && event.actor === 'person') this.#words.push({ seq: event.seq, text: 'a word' })
    if (event.type === 'run-finished') this.finished = event.data.status
    if (event.type === 'run-paused') this.#rest(followed)
  }

  #takeCommand(event: Event, command: number): void {
    if (command > this.#sim.inbox) this.#sim.fail('I8', `event ${event.seq} takes a command nobody gave`)
    this.#command = command
    if (event.type === 'cancel-requested') this.cancels.delete(command)
    for (const cancel of this.cancels)
      if (cancel < command) this.#sim.fail('I14', `event ${event.seq} takes the command ${command} before ${cancel}`)
  }

  #rest(followed: number): void {
    this.resting = true
    this.restedAt = this.#sim.inbox
    if (Math.max(followed, this.#command) < this.#sim.inbox)
      this.#sim.fail('I7', 'the run rests although a command has come')
    if (this.cancels.size > 0) this.#sim.fail('I14', 'the run rests although it was cancelled')
  }
}

function withoutInline(data: object): unknown {
  return JSON.parse(JSON.stringify(data, (name, value) => (name === 'inline' ? undefined : value)))
}
