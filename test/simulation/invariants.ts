import type { EffectOrder } from '../../src/engine/effect.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import { createChainCheck } from '../../src/events/hash.ts'
import { EffectRules } from './effect-rules.ts'
import type { SimProcess } from './process.ts'
import { type Sim, sha256 } from './sim.ts'
import { StepRules } from './step-rules.ts'

/** Looks at every event the moment it is on disk, at every dispatch and at everything that is told to anybody. */
export class Invariants {
  /** What is on disk. */
  readonly events: Event[] = []
  readonly steps: StepRules
  readonly effects: EffectRules
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
  readonly #chain = createChainCheck(sha256)
  readonly #pools = new Map<string, number>()
  readonly #poolLimit: (pool: string) => number | undefined
  #command = 0
  #phase: string | undefined

  constructor(sim: Sim, poolLimit: (pool: string) => number | undefined) {
    this.#sim = sim
    this.#poolLimit = poolLimit
    this.movedAt = sim.now
    const fail = (invariant: string, message: string) => sim.fail(invariant, message)
    this.steps = new StepRules(fail)
    this.effects = new EffectRules(this.steps, fail)
  }

  /** Where the run stands, in a word. */
  get phase(): string {
    this.#phase ??= this.#findPhase()
    return this.#phase
  }

  #findPhase(): string {
    if (this.events.length === 0) return 'not begun'
    if (this.finished) return 'finished'
    if (this.resting) return 'resting'
    if (this.steps.stopped) return 'stopping'
    if (this.effects.asked().length > 0) return 'asking'
    for (const effect of this.effects.known.values()) if (effect.status === 'open') return 'effects open'
    for (const step of this.steps.known.values()) if (step.status === 'retrying') return 'retry waits'
    return 'between'
  }

  /** What an effect's step is going through. */
  stepState({ step, attempt, tries }: EffectOrder): string {
    if (!this.steps.isRunning(step, attempt)) return 'step over'
    if (tries > 1) return 'effect repeated'
    if (attempt > 1) return 'step retried'
    return step.includes('/') ? 'proposed step' : 'first attempt'
  }

  takeLease(records: readonly unknown[]): void {
    const record = records.at(-1) as { owner: { id: string }; released?: true } | undefined
    if (record) this.holder = record.released ? undefined : record.owner.id
  }

  takeEvents(events: readonly Event[], from: { readonly by: string; readonly followed: number }): void {
    if (this.holder !== from.by)
      this.#sim.fail('I23', `${from.by} writes while ${this.holder ?? 'nobody'} holds the lease`)
    this.movedAt = this.#sim.now
    this.#phase = undefined
    for (const event of events) {
      this.#sim.note(() => `${from.by} ${event.seq} ${event.type} ${JSON.stringify(withoutInline(event.data))}`)
      const fault = this.#chain(event)
      if (fault) this.#sim.fail('I1', fault.message)
      if (this.finished) this.#sim.fail('I6', `event ${event.seq} ${event.type} follows run-finished`)
      if (this.resting && event.type !== 'run-resumed')
        this.#sim.fail('I6', `event ${event.seq} ${event.type} follows run-paused`)
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
  dispatch(process: SimProcess, order: EffectOrder): () => void {
    this.#sim.note(() => `${process.id} begins ${order.key} try ${order.tries}`)
    this.effects.begin(order, this.holder === process.id)
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
      this.#pools.set(pool, (this.#pools.get(pool) ?? 1) - 1)
    }
  }

  #take(event: Event, followed: number): void {
    if ('command' in event.data && event.data.command !== undefined) this.#takeCommand(event, event.data.command)
    const { steps, effects } = this
    switch (event.type) {
      case 'run-started':
        if (event.seq !== 1) this.#sim.fail('I1', `event ${event.seq} starts the run again`)
        steps.limits = event.data.limits
        steps.output = event.data.output
        return steps.add(event.data.steps)
      case 'steps-added':
        return steps.propose(event)
      case 'step-started':
      case 'step-retried':
        return steps.start(event)
      case 'step-finished':
        steps.finish(event)
        return effects.leave(event.data.step)
      case 'step-failed':
        steps.fail(event, effects.mayHaveTouched(event.data.step))
        if (event.data.retry_at === undefined) effects.leave(event.data.step)
        return
      case 'step-cancelled':
        steps.cancel(event)
        return effects.leave(event.data.step)
      case 'step-skipped':
        return steps.skip(event)
      case 'effect-intended':
        return effects.intend(event)
      case 'effect-done':
      case 'effect-failed':
        return effects.end(event)
      case 'effect-unknown':
        return effects.lose(event)
      case 'cancel-requested':
        steps.stopped ??= 'cancelled'
        return
      case 'timer-fired':
        if (event.data.key === 'deadline') steps.stopped ??= 'exhausted'
        return
      case 'run-paused':
        return this.#rest(event, followed)
      case 'run-resumed':
        this.resting = false
        return effects.resume()
      case 'run-finished':
        return this.#finish(event)
      default:
    }
  }

  #takeCommand(event: Event, command: number): void {
    if (command <= this.#command) this.#sim.fail('I8', `event ${event.seq} takes the command ${command} again`)
    if (command > this.#sim.inbox) this.#sim.fail('I8', `event ${event.seq} takes a command nobody gave`)
    this.#command = command
    if (event.type === 'cancel-requested') this.cancels.delete(command)
    for (const cancel of this.cancels)
      if (cancel < command) this.#sim.fail('I14', `event ${event.seq} takes the command ${command} before ${cancel}`)
  }

  #rest(event: EventOf<'run-paused'>, followed: number): void {
    this.resting = true
    this.restedAt = this.#sim.inbox
    const busy = this.effects.busy()
    if (busy.length > 0) this.#sim.fail('I7', `the run rests while ${busy.join()} goes on`)
    if (this.effects.asked().length === 0) this.#sim.fail('I7', 'the run rests and nobody is asked')
    const full = this.steps.taken() >= (this.steps.limits.max_concurrent ?? Infinity)
    for (const step of this.steps.known.values())
      if (step.status === 'retrying' && !full)
        this.#sim.fail('I7', `the run rests while ${step.plan.id} waits to run again`)
    const asked = this.effects.asked().map(({ key }) => key)
    if (String([...event.data.asks].sort()) !== String(asked.sort()))
      this.#sim.fail('I7', `the run rests and asks ${event.data.asks.join()} instead of ${asked.join()}`)
    if (Math.max(followed, this.#command) < this.#sim.inbox)
      this.#sim.fail('I7', 'the run rests although a command has come')
    if (this.cancels.size > 0) this.#sim.fail('I14', 'the run rests although it was cancelled')
  }

  #finish(event: EventOf<'run-finished'>): void {
    this.finished = event.data.status
    const open = this.effects.open()
    if (open.length > 0) this.#sim.fail('I6', `the run ends while ${open.join()} is open`)
    if (event.data.status !== this.steps.status())
      this.#sim.fail('I6', `the run ends as ${event.data.status} instead of ${this.steps.status()}`)
    for (const [id, step] of this.steps.known) {
      const unended = step.status === 'running' || step.status === 'retrying'
      if (unended || (step.status === 'waiting' && !this.steps.stopped))
        this.#sim.fail('I5', `the run ends while ${id} is ${step.status}`)
    }
    if (String([...event.data.unknown].sort()) !== String([...this.effects.lost].sort()))
      this.#sim.fail(
        'I9',
        `the run names ${event.data.unknown.join()} as unknown, not ${[...this.effects.lost].join()}`,
      )
  }
}

function withoutInline(data: object): unknown {
  return JSON.parse(JSON.stringify(data, (name, value) => (name === 'inline' ? undefined : value)))
}
