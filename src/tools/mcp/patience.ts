/** How long a server may take over one answer. */
interface Limits {
  /** Without a sign of it, ms; each sign begins the time anew. */
  readonly silent_ms: number
  /** In all, ms. */
  readonly total_ms: number
}

/** The time of the calls of one connection. It stands still while a person is asked something, for people are slow. */
export class Patience {
  readonly #calls = new Set<CallTime>()
  #asking = 0

  /** Begins the time of a call; `end` has to be called. */
  begin(limits: Limits): CallTime {
    const call = new CallTime(limits, () => this.#calls.delete(call))
    this.#calls.add(call)
    if (this.#asking === 0) call.run()
    return call
  }

  async whileAsking<T>(task: () => Promise<T>): Promise<T> {
    this.#asking += 1
    for (const call of this.#calls) call.stand()
    try {
      return await task()
    } finally {
      this.#asking -= 1
      if (this.#asking === 0) for (const call of this.#calls) call.run()
    }
  }
}

class CallTime {
  readonly #limits: Limits
  readonly #over = new AbortController()
  readonly #ended: () => void
  #timer: NodeJS.Timeout | undefined
  /** ms that have gone by before `#since`. */
  #spent = 0
  #since = 0

  constructor(limits: Limits, ended: () => void) {
    this.#limits = limits
    this.#ended = ended
  }

  /** Fires when the time is up. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  run(): void {
    if (this.#timer) return
    this.#since = performance.now()
    this.#arm()
  }

  stand(): void {
    if (!this.#timer) return
    this.#spent += performance.now() - this.#since
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** A sign of the server. */
  renew(): void {
    if (!this.#timer) return
    clearTimeout(this.#timer)
    this.#arm()
  }

  end(): void {
    this.stand()
    this.#ended()
  }

  #arm(): void {
    const left = this.#limits.total_ms - this.#spent - (performance.now() - this.#since)
    const ms = Math.max(0, Math.min(this.#limits.silent_ms, left))
    this.#timer = setTimeout(() => this.#over.abort(), ms)
  }
}
