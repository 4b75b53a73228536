/** What both sides do: the same prompts, the same numbers, the same way to measure. */

/** Every answer depends on all the numbers its prompt held, so one lost or mixed-up answer changes the end. */
export function nextNumber(sum: number): number {
  return (sum * 31 + 7) % 1_000_003
}

/** The number in an answer. Throws where there is none: a benchmark of wrong results measures nothing. */
export function numberIn(text: unknown): number {
  const found = typeof text === 'string' ? /n=(\d+)/.exec(text) : null
  if (!found) throw new Error(`the answer ${JSON.stringify(text)} holds no number`)
  return Number(found[1])
}

/** A layered graph of model calls: layers x wide, each step after all of the layer before. A chain is layers of one. */
export interface Shape {
  readonly layers: number
  readonly wide: number
}

/** The answer of each step of the last layer. Step `i` of a layer adds `i` to what it read; the input adds 1. */
export function expectNumbers({ layers, wide }: Shape): number[] {
  let before: number[] = []
  for (let layer = 0; layer < layers; layer++) {
    const sum = before.reduce((a, b) => a + b, 0)
    before = Array.from({ length: wide }, (_, i) => nextNumber(1 + i + sum))
  }
  return before
}

export function checkNumbers(shape: Shape, got: readonly number[]): void {
  const expected = expectNumbers(shape)
  if (String(expected) !== String(got))
    throw new Error(`wrong answers: ${got.slice(0, 5)} instead of ${expected.slice(0, 5)}`)
}

/** What one process is told to measure. */
export interface Order {
  readonly work: string
  /** The fake server, without a slash at the end. */
  readonly url: string
  /** A folder of its own on a real disk. */
  readonly folder: string
  readonly shape: Shape
  /** How the server answers: a path such as `/latency/200`. */
  readonly manner: string
  readonly durable: boolean
  readonly streams?: number
  readonly resume?: boolean
}

/** What one process measured; every member may become a row of the table. */
export type Measured = { readonly [metric: string]: number }

/** Starts the clocks; the answer stops them: ms of wall and of processor, and the highest memory of the process in MiB. */
export function startClocks(): () => Measured {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const wall_ms = performance.now() - began
    const { user, system } = process.cpuUsage(cpu)
    return { wall_ms, cpu_ms: (user + system) / 1000, memory_mb: process.resourceUsage().maxRSS / 1024 }
  }
}

/** Live bytes on the heap; needs `--expose-gc`. */
export function liveHeap(): number {
  if (!globalThis.gc) throw new Error('start with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** Delays of stream chunks, by the time each says it was written. */
export class Delays {
  readonly #all: number[] = []
  readonly #now: () => number
  #chunks = 0

  constructor(now: () => number) {
    this.#now = now
  }

  take(text: string): void {
    const now = this.#now()
    for (const [, at] of text.matchAll(/@(\d+) /g)) {
      this.#chunks++
      this.#all.push((now - Number(at)) / 1000)
    }
  }

  get chunks(): number {
    return this.#chunks
  }

  measured(): Measured {
    const sorted = this.#all.toSorted((a, b) => a - b)
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
    return { p50_ms: at(0.5), p99_ms: at(0.99) }
  }
}
