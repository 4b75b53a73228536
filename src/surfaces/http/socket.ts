import type { WSContext } from 'hono/ws'
import type { Closing, StreamDesk } from './open-streams.ts'

/** ms for the last words before the connection is cut. */
const LAST_WORDS_MS = 1_000
/** The codes of RFC 6455 that say why. */
const CLOSE_CODES = { ended: 1000, overflow: 1013, revoked: 1008, shutdown: 1001 } as const

/** What is used of a socket of the package `ws`. */
interface RawSocket {
  send(data: string, sent: (error?: Error) => void): void
  close(code: number, reason: string): void
  terminate(): void
}

/** A WebSocket that knows when its reader falls behind. */
export class Socket {
  readonly #raw: RawSocket
  readonly #closed: (why: Closing | 'left') => void
  readonly #stalled_ms: number
  #closing: Closing | 'left' | undefined

  constructor(context: WSContext<unknown>, streams: StreamDesk) {
    this.#raw = context.raw as RawSocket
    this.#stalled_ms = streams.stalled_ms
    this.#closed = streams.open((why) => this.close(why))
  }

  get isOver(): boolean {
    return this.#closing !== undefined
  }

  /** Why it is over, once it is. */
  get closing(): Closing | 'left' | undefined {
    return this.#closing
  }

  /** Sends them in order; false when the reader has not taken the last of them in time, and was cut off. */
  async send(messages: readonly string[]): Promise<boolean> {
    if (this.isOver) return false
    const taken = Promise.all(
      messages.map((message) => new Promise<void>((resolve) => this.#raw.send(message, () => resolve()))),
    )
    let timer: NodeJS.Timeout | undefined
    const stalled = new Promise<'stalled'>((resolve) => {
      timer = setTimeout(() => resolve('stalled'), this.#stalled_ms)
    })
    const first = await Promise.race([taken, stalled])
    clearTimeout(timer)
    if (first === 'stalled') this.close('overflow')
    return !this.isOver
  }

  say(message: object): Promise<boolean> {
    return this.send([JSON.stringify(message)])
  }

  close(why: keyof typeof CLOSE_CODES): void {
    if (this.isOver) return
    this.#closing = why
    this.#closed(why)
    this.#raw.close(CLOSE_CODES[why], why)
    setTimeout(() => this.#raw.terminate(), LAST_WORDS_MS).unref()
  }

  /** The other side has gone. */
  leave(): void {
    if (this.isOver) return
    this.#closing = 'left'
    this.#closed('left')
  }
}
