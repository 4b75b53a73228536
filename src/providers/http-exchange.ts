import type { Dispatcher } from 'undici'
import { HttpFailure } from './http-failure.ts'

/** A reader this far behind stops the socket until it has caught up. */
const HELD_LIMIT = 1024 * 1024
/** What `release` reads on for before it gives a connection up. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 250

/** The bytes of a reply, read by one reader. */
export interface HttpBody {
  /** The next bytes, or `undefined` at the regular end. Rejects with `HttpFailure`. */
  read(): Promise<Uint8Array | undefined>
  /** Nothing more is wanted: a body about to end is read to its end so its connection can be used again, any other is cut. */
  release(): void
  /** Closes the socket at once. */
  cut(): void
}

export interface HttpReply {
  readonly status: number
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: HttpBody
}

/** One request on its way through the pool, and the body of its reply: one object, no streams in between. */
export class Exchange implements Dispatcher.DispatchHandler, HttpBody {
  readonly reply: Promise<HttpReply>
  #answer!: (reply: HttpReply) => void
  #refuse!: (failure: HttpFailure) => void
  #controller: Dispatcher.DispatchController | undefined
  #signal: AbortSignal | undefined
  #stage: 'waiting' | 'sent' | 'answered' = 'waiting'
  #chunks: Uint8Array[] = []
  #held = 0
  #ended = false
  #failure: HttpFailure | undefined
  #reader: { take: (bytes: Uint8Array | undefined) => void; fail: (failure: HttpFailure) => void } | undefined
  #drained: number | undefined
  #drain: NodeJS.Timeout | undefined

  constructor(signal: AbortSignal | undefined) {
    this.reply = new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#refuse = reject
    })
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
  }

  read(): Promise<Uint8Array | undefined> {
    const bytes = this.#chunks.shift()
    if (bytes) {
      this.#held -= bytes.byteLength
      if (this.#controller?.paused && this.#held === 0) this.#controller.resume()
      return Promise.resolve(bytes)
    }
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((take, fail) => {
      this.#reader = { take, fail }
    })
  }

  release(): void {
    if (this.#ended || this.#failure || this.#drained !== undefined) return
    // From here on the connection, not the caller, decides how this ends.
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#drained = this.#held
    this.#chunks = []
    this.#controller?.resume()
    this.#drain = setTimeout(() => this.cut(), DRAIN_MS)
    this.#drain.unref()
  }

  cut(): void {
    this.#fail(new HttpFailure('aborted', this.#touched()))
    this.#controller?.abort(new Error('cut'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure) {
      controller.abort(this.#failure)
      return
    }
    this.#stage = 'sent'
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx answers are announcements; the real one follows.
    if (status < 200) return
    this.#stage = 'answered'
    const flat: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
    }
    this.#answer({ status, headers: flat, body: this })
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    if (this.#drained !== undefined) {
      this.#drained += bytes.byteLength
      if (this.#drained > DRAIN_BYTES) this.cut()
    } else if (this.#reader) {
      const { take } = this.#reader
      this.#reader = undefined
      take(bytes)
    } else {
      this.#chunks.push(bytes)
      this.#held += bytes.byteLength
      if (this.#held > HELD_LIMIT) controller.pause()
    }
  }

  onResponseEnd(): void {
    this.#ended = true
    this.#settle()
    this.#reader?.take(undefined)
    this.#reader = undefined
  }

  onResponseError(_: Dispatcher.DispatchController | null, cause: Error): void {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
    const more = { reason: code, cause }
    if (code === 'UND_ERR_INVALID_ARG') this.#fail(new HttpFailure('invalid', 'no', more))
    else if (this.#stage === 'waiting') this.#fail(new HttpFailure('unreachable', 'no', more))
    else this.#fail(new HttpFailure(code.startsWith('HPE_') ? 'malformed' : 'reset', this.#touched(), more))
  }

  #abort = (): void => this.cut()

  #touched(): HttpFailure['touched'] {
    return this.#stage === 'waiting' ? 'no' : this.#stage === 'sent' ? 'maybe' : 'yes'
  }

  #fail(failure: HttpFailure): void {
    if (this.#failure || this.#ended) return
    this.#failure = failure
    this.#settle()
    // A reply already given is not taken back; whoever reads its body learns of the failure.
    this.#refuse(failure)
    this.#reader?.fail(failure)
    this.#reader = undefined
  }

  #settle(): void {
    this.#signal?.removeEventListener('abort', this.#abort)
    clearTimeout(this.#drain)
  }
}
