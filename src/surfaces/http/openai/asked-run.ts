import { isProfileId, type ModelCall } from '../../../app/model-faces.ts'
import { askModel } from '../../../app/operations/ask-model.ts'
import { makeRunId } from '../../../app/runs.ts'
import type { Event } from '../../../events/event.ts'
import type { CallerMeans } from '../means.ts'
import { type Reply, RunFailure, readReply } from './reply.ts'

/** A run on its way to answer one call. Its live text is taken in the pace of the reader; what waits is one text, however slow that is. */
export class AskedRun {
  readonly id = makeRunId()
  /** Rejects with OrcError when there is no run, and with RunFailure when it gives no answer. */
  readonly reply: Promise<Reply>
  /** Resolves when the run is on disk, or when there will be none. */
  readonly begun: Promise<void>
  /** Seconds UTC. */
  readonly created = Math.floor(Date.now() / 1000)
  readonly #leaving = new AbortController()
  #live: string | undefined
  #waiting = ''
  #taken = ''
  /** The answer has broken off and is begun anew: what follows would not go on from what was shown. */
  #broken = false
  #finish: string | undefined
  #retry_after_ms: number | undefined
  #over = false
  #wake: (() => void) | undefined

  constructor(means: CallerMeans, call: ModelCall) {
    const { promise, resolve: onBegun } = Promise.withResolvers<void>()
    this.begun = promise
    const watcher = {
      events: (events: readonly Event[]) => {
        onBegun()
        for (const event of events) this.#note(event)
      },
      delta: (step: string, _: number, { type, text }: { readonly type: string; readonly text: string }) => {
        if (step === this.#live && type === 'text' && !this.#broken) this.#hear(text)
      },
    }
    const onLive = (live: string | undefined) => {
      this.#live = live
    }
    const caller = {
      app: means.app,
      principal: means.principal,
      signal: this.#leaving.signal,
      keeper: means.host,
      watcher,
    }
    const profile = isProfileId(call.model)
    this.reply = askModel
      .run({ call, run: this.id, begun: onLive }, caller)
      .then((result) => readReply(result, { profile, finish: this.#finish, retry_after_ms: this.#retry_after_ms }))
      .finally(() => {
        this.#over = true
        onBegun()
        this.#wake?.()
      })
    // Whoever awaits it is told; nobody may.
    this.reply.catch(() => {})
  }

  /** Nobody wants the answer any more: the run is cancelled, and the model's line is cut. */
  leave(): void {
    this.#leaving.abort()
  }

  /** Waits for live text or the end; false when there was neither for so long. */
  async wait(ms: number): Promise<boolean> {
    if (this.#over || this.#waiting !== '') return true
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), ms)
      const done = (told: boolean) => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve(told)
      }
      this.#wake = () => done(true)
    })
  }

  /** The live text since the last time. */
  take(): string {
    const text = this.#waiting
    this.#waiting = ''
    this.#taken += text
    return text
  }

  get isOver(): boolean {
    return this.#over
  }

  /** What of the whole answer was not taken yet. Throws RunFailure when it is not the answer that was being shown. */
  rest(text: string): string {
    if (text.startsWith(this.#taken)) return text.slice(this.#taken.length)
    const message = `the answer of the run ${this.id} broke off and was begun anew, so it cannot be told as one`
    throw new RunFailure(this.id, { code: 'answer_restarted', message })
  }

  #hear(text: string): void {
    this.#waiting += text
    this.#wake?.()
  }

  #breakOff(): void {
    this.#waiting = ''
    this.#broken = this.#taken !== ''
  }

  #note({ type, data }: Event): void {
    if (type === 'effect-failed') {
      this.#retry_after_ms = 'retry_after_ms' in data ? data.retry_after_ms : undefined
      const isLive = 'key' in data && this.#live !== undefined && /^[/@]/.test(data.key.slice(this.#live.length))
      if (isLive && data.key.startsWith(this.#live ?? '')) this.#breakOff()
    }
    if (type === 'note-written' && 'facts' in data && data.step === this.#live && data.facts['about'] === 'finish')
      this.#finish = String(data.facts['finish'])
  }
}
