import { toJson } from '../events/canonical.ts'
import { isNeed, type Need } from '../events/money.ts'
import { createRandom } from '../events/random.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { checkProposal } from './admit.ts'
import type { Delta, EffectAsk, Safety } from './effect.ts'
import {
  type Inputs,
  type ProposedStep,
  type RecordType,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
  type StepResult,
  type StepView,
} from './step.ts'

interface OfAttempt {
  readonly step: string
  readonly attempt: number
  readonly id: string
}

/** What a step's code asks for, its content still plain; values are made of it when it is admitted. */
export type RawOffer = OfAttempt &
  (
    | {
        readonly what: 'effect'
        readonly kind: string
        readonly safety: Safety
        readonly pool?: string
        readonly need?: Need
        readonly request: Json
      }
    | { readonly what: 'propose'; readonly name: string; readonly steps: readonly ProposedStep[] }
    | {
        readonly what: 'record'
        readonly type: RecordType
        readonly n: number
        readonly facts: JsonObject
        readonly content?: Json
      }
    | { readonly what: 'finish'; readonly output: Json; readonly verdict?: Json }
    | {
        readonly what: 'fail'
        readonly code: string
        readonly message: string
        readonly output?: Json
        readonly foreign?: string
      }
  )

/** What a delivery carries to the code: an answer, the children's outcomes, or a failure. */
export type Answer =
  | { readonly ok: true; readonly content: Json | readonly StepOutcome[] }
  | { readonly ok: false; readonly failure: StepFailure }

interface Waiter {
  resolve(content: never): void
  reject(failure: StepFailure): void
}

/** One running attempt of a step: the step's code, what it waits for, and what it offers. The same live and in replay. */
export class Attempt {
  readonly step: string
  readonly number: number
  /** Offers nobody has answered yet, in the order made. */
  readonly offers: RawOffer[] = []
  /** Made when first needed, as many steps ask for nothing. */
  #waiting: Map<string, Waiter> | undefined
  #counts: Map<string, number> | undefined
  readonly #seed: string
  readonly #offered: (attempt: Attempt) => void
  readonly #delta: ((step: string, attempt: number, delta: Delta) => void) | undefined
  #random: (() => number) | undefined
  #controller: AbortController | undefined
  #now = 0
  #over = false

  constructor(options: {
    readonly step: string
    readonly attempt: number
    readonly seed: string
    readonly offered: (attempt: Attempt) => void
    readonly delta: ((step: string, attempt: number, delta: Delta) => void) | undefined
  }) {
    this.step = options.step
    this.number = options.attempt
    this.#seed = options.seed
    this.#offered = options.offered
    this.#delta = options.delta
  }

  /** Runs the step's code until its first await; its end becomes an offer. */
  start(kind: StepKind, how: { readonly view: StepView; readonly inputs: Inputs; readonly at: number }): void {
    this.#now = how.at
    let running: Promise<StepResult>
    try {
      running = kind.run(how.view, how.inputs, this.#context())
    } catch (error) {
      running = Promise.reject(error)
    }
    running.then(
      (result) => this.#finish(result),
      (error) => this.#fail(error),
    )
  }

  /** Hands an answer to whoever waits for the offer. */
  deliver(offer: string, answer: Answer, at: number): void {
    this.#now = at
    const waiter = this.#waiting?.get(offer)
    if (!waiter) return
    this.#waiting?.delete(offer)
    if (answer.ok) waiter.resolve(answer.content as never)
    else waiter.reject(answer.failure)
  }

  /** The attempt is to stop: its signal fires and everything it waits for is rejected. */
  abort(reason: string, at: number): void {
    this.#now = at
    this.#over = true
    this.#controller?.abort(new StepFailure('aborted', reason))
    for (const waiter of this.#waiting?.values() ?? []) waiter.reject(new StepFailure('aborted', reason))
    this.#waiting?.clear()
    this.offers.length = 0
  }

  /** What it still waits for, for messages. */
  waitsFor(): readonly string[] {
    return [...(this.#waiting?.keys() ?? [])]
  }

  #context(): StepContext {
    const attempt = this
    return {
      effect: (ask) => attempt.#effect(ask),
      propose: (name, steps) => attempt.#propose(name, steps),
      record: (type, facts, content) => attempt.#record(type, facts, content),
      stream: (delta) => attempt.#delta?.(attempt.step, attempt.number, delta),
      now: () => attempt.#now,
      random: () => {
        attempt.#random ??= createRandom(`${attempt.#seed}/${attempt.step}@${attempt.number}`)
        return attempt.#random()
      },
      get signal() {
        attempt.#controller ??= new AbortController()
        if (attempt.#over && !attempt.#controller.signal.aborted)
          attempt.#controller.abort(new StepFailure('aborted', 'the step was stopped'))
        return attempt.#controller.signal
      },
    }
  }

  #effect(ask: EffectAsk): Promise<Json> {
    const request = toJson(ask.request)
    if (!request.ok)
      return reject(
        new StepFailure('not_json', `the request of ${ask.name ?? ask.kind} is not plain JSON: ${request.reason}`),
      )
    if (ask.need && !isNeed(ask.need))
      return reject(new StepFailure('not_json', `what ${ask.name ?? ask.kind} needs is not told in whole numbers`))
    const name = this.#count(ask.name ?? ask.kind)
    const id = ask.safety === 'unsafe' ? `${this.step}/${name}` : `${this.step}@${this.number}/${name}`
    const pool = ask.pool === undefined ? {} : { pool: ask.pool }
    return this.#offer<Json>({
      ...this.#own(id),
      what: 'effect',
      kind: ask.kind,
      safety: ask.safety,
      request: request.json,
      ...pool,
      ...(ask.need === undefined ? {} : { need: ask.need }),
    })
  }

  #propose(name: string, steps: readonly ProposedStep[]): Promise<readonly StepOutcome[]> {
    const problem = checkProposal(this.step, steps)
    if (problem) return reject(new StepFailure('bad_proposal', problem))
    const plain = toJson(steps)
    if (!plain.ok) return reject(new StepFailure('not_json', `the proposal ${name} is not plain JSON: ${plain.reason}`))
    const copy = plain.json as unknown as readonly ProposedStep[]
    return this.#offer({ ...this.#own(`propose:${name}`), what: 'propose', name, steps: copy })
  }

  #record(type: RecordType, facts: JsonObject, content?: Json): void {
    const plain = toJson({ facts, content })
    if (!plain.ok) throw new StepFailure('not_json', `the facts of ${type} are not plain JSON: ${plain.reason}`)
    const copy = plain.json as { facts: JsonObject; content?: Json }
    const n = this.#next(`record:${type}`) + 1
    this.#put({ ...this.#own(`${type}#${n}`), what: 'record', type, n, ...copy })
  }

  #finish(result: StepResult): void {
    const plain = toJson(result)
    if (!plain.ok || typeof plain.json !== 'object' || plain.json === null || !('output' in plain.json)) {
      const reason = plain.ok ? 'it has no output' : plain.reason
      return this.#put({
        ...this.#own('end'),
        what: 'fail',
        code: 'not_json',
        message: `the result is not plain JSON: ${reason}`,
      })
    }
    const { output, verdict } = plain.json as { output: Json; verdict?: Json }
    this.#put({ ...this.#own('end'), what: 'finish', output, ...(verdict === undefined ? {} : { verdict }) })
  }

  /** Only a code and our own words go into the event; what another program said becomes a note beside it. */
  #fail(error: unknown): void {
    if (error instanceof StepFailure) {
      const output = error.output === undefined ? undefined : toJson(error.output)
      const kept = output?.ok ? { output: output.json } : {}
      return this.#put({
        ...this.#own('end'),
        what: 'fail',
        code: error.code,
        message: error.message.toWellFormed(),
        ...kept,
      })
    }
    const foreign = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#put({ ...this.#own('end'), what: 'fail', code: 'step_threw', message: 'the step threw an error', foreign })
  }

  #own(id: string): OfAttempt {
    return { step: this.step, attempt: this.number, id }
  }

  #count(name: string): string {
    const n = this.#next(name)
    return n === 0 ? name : `${name}#${n}`
  }

  /** How often it was asked for this name before. */
  #next(name: string): number {
    this.#counts ??= new Map()
    const n = this.#counts.get(name) ?? 0
    this.#counts.set(name, n + 1)
    return n
  }

  #offer<T>(offer: RawOffer): Promise<T> {
    if (this.#over) return reject(new StepFailure('aborted', 'the step was stopped'))
    const answer = new Promise<T>((resolve, rejectWith) => {
      this.#waiting ??= new Map()
      this.#waiting.set(offer.what === 'propose' ? offer.name : offer.id, { resolve, reject: rejectWith })
    })
    answer.catch(ignore)
    this.#put(offer)
    return answer
  }

  #put(offer: RawOffer): void {
    if (this.#over) return
    this.offers.push(offer)
    this.#offered(this)
  }
}

/** A rejection that does not count as unhandled when the step looks away. */
function reject<T>(failure: StepFailure): Promise<T> {
  const rejected = Promise.reject<T>(failure)
  rejected.catch(ignore)
  return rejected
}

/** Made once, here: a function made beside an offer would keep the offer for as long as its answer is awaited. */
function ignore(): void {}
