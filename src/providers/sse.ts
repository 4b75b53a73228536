import { LINE_LIMIT, LineReader } from './lines.ts'

export interface ServerEvent {
  /** The event's name, if it has one. */
  readonly event?: string
  readonly data: string
}

/** Reads server-sent events from bytes. Ids and retry times are of no use here and skipped. */
export class EventReader {
  #lines = new LineReader()
  #event: string | undefined
  #data: string | undefined
  #endless = false

  get overflowed(): boolean {
    return this.#endless || this.#lines.overflowed
  }

  push(bytes: Uint8Array): ServerEvent[] {
    const events: ServerEvent[] = []
    for (const line of this.#lines.push(bytes)) {
      const event = this.#take(line)
      if (event) events.push(event)
    }
    return events
  }

  /** Servers that close without the last blank line have still said it. */
  end(): ServerEvent | undefined {
    const rest = this.#lines.end()
    if (rest !== undefined) this.#take(rest)
    return this.#take('')
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') {
      const data = this.#data
      const event = this.#event
      this.#data = undefined
      this.#event = undefined
      return data === undefined ? undefined : event ? { event, data } : { data }
    }
    if (line.startsWith('data:')) this.#add(line.slice(line.charCodeAt(5) === 32 ? 6 : 5))
    else if (line.startsWith('event:')) this.#event = line.slice(line.charCodeAt(6) === 32 ? 7 : 6)
    else if (line === 'data') this.#add('')
    else if (line === 'event') this.#event = undefined
    return undefined
  }

  #add(data: string): void {
    if (this.#data === undefined) this.#data = data
    else if (this.#data.length + data.length > LINE_LIMIT) this.#endless = true
    else this.#data += `\n${data}`
  }
}
