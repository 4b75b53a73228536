/** What a timer is for; its key names it in `timer-fired`. */
export type Timer =
  | { readonly key: string; readonly due: number; readonly cause: number; readonly what: 'deadline' }
  | {
      readonly key: string
      readonly due: number
      readonly cause: number
      readonly what: 'timeout' | 'again'
      readonly step: string
      readonly attempt: number
    }
  | {
      readonly key: string
      readonly due: number
      readonly cause: number
      readonly what: 'redo'
      readonly effect: string
    }
  | {
      readonly key: string
      readonly due: number
      readonly cause: number
      readonly what: 'expire'
      readonly effect: string
    }

/** Timers by due time; dropped ones are skipped when they surface. */
export class Timers {
  readonly #live = new Map<string, Timer>()
  readonly #heap: Timer[] = []

  get size(): number {
    return this.#live.size
  }

  add(timer: Timer): void {
    this.#live.set(timer.key, timer)
    const heap = this.#heap
    let i = heap.push(timer) - 1
    while (i > 0) {
      const up = (i - 1) >> 1
      if (!before(heap[i] as Timer, heap[up] as Timer)) break
      swap(heap, i, up)
      i = up
    }
  }

  get(key: string): Timer | undefined {
    return this.#live.get(key)
  }

  drop(key: string): void {
    this.#live.delete(key)
    if (this.#live.size === 0) this.#heap.length = 0
  }

  /** Moves every timer: the clock of the run was stopped for so long. */
  shift(ms: number): void {
    const timers = [...this.#live.values()]
    this.#live.clear()
    this.#heap.length = 0
    for (const timer of timers) this.add({ ...timer, due: timer.due + ms })
  }

  values(): Iterable<Timer> {
    return this.#live.values()
  }

  /** The earliest timer that still counts. */
  first(): Timer | undefined {
    const heap = this.#heap
    for (;;) {
      const top = heap[0]
      if (!top || this.#live.get(top.key) === top) return top
      const last = heap.pop() as Timer
      if (heap.length > 0) {
        heap[0] = last
        sink(heap)
      }
    }
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.due !== b.due ? a.due < b.due : a.cause < b.cause
}

function swap(heap: Timer[], i: number, j: number): void {
  const held = heap[i] as Timer
  heap[i] = heap[j] as Timer
  heap[j] = held
}

function sink(heap: Timer[]): void {
  let i = 0
  for (;;) {
    const left = 2 * i + 1
    if (left >= heap.length) return
    const right = left + 1
    const least = right < heap.length && before(heap[right] as Timer, heap[left] as Timer) ? right : left
    if (!before(heap[least] as Timer, heap[i] as Timer)) return
    swap(heap, i, least)
    i = least
  }
}
