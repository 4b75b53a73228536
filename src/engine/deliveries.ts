import type { Event } from '../events/event.ts'
import { effectName } from '../events/presets.ts'
import { inputOf, sightOf } from '../events/sight.ts'
import type { RunState, StepState, Wake } from '../events/state.ts'
import type { Json, JsonObject, Value } from '../events/values.ts'
import { type Answer, Attempt, type RawOffer } from './attempt.ts'
import { ContentRemoved, type ContentStore } from './content.ts'
import type { Delta } from './effect.ts'
import { type Inputs, StepFailure, type StepKind, type StepOutcome } from './step.ts'
import { inVersion } from './versions.ts'

/** The running attempts of a run and what they are to be told, at most one thing per step between two drains. */
export class Deliveries {
  readonly attempts = new Map<string, Attempt>()
  /** Attempts that made offers, in the order of their first one. */
  readonly offered = new Set<Attempt>()
  #queue: { wake: Wake; event: Event | undefined }[] = []
  readonly #state: RunState
  readonly #store: ContentStore
  readonly #kinds: { readonly [kind: string]: StepKind }
  readonly #delta: ((step: string, attempt: number, delta: Delta) => void) | undefined
  /** One for all attempts. */
  readonly #offer = (made: Attempt): void => {
    this.offered.add(made)
    this.#changed?.()
  }
  readonly #changed: (() => void) | undefined
  readonly #removed: ((step: string) => void) | undefined

  constructor(options: {
    readonly state: RunState
    readonly store: ContentStore
    readonly kinds: { readonly [kind: string]: StepKind }
    delta?(step: string, attempt: number, delta: Delta): void
    /** An attempt made an offer. */
    changed?(): void
    /** A step needs content that is gone; its attempt is dropped. Without this, `flush` throws ContentRemoved. */
    removed?(step: string): void
  }) {
    this.#state = options.state
    this.#store = options.store
    this.#kinds = options.kinds
    this.#delta = options.delta
    this.#changed = options.changed
    this.#removed = options.removed
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Queues what follows from an event for the attempts that `concerns` names. */
  take(event: Event, concerns: (wake: Wake) => boolean): void {
    for (const wake of this.#state.wakes) {
      if (concerns(wake)) this.#queue.push({ wake, event: wake.seq === event.seq ? event : undefined })
    }
    this.#state.wakes.length = 0
  }

  /** Hands out the first wake of each step; a drain must follow. Answers whether anything was handed out. */
  async flush(): Promise<boolean> {
    if (this.#queue.length === 0) return false
    const queue = this.#queue
    const told = new Set<string>()
    const later: typeof queue = []
    this.#queue = []
    for (const item of queue) {
      if (told.has(item.wake.step)) {
        later.push(item)
        continue
      }
      told.add(item.wake.step)
      try {
        const event = item.event ?? (await this.#store.eventAt(item.wake.seq))
        const handed = event && this.#hand(item.wake, event)
        if (handed) await handed
      } catch (error) {
        if (!(error instanceof ContentRemoved)) throw error
        this.#giveUp(item.wake, error)
      }
    }
    this.#queue = [...later, ...this.#queue]
    return true
  }

  /** The attempt is over, one way or the other. */
  end(step: string): void {
    const attempt = this.attempts.get(step)
    if (!attempt) return
    attempt.offers.length = 0
    this.attempts.delete(step)
    this.offered.delete(attempt)
  }

  /** An offer by its id, of this attempt alone: one that has ended may still be there, and have made the same. */
  find({ step, attempt, id }: Pick<RawOffer, 'step' | 'attempt' | 'id'>): RawOffer | undefined {
    return this.attempts.get(step)?.offers.find((offer) => offer.id === id && offer.attempt === attempt)
  }

  remove(offer: RawOffer): void {
    const offers = this.attempts.get(offer.step)?.offers
    const index = offers?.indexOf(offer) ?? -1
    if (index >= 0) offers?.splice(index, 1)
  }

  #giveUp({ step, at }: Wake, error: ContentRemoved): void {
    error.step ??= step
    if (!this.#removed) throw error
    this.attempts.get(step)?.abort('content it needs has been removed', at)
    this.end(step)
    this.#removed(step)
  }

  #hand(wake: Wake, event: Event): Promise<void> | undefined {
    const step = this.#state.steps.get(wake.step) as StepState
    if (wake.what === 'start') return this.#start(wake, step, event)
    const attempt = this.attempts.get(wake.step)
    if (!attempt || attempt.number !== wake.attempt) return undefined
    if (wake.what === 'abort') {
      attempt.abort(event.type === 'step-cancelled' ? event.data.reason : 'timeout', wake.at)
      this.end(wake.step)
      return undefined
    }
    const offer = wake.offer as string
    const answer = wake.what === 'children' ? this.#outcomesOf(step, offer) : this.#answerOf(event, wake)
    if (answer instanceof Promise) return answer.then((content) => attempt.deliver(offer, content, wake.at))
    attempt.deliver(offer, answer, wake.at)
    return undefined
  }

  #start(wake: Wake, step: StepState, { data }: Event): Promise<void> | undefined {
    const shipped = this.#kinds[step.kind]
    const kind = ('version' in data && inVersion(shipped, data.version)) || shipped
    const attempt = new Attempt({
      step: step.id,
      attempt: wake.attempt,
      seed: this.#state.seed,
      offered: this.#offer,
      delta: this.#delta,
    })
    this.attempts.set(step.id, attempt)
    const begin = (spec: Json, inputs: Inputs) => {
      const running: StepKind = kind ?? unknownKind(step.kind)
      const view = { id: step.id, kind: step.kind, attempt: wake.attempt, spec: spec as JsonObject }
      attempt.start(running, { view, inputs, at: wake.at })
    }
    const spec = this.#store.read(step.plan.spec)
    const inputs = this.#inputsOf(step)
    if (spec instanceof Promise || inputs instanceof Promise)
      return Promise.all([spec, inputs]).then(([a, b]) => begin(a, b))
    begin(spec, inputs)
    return undefined
  }

  #inputsOf(step: StepState): Inputs | Promise<Inputs> {
    const input = this.#store.read(inputOf(this.#state, step))
    const dependencies = all(sightOf(step).map((id) => this.#outcomeOf(id)))
    if (input instanceof Promise || dependencies instanceof Promise) {
      return Promise.all([input, dependencies]).then(([a, b]) => ({ input: a, dependencies: b }))
    }
    return { input, dependencies }
  }

  #outcomesOf(step: StepState, proposal: string): Answer | Promise<Answer> {
    const children = step.proposals?.get(proposal)?.children ?? []
    const outcomes = all(children.map((id) => this.#outcomeOf(id)))
    if (outcomes instanceof Promise) return outcomes.then((content) => ({ ok: true, content }))
    return { ok: true, content: outcomes }
  }

  #outcomeOf(id: string): StepOutcome | Promise<StepOutcome> {
    const step = this.#state.steps.get(id) as StepState
    const lost = step.lost ? { lost: step.lost } : {}
    const outcome = { step: id, status: step.status as StepOutcome['status'], ...step.failure, ...lost }
    if (!step.output) return outcome
    const output = this.#store.read(step.output.value as Value, step.output.seq)
    if (output instanceof Promise) return output.then((content) => ({ ...outcome, output: content }))
    return { ...outcome, output }
  }

  #contentOf(value: Value): Answer | Promise<Answer> {
    const content = this.#store.read(value)
    return content instanceof Promise
      ? content.then((loaded) => ({ ok: true, content: loaded }))
      : { ok: true, content }
  }

  #answerOf(event: Event, { step, offer }: Wake): Answer | Promise<Answer> {
    switch (event.type) {
      case 'effect-done':
        return this.#contentOf(event.data.answer)
      case 'run-forked': {
        const own = event.data.change.answers?.filter((answer) => answer.step === step) ?? []
        const named = own.find((answer) => answer.effect === effectName(step, offer as string))
        const given = named ?? own.find((answer) => answer.effect === undefined)
        if (!given) throw new Error(`event ${event.seq} holds no answer for ${offer}`)
        return this.#contentOf(given.answer)
      }
      case 'effect-failed': {
        const { code, message } = event.data
        const detail = event.data.detail ? this.#store.read(event.data.detail) : undefined
        const fail = (text: Json | undefined): Answer => ({
          ok: false,
          failure: new StepFailure(code, message, typeof text === 'string' ? { detail: text } : {}),
        })
        return detail instanceof Promise ? detail.then(fail) : fail(detail)
      }
      case 'approval-denied':
        return { ok: false, failure: new StepFailure('approval_denied', event.data.reason) }
      case 'budget-refused':
        return { ok: false, failure: new StepFailure(event.data.code, event.data.message) }
      case 'effect-unknown':
        return { ok: false, failure: new StepFailure('effect_unknown', 'nobody knows whether it happened') }
      default:
        throw new Error(`a ${event.type} answers nothing`)
    }
  }
}

function unknownKind(kind: string): StepKind {
  const run = () => Promise.reject(new StepFailure('kind_unknown', `there is no step of the kind ${kind}`))
  return { kind, version: 0, run }
}

/** The items, without a promise when none of them is one. */
function all<T>(items: readonly (T | Promise<T>)[]): readonly T[] | Promise<readonly T[]> {
  return items.some((item) => item instanceof Promise) ? Promise.all(items) : (items as readonly T[])
}
