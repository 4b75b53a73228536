import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server'

/** Of one session. What is older is forgotten first; the newest is kept whatever its size. */
const MOST_MESSAGES = 512
const MOST_SIZE = 1024 * 1024

interface Kept {
  readonly stream: string
  readonly message: JSONRPCMessage
  /** Characters. */
  readonly size: number
}

/**
 * What a session was told, so that a client whose line was cut is told the rest when it comes back with the id of the last message it has.
 * One for each session: nobody reads what another was told. An id that was forgotten is refused rather than answered with a gap.
 *
 * The optional `getStreamIdForEventId` is left out on purpose: with it the transport refuses a client whose old line only seems to stand.
 */
export class KeptMessages implements EventStore {
  /** By their ids, oldest first. */
  readonly #kept = new Map<string, Kept>()
  #size = 0
  #count = 0

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1
    const id = String(this.#count)
    const size = JSON.stringify(message).length
    this.#kept.set(id, { stream, message, size })
    this.#size += size
    for (const [oldest, { size: less }] of this.#kept) {
      if ((this.#kept.size <= MOST_MESSAGES && this.#size <= MOST_SIZE) || oldest === id) break
      this.#kept.delete(oldest)
      this.#size -= less
    }
    return id
  }

  /** Whoever comes back by it misses nothing. */
  has(id: string): boolean {
    return this.#kept.has(id)
  }

  async replayEventsAfter(
    last: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#kept.get(last)?.stream
    if (stream === undefined) throw new Error(`the message ${last.slice(0, 40)} is not kept any more`)
    // The first of a stream is an empty one that only gives it an id.
    const held = [...this.#kept]
    for (const [id, kept] of held)
      if (Number(id) > Number(last) && kept.stream === stream && 'jsonrpc' in kept.message) await send(id, kept.message)
    return stream
  }
}
