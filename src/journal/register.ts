import type { Journal } from './journal.ts'

/** Writes after which a new stream is begun and the old one dropped. */
const LONGEST = 256

/**
 * One piece of data that processes change in turns: the newest record counts, and of two who change the same record one wins.
 * Its streams are `NAME/1`, `NAME/2` and so on; only the newest is kept, so it never takes more than a few hundred records.
 */
export class Register<T> {
  readonly #journal: Journal
  readonly #name: string
  /** Of the stream read last; 0 while none is known. */
  #number = 0
  #seq = 0
  #data: T | undefined

  constructor(journal: Journal, name: string) {
    this.#journal = journal
    this.#name = name
  }

  /** What stands there now; undefined when nothing was ever written. Rejects as the journal does. */
  async look(): Promise<T | undefined> {
    // The record known last is read again: when it is gone, its stream was dropped.
    if (this.#number > 0 && (await this.#readFrom(this.#seq))) return this.#data
    const [newest, ...older] = await this.#journal.list({ prefix: `${this.#name}/` })
    for (const { stream } of older) await this.#journal.drop(stream)
    this.#number = newest ? Number(newest.stream.slice(this.#name.length + 1)) : 0
    if (!newest || !(await this.#readFrom(newest.last))) this.#forget()
    return this.#data
  }

  /** Puts this in the place of what was looked at last; false when somebody else was first. Rejects as the journal does. */
  async swap(data: T): Promise<boolean> {
    const rolls = this.#number === 0 || this.#seq >= LONGEST
    const stream = this.#stream(this.#number)
    const next = this.#stream(this.#number + 1)
    const guard = { stream, expected: this.#seq, records: rolls ? [] : [data] }
    const begin = { stream: next, expected: 'new', records: [data] } as const
    const old = this.#number
    const done = await this.#journal.append([...(old === 0 ? [] : [guard]), ...(rolls ? [begin] : [])])
    if (!done.ok) return false
    this.#number = rolls ? old + 1 : old
    this.#seq = done.last[rolls ? next : stream] ?? 1
    this.#data = data
    if (rolls && old > 0) await this.#journal.drop(stream)
    return true
  }

  /** False when there is no such record. */
  async #readFrom(seq: number): Promise<boolean> {
    let found = false
    for await (const record of this.#journal.read(this.#stream(this.#number), seq)) {
      found = true
      this.#seq = record.seq
      this.#data = record.data as T
    }
    return found
  }

  #forget(): void {
    this.#number = 0
    this.#seq = 0
    this.#data = undefined
  }

  #stream(number: number): string {
    return `${this.#name}/${number}`
  }
}
