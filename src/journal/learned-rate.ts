import type { RateLimits } from './rate-plan.ts'

/** The longest a server's Retry-After holds everybody. */
export const LONGEST_PAUSE_MS = 60_000
/** What a refusal taught is kept so long. */
const LEARNED_MS = 60_000
/** Fewer calls taken before a refusal say nothing of a rate, until it happens again after the pause. */
const ENOUGH_TO_LEARN = 3

/** Limits that nobody configured, until a time of the clock. */
export type LearnedLimits = RateLimits & { readonly until: number; readonly learned: true }

/** What a server takes, by what it refused: as many calls as it took in the time it then wants to rest. Times are ms of one clock. */
export class LearnedRate {
  #starts: number[] = []
  #refusals: number[] = []
  /** When the pause ended that a refusal asked for which told too little. */
  #unsure = Number.NEGATIVE_INFINITY

  start(now: number): void {
    this.#starts.push(now)
    while ((this.#starts[0] ?? now) < now - LONGEST_PAUSE_MS) this.#starts.shift()
  }

  /** What the refusal says; undefined while that is too little. */
  refuse(now: number, retry_after_ms = 0): LearnedLimits | undefined {
    this.#refusals.push(now)
    if (retry_after_ms <= 0) return undefined
    const window_ms = Math.min(Math.max(1_000, retry_after_ms), LONGEST_PAUSE_MS)
    this.#starts = this.#starts.filter((at) => at > now - window_ms)
    this.#refusals = this.#refusals.filter((at) => at > now - window_ms)
    const requests = Math.max(1, this.#starts.length - this.#refusals.length)
    if (requests < ENOUGH_TO_LEARN && !(this.#unsure <= now && now < this.#unsure + LEARNED_MS)) {
      if (this.#unsure <= now) this.#unsure = now + window_ms
      return undefined
    }
    return { requests, window_ms, until: now + Math.max(LEARNED_MS, 2 * window_ms), learned: true }
  }
}
