import type { EffectOrder } from '../../src/engine/effect.ts'
import type { EventOf } from '../../src/events/event.ts'
import type { StepRules } from './step-rules.ts'

type Ended = EventOf<'effect-done'> | EventOf<'effect-failed'>

/** An effect as the journal on disk tells it; kept apart from the engine's own fold, so one can contradict the other. */
interface KnownEffect {
  readonly key: string
  step: string
  attempt: number
  kind: string
  safety: string
  pool: string | undefined
  /** `orphan`: open when a new holder took over · `abandoned`: its executor stayed silent. */
  status: 'open' | 'orphan' | 'abandoned' | 'unknown' | 'closed'
  intent: number
  tries: number
  /** Intents on disk, and executors begun. */
  intents: number
  begun: number
  /** Repetitions that a person or the step's own rule allowed although it may have happened. */
  allowed: number
  answer: Ended | undefined
}

/** I8, I9, I11, I15: what may become of effects. */
export class EffectRules {
  readonly known = new Map<string, KnownEffect>()
  /** Unsafe effects nobody knows the outcome of, whose step has ended. */
  readonly lost = new Set<string>()
  readonly #steps: StepRules
  readonly #fail: (invariant: string, message: string) => void
  /** What a person's command speaks about: key, and the intent the person had seen. */
  readonly spoken = new Map<number, { readonly key: string; readonly about: number }>()
  readonly #calls = new Map<string, number>()

  constructor(steps: StepRules, fail: (invariant: string, message: string) => void) {
    this.#steps = steps
    this.#fail = fail
  }

  /** Keys somebody is asked about, with the intent in question. */
  asked(): readonly { readonly key: string; readonly about: number; readonly kind: string }[] {
    const asked: { key: string; about: number; kind: string }[] = []
    for (const { key, kind, status, intent } of this.known.values()) {
      if (status === 'unknown') asked.push({ key, kind, about: intent })
      else if (kind === 'ask' && status === 'open' && this.#current(this.known.get(key) as KnownEffect))
        asked.push({ key, kind, about: intent })
    }
    return asked
  }

  /** Effects that hold the run: something is still to come of them without a person. */
  busy(): readonly string[] {
    const busy: string[] = []
    for (const effect of this.known.values()) {
      const { status, kind } = effect
      if (status === 'orphan' || status === 'abandoned' || (status === 'open' && kind !== 'ask')) busy.push(effect.key)
      else if (status === 'closed' && this.#current(effect) && this.#mayRetry(effect)) busy.push(effect.key)
    }
    return busy
  }

  /** Effects without an outcome. */
  open(): readonly string[] {
    return [...this.known.values()]
      .filter((effect) => effect.status !== 'closed' && (effect.kind !== 'ask' || this.#current(effect)))
      .map((effect) => effect.key)
  }

  intend(event: EventOf<'effect-intended'>): void {
    const { data, seq } = event
    const { key, step, attempt, safety } = data
    this.#steps.expectRunning(step, attempt, `intends ${key} (event ${seq})`)
    const known = this.known.get(key)
    if (data.answered_by !== undefined) {
      if (known?.status !== 'closed' || known.answer?.seq !== data.answered_by)
        this.#fail('I8', `event ${seq} answers ${key} by event ${data.answered_by}, which is not its answer`)
      return
    }
    const calls = this.#calls.get(step) ?? 0
    if (safety === 'billable' && known?.status !== 'orphan') this.#calls.set(step, calls + 1)
    if (data.redo !== undefined) return this.#repeat(event, calls)
    if (known) {
      const again = known.status === 'closed' && known.answer?.type === 'effect-failed'
      if (!again || safety !== 'unsafe' || (known.answer as EventOf<'effect-failed'>).data.touched !== 'no')
        this.#fail('I8', `event ${seq} intends ${key} again, which may have happened`)
    }
    if (safety === 'billable' && calls >= this.#steps.limits.calls_per_step)
      this.#fail('I15', `event ${seq}: ${step} makes more than ${this.#steps.limits.calls_per_step} calls`)
    this.known.set(key, {
      key,
      step,
      attempt,
      safety,
      kind: data.kind,
      pool: data.pool,
      status: 'open',
      intent: seq,
      tries: 1,
      intents: (known?.intents ?? 0) + 1,
      begun: known?.begun ?? 0,
      allowed: (known?.allowed ?? 0) + (known?.answer?.actor === 'person' ? 1 : 0),
      answer: undefined,
    })
  }

  #repeat({ data, seq, at }: EventOf<'effect-intended'>, calls: number): void {
    const { key } = data
    const effect = this.known.get(key)
    if (!effect) return this.#fail('I9', `event ${seq} repeats ${key}, which was never intended`)
    if (effect.tries !== data.redo)
      this.#fail('I15', `event ${seq} repeats ${key} as ${data.redo}, not ${effect.tries}`)
    if (effect.attempt !== data.attempt) this.#fail('I14', `event ${seq} repeats ${key} of another attempt`)
    switch (effect.status) {
      case 'closed':
        this.#checkRetry(effect, { seq, at, calls })
        break
      case 'orphan':
        if (effect.safety === 'unsafe') this.#fail('I9', `event ${seq} repeats the unsafe ${key} after a crash`)
        break
      case 'unknown':
        if (this.#steps.planOf(effect.step)?.on_unknown !== 'retry')
          this.#fail('I9', `event ${seq} repeats ${key}, whose outcome is unknown`)
        break
      default:
        this.#fail('I9', `event ${seq} repeats ${key} while it is ${effect.status}`)
    }
    if (effect.status === 'unknown' || effect.answer?.actor === 'person') effect.allowed += 1
    Object.assign(effect, { status: 'open', intent: seq, tries: effect.tries + 1, intents: effect.intents + 1 })
    effect.answer = undefined
  }

  #checkRetry(effect: KnownEffect, { seq, at, calls }: { seq: number; at: number; calls: number }): void {
    const { limits } = this.#steps
    const { answer, key } = effect
    if (answer?.type !== 'effect-failed') return this.#fail('I8', `event ${seq} repeats ${key}, which was done`)
    const { retry, touched, retry_after_ms: after } = answer.data
    if (!retry) this.#fail('I15', `event ${seq} repeats ${key}, which failed for good`)
    if (effect.safety === 'unsafe' && touched !== 'no')
      this.#fail('I8', `event ${seq} repeats the unsafe ${key}, which touched the world: ${touched}`)
    if (effect.tries >= limits.tries) this.#fail('I15', `event ${seq} tries ${key} more than ${limits.tries} times`)
    if (effect.safety === 'billable' && calls >= limits.calls_per_step)
      this.#fail('I15', `event ${seq}: ${effect.step} makes more than ${limits.calls_per_step} calls`)
    const backoff = Math.round(Math.min(limits.backoff_ms * 2 ** (effect.tries - 1), limits.backoff_cap_ms) / 2)
    const least = Math.max(after ?? 0, backoff - 1)
    if (at - answer.at < least) this.#fail('I15', `event ${seq} repeats ${key} after ${at - answer.at} of ${least} ms`)
    if (after !== undefined && after > limits.backoff_cap_ms)
      this.#fail('I15', `event ${seq} repeats ${key} although the server asked for ${after} ms`)
  }

  #mayRetry(effect: KnownEffect): boolean {
    const { answer, safety, tries } = effect
    const { limits } = this.#steps
    if (answer?.type !== 'effect-failed' || this.#steps.stopped) return false
    const { retry, touched, retry_after_ms: after } = answer.data
    // Whether another call is left is not told from here: repetitions after a crash count as well.
    const allowed = retry && safety !== 'billable' && (safety !== 'unsafe' || touched === 'no') && tries < limits.tries
    return allowed && (after === undefined || after <= limits.backoff_cap_ms)
  }

  /** An outcome: of an open effect from the world, of an asked one from a person. */
  end(event: Ended): void {
    const { data, seq, actor, causes } = event
    const effect = this.known.get(data.key)
    if (!effect) return this.#fail('I11', `event ${seq} ends ${data.key}, which was never intended`)
    if (actor === 'world' && (effect.status !== 'open' || causes[0] !== effect.intent))
      this.#fail('I11', `event ${seq} ends ${data.key}, which is ${effect.status} since event ${effect.intent}`)
    if (actor === 'person') {
      const asked = effect.status === 'unknown' || (effect.kind === 'ask' && effect.status === 'open')
      if (!asked) this.#fail('I8', `event ${seq} resolves ${data.key}, which is ${effect.status}`)
      const spoken = this.spoken.get(data.command ?? 0)
      if (spoken && spoken.about !== effect.intent)
        this.#fail(
          'I8',
          `event ${seq} resolves ${data.key} of event ${effect.intent} by words about event ${spoken.about}`,
        )
    }
    effect.answer = event
    const abandoned = event.type === 'effect-failed' && event.data.code === 'abandoned' && effect.safety === 'unsafe'
    effect.status = abandoned ? 'abandoned' : 'closed'
  }

  lose({ data, seq }: EventOf<'effect-unknown'>): void {
    const effect = this.known.get(data.key)
    if (!effect) return this.#fail('I9', `event ${seq} loses ${data.key}, which was never intended`)
    if (effect.status !== 'orphan' && effect.status !== 'abandoned')
      this.#fail('I9', `event ${seq} loses ${data.key}, which is ${effect.status}`)
    effect.answer = undefined
    if (!this.#current(effect)) {
      effect.status = 'closed'
      if (effect.safety === 'unsafe') this.lost.add(effect.key)
      return
    }
    if (effect.safety !== 'unsafe') this.#fail('I9', `event ${seq} parks ${data.key}, which could be repeated`)
    effect.status = this.#steps.planOf(effect.step)?.on_unknown === 'fail' ? 'closed' : 'unknown'
  }

  /** A step has ended: what is unknown stays so. */
  leave(step: string): void {
    for (const effect of this.known.values()) {
      if (effect.step !== step || effect.status !== 'unknown') continue
      effect.status = 'closed'
      this.lost.add(effect.key)
    }
  }

  resume(): void {
    for (const effect of this.known.values())
      if (effect.status === 'open' && effect.kind !== 'ask') effect.status = 'orphan'
  }

  /** May the step be run again as a whole? */
  mayHaveTouched(step: string): boolean {
    for (const effect of this.known.values()) {
      if (effect.step !== step || effect.safety !== 'unsafe') continue
      if (effect.status !== 'closed' || !effect.answer) return true
      if (effect.answer.type === 'effect-done' || effect.answer.data.touched !== 'no') return true
    }
    return false
  }

  /** An executor begins. */
  begin(order: EffectOrder, holds: boolean): void {
    const effect = this.known.get(order.key)
    if (!effect || effect.intents <= effect.begun)
      return this.#fail('I9', `${order.key} begins without an intent of its own on disk`)
    effect.begun += 1
    if (holds && !this.#current(effect)) this.#fail('I14', `${order.key} begins although its attempt is over`)
  }

  #current(effect: KnownEffect): boolean {
    return this.#steps.isRunning(effect.step, effect.attempt)
  }
}
