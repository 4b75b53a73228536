import type { EventOf, ForkChange } from '../event.ts'
import { answerFits } from '../presets.ts'
import type { Complain, StepRules } from './step-rules.ts'

type Ended = EventOf<'effect-done'> | EventOf<'effect-failed'>

/** An effect that may still be spoken of: answered ones that can never come again are forgotten, so memory stays flat. */
interface KnownEffect {
  readonly key: string
  readonly step: string
  readonly attempt: number
  readonly kind: string
  readonly safety: 'pure' | 'idempotent' | 'billable' | 'unsafe'
  /** `orphan`: open when a new holder took over · `abandoned`: its executor stayed silent. */
  status: 'open' | 'orphan' | 'abandoned' | 'unknown' | 'closed'
  intent: number
  tries: number
  /** The event that answered it; 0: none. */
  answer: number
  /** How it failed, where that is its answer. */
  failed: EventOf<'effect-failed'> | undefined
  /** It certainly did not reach the world, or a fork answered before it could. */
  harmless: boolean
}

/** I8, I9, I11, I15: what may become of effects. */
export class EffectRules {
  readonly known = new Map<string, KnownEffect>()
  /** Unsafe effects nobody knows the outcome of, whose step has ended. */
  readonly lost = new Set<string>()
  readonly #steps: StepRules
  readonly #fail: Complain
  readonly #ofStep = new Map<string, Set<string>>()
  readonly #calls = new Map<string, number>()
  readonly #presets: { step: string; effect?: string | undefined; kind?: string | undefined; seq: number }[] = []

  constructor(steps: StepRules, fail: Complain) {
    this.#steps = steps
    this.#fail = fail
  }

  /** Keys a person is asked about. */
  asked(): readonly string[] {
    const asked = (effect: KnownEffect) =>
      effect.status === 'unknown' || (effect.kind === 'ask' && effect.status === 'open' && this.#isCurrent(effect))
    return [...this.known.values()].filter(asked).map(({ key }) => key)
  }

  /** Effects that something is still to come of without a person. */
  busy(): readonly string[] {
    const busy = (effect: KnownEffect) => {
      const { status, kind } = effect
      if (status === 'orphan' || status === 'abandoned' || (status === 'open' && kind !== 'ask')) return true
      return status === 'closed' && this.#isCurrent(effect) && this.#mayRetry(effect)
    }
    return [...this.known.values()].filter(busy).map(({ key }) => key)
  }

  /** Effects without an outcome, of which one has to come before the run may end. */
  open(): readonly string[] {
    return [...this.known.values()]
      .filter((effect) => effect.status !== 'closed' && (effect.kind !== 'ask' || this.#isCurrent(effect)))
      .map(({ key }) => key)
  }

  intend({ data, seq, at }: EventOf<'effect-intended'>): void {
    const { key, step, attempt, kind, safety } = data
    this.#steps.expectRunning(data, `intends ${key}`)
    const known = this.known.get(key)
    if (data.answered_by !== undefined) return this.#reuse({ ...data, answered_by: data.answered_by }, seq)
    const calls = this.#calls.get(step) ?? 0
    if (safety === 'billable' && known?.status !== 'orphan') this.#calls.set(step, calls + 1)
    if (data.redo !== undefined) return this.#repeat(data, { seq, at, calls })
    if (known && !(safety === 'unsafe' && known.status === 'closed' && known.failed && known.harmless))
      this.#fail('I8', `intends ${key} again, which may have happened (event ${known.intent})`)
    if (safety === 'billable' && calls >= this.#steps.limits.calls_per_step)
      this.#fail('I15', `${step} makes more than ${this.#steps.limits.calls_per_step} calls`)
    const status = 'open'
    this.#keep({ key, step, attempt, kind, safety, status, intent: seq, tries: 1, answer: 0, ...unanswered })
  }

  /** The limit said no to another try. */
  giveUp(key: string, seq: number): void {
    const effect = this.known.get(key)
    if (!effect) return
    if (effect.safety === 'unsafe' && effect.status === 'unknown') this.lost.add(key)
    if (effect.harmless) return this.#forget(effect)
    Object.assign(effect, { status: 'closed', failed: undefined, answer: seq })
    this.#forgetSettled(effect)
  }

  /** An outcome: of an open effect from the world, of an asked one from a person. */
  end(event: Ended): void {
    const { data, actor, causes } = event
    const effect = this.known.get(data.key)
    if (!effect) {
      // The cache answers without an intent.
      if (event.type === 'effect-failed' || event.data.source !== 'cache')
        this.#fail('I11', `ends ${data.key}, which is not open`)
      return
    }
    if (actor === 'world' && (effect.status !== 'open' || causes[0] !== effect.intent))
      this.#fail('I11', `ends ${data.key}, which is ${effect.status} since event ${effect.intent}`)
    const asked = effect.status === 'unknown' || (effect.kind === 'ask' && effect.status === 'open')
    if (actor === 'person' && !asked) this.#fail('I8', `resolves ${data.key}, which is ${effect.status}`)
    effect.answer = event.seq
    effect.failed = event.type === 'effect-failed' ? event : undefined
    effect.harmless = event.type === 'effect-failed' && event.data.touched === 'no'
    const silent = event.type === 'effect-failed' && event.data.code === 'abandoned' && effect.safety === 'unsafe'
    effect.status = silent ? 'abandoned' : 'closed'
    if (!silent) this.#forgetSettled(effect)
  }

  lose({ data, seq }: EventOf<'effect-unknown'>): void {
    const effect = this.known.get(data.key)
    if (!effect) return this.#fail('I9', `loses ${data.key}, which is not open`)
    if (effect.status !== 'orphan' && effect.status !== 'abandoned')
      this.#fail('I9', `loses ${data.key}, which is ${effect.status}`)
    Object.assign(effect, unanswered)
    if (!this.#isCurrent(effect)) {
      if (effect.safety === 'unsafe') this.lost.add(effect.key)
      effect.status = 'closed'
      if (this.#steps.hasEnded(effect.step)) this.#forget(effect)
      return
    }
    if (effect.safety !== 'unsafe') this.#fail('I9', `parks ${data.key}, which could be repeated`)
    const fails = this.#steps.known.get(effect.step)?.plan.on_unknown === 'fail'
    effect.status = fails ? 'closed' : 'unknown'
    effect.answer = fails ? seq : 0
  }

  /** An attempt has ended. What runs goes on until it reports; what nobody knows, or was to be repeated, is dropped. */
  leave(step: string): void {
    const ended = this.#steps.hasEnded(step)
    for (const key of this.#ofStep.get(step) ?? []) {
      const effect = this.known.get(key) as KnownEffect
      const { status, safety, kind } = effect
      if (status === 'open' && kind !== 'ask') continue
      if (status === 'closed' && safety === 'unsafe' && !ended) continue
      if (status !== 'open' && status !== 'closed' && safety === 'unsafe') this.lost.add(key)
      this.#forget(effect)
    }
    if (ended) this.#calls.delete(step)
  }

  /** A fork begins an attempt anew: only what waited to be repeated is dropped. */
  restart(step: string): void {
    for (const key of this.#ofStep.get(step) ?? []) {
      const effect = this.known.get(key) as KnownEffect
      if (effect.status === 'closed' && effect.safety !== 'unsafe') this.#forget(effect)
    }
  }

  /** A new holder cannot know what the executors of the old one did. */
  resume(): void {
    for (const effect of this.known.values())
      if (effect.status === 'open' && effect.kind !== 'ask') effect.status = 'orphan'
  }

  /** A fork answers in the world's place: what is open, else the next that is asked. */
  answer({ step, effect, kind }: NonNullable<ForkChange['answers']>[number], seq: number): void {
    const waits = (key: string) => {
      const known = this.known.get(key) as KnownEffect
      const unanswered = known.status !== 'closed' || this.#mayRetry(known)
      return this.#isCurrent(known) && unanswered && answerFits({ effect, kind }, known)
    }
    const key = [...(this.#ofStep.get(step) ?? [])].find(waits)
    const found = key === undefined ? undefined : this.known.get(key)
    if (!found) return void this.#presets.push({ step, effect, kind, seq })
    Object.assign(found, { status: 'closed', answer: seq, failed: undefined, harmless: false })
    this.#forgetSettled(found)
  }

  /** May the step have reached the world, so that it must not be run again as a whole? */
  mayHaveTouched(step: string): boolean {
    for (const key of this.#ofStep.get(step) ?? []) {
      const effect = this.known.get(key)
      if (effect?.safety === 'unsafe' && !effect.harmless) return true
    }
    return false
  }

  /** An effect that was done before gives its answer again, or a fork gives the one it brought. */
  #reuse(data: EventOf<'effect-intended'>['data'] & { readonly answered_by: number }, seq: number): void {
    const { key, step, attempt, kind, safety, answered_by } = data
    const known = this.known.get(key)
    if (known?.status === 'closed' && known.answer === answered_by) return
    const preset = this.#presets.findIndex(
      (each) => each.step === step && each.seq === answered_by && answerFits(each, data),
    )
    if (known || preset < 0) return this.#fail('I8', `answers ${key} by event ${answered_by}, which is not its answer`)
    this.#presets.splice(preset, 1)
    const place = { status: 'closed', intent: seq, tries: 1, answer: answered_by } as const
    if (safety === 'unsafe')
      this.#keep({ key, step, attempt, kind, safety, ...place, failed: undefined, harmless: true })
  }

  #repeat(
    { key, attempt, redo }: EventOf<'effect-intended'>['data'],
    when: { readonly seq: number; readonly at: number; readonly calls: number },
  ): void {
    const effect = this.known.get(key)
    if (!effect) return this.#fail('I9', `repeats ${key}, which has its answer or was never intended`)
    if (effect.tries !== redo) this.#fail('I15', `repeats ${key} as number ${redo}, not ${effect.tries}`)
    if (effect.attempt !== attempt) this.#fail('I14', `repeats ${key} of another attempt`)
    if (effect.status === 'closed') this.#checkRetry(effect, when)
    else if (effect.status === 'orphan') {
      if (effect.safety === 'unsafe') this.#fail('I9', `repeats the unsafe ${key} after a crash`)
    } else if (effect.status !== 'unknown') this.#fail('I9', `repeats ${key} while it is ${effect.status}`)
    else if (this.#steps.known.get(effect.step)?.plan.on_unknown !== 'retry')
      this.#fail('I9', `repeats ${key}, whose outcome nobody knows`)
    Object.assign(effect, { status: 'open', intent: when.seq, tries: effect.tries + 1, answer: 0, ...unanswered })
  }

  #checkRetry(effect: KnownEffect, { at, calls }: { readonly at: number; readonly calls: number }): void {
    const { limits } = this.#steps
    const { failed, key, tries, safety } = effect
    if (!failed) return this.#fail('I8', `repeats ${key}, which was done`)
    const { retry, touched, retry_after_ms: after } = failed.data
    if (!retry) this.#fail('I15', `repeats ${key}, which failed for good`)
    if (safety === 'unsafe' && touched !== 'no')
      this.#fail('I8', `repeats the unsafe ${key}, which touched the world: ${touched}`)
    if (tries >= limits.tries) this.#fail('I15', `tries ${key} more than ${limits.tries} times`)
    if (safety === 'billable' && calls >= limits.calls_per_step)
      this.#fail('I15', `${effect.step} makes more than ${limits.calls_per_step} calls`)
    const backoff = Math.round(Math.min(limits.backoff_ms * 2 ** (tries - 1), limits.backoff_cap_ms) / 2)
    const least = Math.max(after ?? 0, backoff - 1)
    if (at - failed.at < least) this.#fail('I15', `repeats ${key} after ${at - failed.at} of ${least} ms`)
    if (after !== undefined && after > limits.backoff_cap_ms)
      this.#fail('I15', `repeats ${key} although the server asked for ${after} ms`)
  }

  /** Whether another call is left is not told from here: repetitions after a crash count as well. */
  #mayRetry({ failed, safety, tries }: KnownEffect): boolean {
    const { limits, stopped } = this.#steps
    if (!failed || stopped) return false
    const { retry, touched, retry_after_ms: after } = failed.data
    const allowed = retry && safety !== 'billable' && (safety !== 'unsafe' || touched === 'no') && tries < limits.tries
    return allowed && (after === undefined || after <= limits.backoff_cap_ms)
  }

  #isCurrent({ step, attempt }: KnownEffect): boolean {
    return this.#steps.isRunning(step, attempt)
  }

  #keep(effect: KnownEffect): void {
    this.known.set(effect.key, effect)
    const keys = this.#ofStep.get(effect.step)
    if (keys) keys.add(effect.key)
    else this.#ofStep.set(effect.step, new Set([effect.key]))
  }

  /** An answered effect stays known while it may be repeated, or its answer be given to a later attempt. */
  #forgetSettled(effect: KnownEffect): void {
    const gone = this.#steps.hasEnded(effect.step) || !this.#isCurrent(effect)
    const settled = effect.safety !== 'unsafe' && (gone || !effect.failed || !effect.failed.data.retry)
    if (settled || this.#steps.hasEnded(effect.step)) this.#forget(effect)
  }

  #forget({ key, step }: KnownEffect): void {
    this.known.delete(key)
    const keys = this.#ofStep.get(step)
    keys?.delete(key)
    if (keys?.size === 0) this.#ofStep.delete(step)
  }
}

const unanswered = { failed: undefined, harmless: false } as const
