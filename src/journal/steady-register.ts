import type { Register } from './register.ts'

/** After a failure the common record is tried again no sooner, in ms. */
const AGAIN_MS = 2_000

/** `clock`: ms. `alone` is told, once each time, why this process goes on by itself. */
export interface SteadyPorts {
  clock(): number
  alone?(error: unknown): void
}

/**
 * A common record, and this process's own in its place while that cannot be read or written: what cannot be shared is still kept to.
 * Never rejects.
 */
export class SteadyRegister<T> {
  readonly #common: Pick<Register<T>, 'look' | 'swap'>
  readonly #ports: SteadyPorts
  #last: T | undefined
  #own: { data: T | undefined; again: number } | undefined
  #since: number | undefined

  constructor(common: Pick<Register<T>, 'look' | 'swap'>, ports: SteadyPorts) {
    this.#common = common
    this.#ports = ports
  }

  /** Is the record this process's own? */
  get isAlone(): boolean {
    return this.#own !== undefined
  }

  /** Since when nothing of this process has been written to the common record; it may be readable again. */
  get aloneSince(): number | undefined {
    return this.#since
  }

  async look(): Promise<T | undefined> {
    if (this.#own && this.#ports.clock() < this.#own.again) return this.#own.data
    try {
      this.#last = await this.#common.look()
      this.#own = undefined
      return this.#last
    } catch (error) {
      return this.#goAlone(error).data
    }
  }

  /** False when another process was first. */
  async swap(data: T): Promise<boolean> {
    if (!this.#own) {
      try {
        const done = await this.#common.swap(data)
        if (done) [this.#last, this.#since] = [data, undefined]
        return done
      } catch (error) {
        this.#goAlone(error)
      }
    }
    if (this.#own) this.#own.data = data
    return true
  }

  #goAlone(error: unknown) {
    const now = this.#ports.clock()
    if (this.#since === undefined) this.#ports.alone?.(error)
    this.#since ??= now
    this.#own = { data: this.#own ? this.#own.data : this.#last, again: now + AGAIN_MS }
    return this.#own
  }
}
