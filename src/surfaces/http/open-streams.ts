import type { Metrics } from './metrics.ts'

/** Why a stream was closed from this side. */
export type Closing = 'ended' | 'overflow' | 'revoked' | 'shutdown'

/** Where streams are announced. */
export interface StreamDesk {
  /** ms a reader may take nothing of what is ready for it. */
  readonly stalled_ms: number
  /** `end` is called when it is to end; the answer is to be called when the stream is over. */
  open(end: (why: Closing) => void): (why: Closing | 'left') => void
}

interface Open {
  readonly end: (why: Closing) => void
  readonly isAllowed: () => Promise<boolean>
}

/** Streams under way, so that a server that shuts down can end them all. */
export class OpenStreams {
  readonly #open = new Map<symbol, Open>()
  readonly #metrics: Metrics
  /** ms a reader may take nothing of what is ready for it. */
  readonly stalled_ms: number

  constructor(metrics: Metrics, stalled_ms: number) {
    this.#metrics = metrics
    this.stalled_ms = stalled_ms
  }

  get count(): number {
    return this.#open.size
  }

  /** For one caller, whose streams end when it would not be let in any more. */
  of(isAllowed: () => Promise<boolean>): StreamDesk {
    return {
      stalled_ms: this.stalled_ms,
      open: (end) => {
        const key = Symbol('stream')
        this.#open.set(key, { end, isAllowed })
        return (why) => {
          if (this.#open.delete(key)) this.#metrics.countClosed(why)
        }
      },
    }
  }

  async endRevoked(): Promise<void> {
    for (const { end, isAllowed } of this.#open.values()) if (!(await isAllowed())) end('revoked')
  }

  endAll(): void {
    for (const { end } of this.#open.values()) end('shutdown')
  }
}
