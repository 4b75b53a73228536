/** So much a minute for each name: a bucket that fills evenly, and holds one minute. */
export class Allowance {
  readonly #buckets = new Map<string, { left: number; at: number }>()
  readonly #clock: () => number

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Takes one; else the seconds until there is one again. */
  take(name: string, per_minute: number): number | undefined {
    const bucket = this.#fill(name, per_minute)
    if (bucket.left < 1) return Math.ceil(((1 - bucket.left) * 60) / per_minute)
    bucket.left -= 1
    return undefined
  }

  #fill(name: string, per_minute: number): { left: number; at: number } {
    const now = this.#clock()
    const { left = per_minute, at = now } = this.#buckets.get(name) ?? {}
    const bucket = { left: Math.min(per_minute, left + ((now - at) / 60_000) * per_minute), at: now }
    // The oldest use first, so that names of one visit do not pile up.
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MOST_NAMES && oldest !== undefined) this.#buckets.delete(oldest)
    return bucket
  }
}

const MOST_NAMES = 10_000
