/** Lets through a burst, then so many a second. */
export class Bucket {
  readonly #burst: number
  readonly #rate: number
  #held: number
  #at: number

  constructor({ burst, per_second }: { readonly burst: number; readonly per_second: number }) {
    this.#burst = burst
    this.#rate = per_second / 1000
    this.#held = burst
    this.#at = performance.now()
  }

  take(): boolean {
    const now = performance.now()
    this.#held = Math.min(this.#burst, this.#held + (now - this.#at) * this.#rate)
    this.#at = now
    if (this.#held < 1) return false
    this.#held -= 1
    return true
  }
}
