import type { Event } from '../../events/event.ts'

/** Consecutive events of a run, ready to be sent. Many readers share the bytes, so nobody may change them. */
export interface Page {
  /** The number of its last event. */
  readonly last: number
  /** The run ends with it. */
  readonly ended: boolean
  /** Messages of a stream: `id`, `event` and `data` of each event. */
  readonly bytes: Uint8Array
  /** Its events up to this one. */
  until(seq: number): Page
  /** The events as JSON, for those who send them in another frame. */
  list(): readonly { readonly seq: number; readonly json: string }[]
}

/** Bytes of room for the first events; it doubles. */
const FIRST_ROOM = 8 * 1024

/** Events of a run from `first` on, written one behind the other. What was written stays where it is, so pages are windows on it. */
export class FrameBlock {
  readonly first: number
  #room = Buffer.allocUnsafeSlow(FIRST_ROOM)
  #used = 0
  #ended = false
  /** Of each event: where its message and its JSON begin. */
  readonly #starts: number[] = []
  readonly #bodies: number[] = []

  constructor(first: number) {
    this.first = first
  }

  get length(): number {
    return this.#starts.length
  }

  /** The number of the last event; `first - 1` when there is none. */
  get last(): number {
    return this.first + this.length - 1
  }

  /** Bytes that it takes. */
  get size(): number {
    return this.#room.length
  }

  /** `json` is the event as it may leave the program. */
  add({ seq, type }: Event, json: string): void {
    const head = `id: ${seq}\nevent: ${type}\ndata: `
    this.#starts.push(this.#used)
    this.#bodies.push(this.#used + head.length)
    this.#write(`${head}${json}\n\n`)
    this.#ended = type === 'run-finished'
  }

  /** Nothing more will come: gives back the room that is left. */
  trim(): void {
    this.#move(this.#used)
  }

  /** What there is now from `from` on. */
  cut(from: number): Page | undefined {
    return from > this.last ? undefined : this.#cut(from, this.last)
  }

  #cut(from: number, last: number): Page {
    const [room, begin] = [this.#room, from - this.first]
    const used = this.#starts[last + 1 - this.first] ?? this.#used
    return {
      last,
      ended: this.#ended && last === this.last,
      bytes: room.subarray(this.#starts[begin], used),
      until: (seq) => this.#cut(from, Math.min(seq, last)),
      list: () =>
        this.#bodies.slice(begin, last - this.first + 1).map((body, index) => {
          const end = this.#starts[begin + index + 1] ?? this.#used
          return { seq: from + index, json: this.#room.toString('utf8', body, end - 2) }
        }),
    }
  }

  #write(text: string): void {
    const end = this.#used + Buffer.byteLength(text)
    if (end > this.#room.length) this.#move(2 ** Math.ceil(Math.log2(end)))
    this.#used += this.#room.write(text, this.#used)
  }

  /** Pages that were cut keep the room they were cut from. */
  #move(size: number): void {
    const room = Buffer.allocUnsafeSlow(size)
    this.#room.copy(room, 0, 0, this.#used)
    this.#room = room
  }
}
