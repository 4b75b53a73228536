/**
 * Wakes those who follow a stream. A follower takes `count` before it reads and waits with it afterwards, so a change
 * between its read and its wait is never lost.
 */
export class Changes {
  #count = 0
  readonly #sleepers = new Map<string, Set<() => void>>()

  get count(): number {
    return this.#count
  }

  /** Is anybody waiting? */
  get awaited(): boolean {
    return this.#sleepers.size > 0
  }

  /** Tells of a change of one stream, or without a name of any. */
  announce(stream?: string): void {
    this.#count++
    const woken = stream === undefined ? [...this.#sleepers.values()] : [this.#sleepers.get(stream) ?? new Set()]
    for (const wakes of woken) for (const wake of wakes) wake()
  }

  /** Resolves at the next announcement for the stream, at once if there was any since `count`, or when the signal aborts. */
  wait(stream: string, count: number, signal: AbortSignal): Promise<void> {
    if (count !== this.#count || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wakes = this.#sleepers.get(stream) ?? new Set()
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        wakes.delete(wake)
        if (wakes.size === 0) this.#sleepers.delete(stream)
        resolve()
      }
      this.#sleepers.set(stream, wakes.add(wake))
      signal.addEventListener('abort', wake)
    })
  }
}
