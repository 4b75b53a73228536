import type { Event, EventOf } from '../event.ts'
import { createChainCheck, type Sha256 } from '../hash.ts'
import { ApprovalRules } from './approval-rules.ts'
import { EffectRules } from './effect-rules.ts'
import { MoneyRules } from './money-rules.ts'
import { attemptOf, StepRules } from './step-rules.ts'

/** A rule of every run that an event breaks. */
export interface Violation {
  /** `I1` to `I16`. */
  readonly invariant: string
  readonly seq: number
  readonly message: string
}

/** What can be told from a run's events alone. I4 (the same events come out again) is told by replay. */
export const CHECKED_INVARIANTS: { readonly [invariant: string]: string } = {
  I1: 'events follow each other without gap, and every hash is right',
  I5: 'each step ends exactly once, and only a running attempt does anything',
  I6: 'a run ends once, with the status its steps give it, and nothing follows its end',
  I7: 'a run that is neither at its end nor resting can go on, and one that rests asks somebody',
  I8: 'nothing that may have happened is done again',
  I9: 'every effect is intended before it happens, and a lost one is never repeated silently',
  I10: 'what is spent and held stays within every limit',
  I11: 'each intent has at most one outcome, and what is held for it is settled once',
  I12: 'a step starts only when what it waits for has ended as it must',
  I13: 'never more steps run at once than allowed',
  I14: 'nothing begins after a cancellation',
  I15: 'tries and calls stay within their limits, and waits are kept',
  I16: 'an effect that was asked about happens only as it was approved, in time and once',
}

/**
 * Checks the events of one run in order, each once. Memory grows with the steps and the effects under way, not with the
 * number of events. After a broken chain (I1) nothing else is checked: what follows proves nothing.
 */
export class InvariantCheck {
  events = 0
  /** The first event whose chain is broken. */
  broken: number | undefined
  readonly steps: StepRules
  readonly effects: EffectRules
  readonly #chain: (event: Event) => { readonly message: string } | undefined
  readonly #approvals: ApprovalRules
  readonly #money: MoneyRules
  #finished = false
  #resting = false
  #command = 0
  #found: Violation[] = []
  #seq = 0

  constructor(sha256: Sha256) {
    this.#chain = createChainCheck(sha256)
    const fail = (invariant: string, message: string) => this.#fail(invariant, message)
    this.steps = new StepRules(fail)
    this.effects = new EffectRules(this.steps, fail)
    this.#approvals = new ApprovalRules(this.steps, fail)
    this.#money = new MoneyRules(this.steps, fail)
  }

  /** The rules that this event breaks. */
  take(event: Event): readonly Violation[] {
    if (this.broken !== undefined) return []
    this.#seq = this.events + 1
    const fault = this.#chain(event)
    if (fault) {
      this.broken = this.#seq
      this.#fail('I1', fault.message)
      return this.#reap()
    }
    this.events += 1
    this.#checkPlace(event)
    this.#take(event)
    return this.#reap()
  }

  /** The rules that the record breaks by ending here. */
  end(): readonly Violation[] {
    this.#seq = this.events
    if (this.broken !== undefined || this.#finished || this.#resting || this.events === 0) return []
    const unended = [...this.steps.known.values()].filter(({ plan }) => !this.steps.hasEnded(plan.id))
    const moves = unended.some((step) => this.steps.canMove(step)) || this.steps.stopped
    if (unended.length > 0 && !moves && this.effects.open().length === 0) {
      const names = unended.slice(0, 5).map(({ plan }) => plan.id)
      this.#fail('I7', `the run is stuck: nothing runs, nobody is asked, and ${names.join(', ')} can never start`)
    }
    return this.#reap()
  }

  #fail(invariant: string, message: string): void {
    this.#found.push({ invariant, seq: this.#seq, message })
  }

  #reap(): readonly Violation[] {
    const found = this.#found
    if (found.length > 0) this.#found = []
    return found
  }

  #checkPlace({ seq, type, data }: Event): void {
    if ((seq === 1) !== (type === 'run-started'))
      this.#fail('I6', `${type} is event ${seq}; a run begins once, with run-started`)
    if (this.#finished) this.#fail('I6', `${type} follows the end of the run`)
    if (this.#resting && type !== 'run-resumed' && type !== 'run-forked')
      this.#fail('I6', `${type} comes while the run rests`)
    if (!('command' in data) || data.command === undefined) return
    if (data.command <= this.#command) this.#fail('I8', `${type} takes the command ${data.command} again`)
    this.#command = data.command
  }

  #take(event: Event): void {
    const steps = this.steps
    const effects = this.effects
    switch (event.type) {
      case 'run-started':
        steps.limits = event.data.limits
        steps.output = event.data.output
        this.#money.begin(event.data.limits)
        return steps.add(event.data.steps)
      case 'run-forked':
        return this.#fork(event)
      case 'steps-added':
        return steps.propose(event)
      case 'step-started':
      case 'step-retried':
        return steps.start(event)
      case 'step-finished':
        steps.finish(event)
        return this.#leave(event.data.step)
      case 'step-failed':
        steps.fail(event, effects.mayHaveTouched(event.data.step))
        return this.#leave(event.data.step)
      case 'step-cancelled':
        steps.cancel(event)
        return this.#leave(event.data.step)
      case 'step-skipped':
        return steps.skip(event)
      case 'effect-intended':
        this.#approvals.use(event)
        this.#money.hold(event)
        return effects.intend(event)
      case 'effect-done':
      case 'effect-failed':
        if (event.type === 'effect-failed' && event.data.code === 'budget_exhausted') steps.refused = true
        return effects.end(event)
      case 'effect-unknown':
        return effects.lose(event)
      case 'budget-settled':
        return this.#money.settle(event)
      case 'budget-refused':
        if (event.data.code !== 'calls_exhausted') steps.refused = true
        if (event.actor === 'step') return steps.expectRunning(event.data, 'writes budget-refused')
        return effects.giveUp(event.data.key, event.seq)
      case 'approval-requested':
        return this.#approvals.request(event)
      case 'approval-given':
        this.#money.raise(event)
        return this.#approvals.give(event)
      case 'approval-denied':
        return this.#approvals.deny(event)
      case 'cancel-requested':
        steps.stopped ??= 'cancelled'
        return
      case 'timer-fired':
        if (event.data.key === 'deadline') steps.stopped ??= 'exhausted'
        return
      case 'run-paused':
        return this.#rest(event)
      case 'run-resumed':
        this.#resting = false
        return effects.resume()
      case 'run-finished':
        return this.#finish(event)
      default: {
        const attempt = attemptOf(event)
        if (attempt) steps.expectRunning(attempt, `writes ${event.type}`)
      }
    }
  }

  #leave(step: string): void {
    this.effects.leave(step)
    this.#approvals.leave(step)
  }

  /** A fork has an inbox of its own, and nobody drives what its parent had begun. */
  #fork({ data, seq }: EventOf<'run-forked'>): void {
    this.#resting = false
    this.#command = 0
    this.#approvals.fork()
    this.#money.fork(data.change.limits)
    const { limits, specs, answers } = data.change
    if (limits) this.steps.limits = { ...this.steps.limits, ...limits }
    for (const { step } of specs ?? []) if (this.steps.restart(step)) this.effects.restart(step)
    for (const answer of answers ?? []) this.effects.answer(answer, seq)
    this.effects.resume()
  }

  #rest({ data }: EventOf<'run-paused'>): void {
    this.#resting = true
    const asked = [...this.effects.asked(), ...this.#approvals.asked()]
    const busy = this.effects.busy()
    if (busy.length > 0) this.#fail('I7', `the run rests while ${busy.join(', ')} goes on`)
    if (asked.length === 0) this.#fail('I7', 'the run rests and nobody is asked')
    else if (!isSame(data.asks, asked))
      this.#fail('I7', `the run rests and asks ${data.asks.join(', ')}, not ${asked.join(', ')}`)
    if (this.steps.taken >= (this.steps.limits.max_concurrent ?? Infinity)) return
    for (const { status, plan } of this.steps.known.values())
      if (status === 'retrying') this.#fail('I7', `the run rests while ${plan.id} waits to run again`)
  }

  #finish({ data }: EventOf<'run-finished'>): void {
    this.#finished = true
    this.#money.end()
    const open = this.effects.open()
    if (open.length > 0) this.#fail('I6', `the run ends while ${open.join(', ')} is open`)
    const due = this.steps.status()
    if (data.status !== due) this.#fail('I6', `the run ends as ${data.status}, not as ${due}`)
    for (const { status, plan } of this.steps.known.values()) {
      const unended = status === 'running' || status === 'retrying'
      if (unended || (status === 'waiting' && !this.steps.stopped))
        this.#fail('I5', `the run ends while ${plan.id} is ${status}`)
    }
    if (!isSame(data.unknown, [...this.effects.lost]))
      this.#fail(
        'I9',
        `the run names ${data.unknown.join(', ') || 'nothing'} as unknown, not ${[...this.effects.lost].join(', ') || 'nothing'}`,
      )
  }
}

/** Checks a whole record at once. */
export function findViolations(events: Iterable<Event>, sha256: Sha256): readonly Violation[] {
  const check = new InvariantCheck(sha256)
  const found: Violation[] = []
  for (const event of events) found.push(...check.take(event))
  return [...found, ...check.end()]
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && String([...a].sort()) === String([...b].sort())
}
