import { Transform } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type Transport,
} from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'

/** ms between looks, after the end of input, whether anybody still reads. */
const LOOK_MS = 1_000

/** Standard input as a program has it: a stream that can be let go of. */
type Input = NodeJS.ReadableStream & { pause(): unknown }

/**
 * Standard input and output, open until every request that was read is answered: `printf … | llm-orc serve NAME` hears its answers. Who
 * has ended its input can be asked nothing any more: questions to it are answered as cancelled.
 */
export class LastingStdio implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #input: Input
  readonly #output: NodeJS.WriteStream
  readonly #inner: StdioServerTransport
  readonly #held: Transform
  /** Requests of the client that are not answered, and ours. */
  readonly #open = new Set<string | number>()
  readonly #asked = new Map<string | number, JSONRPCRequest>()
  #ended = false
  #settle: () => void = () => {}
  #looks: NodeJS.Timeout | undefined

  constructor(input: Input, output: NodeJS.WriteStream) {
    this.#input = input
    this.#output = output
    // Its end is held back until there is nothing to answer.
    this.#held = new Transform({
      transform: (chunk: Buffer, _, done) => done(null, chunk),
      flush: (done) => void this.#outlast().then(() => done()),
    })
    this.#inner = new StdioServerTransport(this.#held, output)
    this.#inner.onerror = (error) => this.onerror?.(error)
    this.#inner.onclose = () => this.#leave()
    this.#inner.onmessage = (message) => this.#take(message)
  }

  async start(): Promise<void> {
    await this.#inner.start()
    this.#input.once('error', (error: Error) => {
      this.onerror?.(error)
      this.#held.end()
    })
    this.#input.once('close', () => this.#held.end())
    this.#input.pipe(this.#held)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (isJSONRPCRequest(message)) {
      if (this.#ended) return this.#cancel(message)
      this.#asked.set(message.id, message)
    }
    await this.#inner.send(message)
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) this.#forget(message.id)
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  #take(message: JSONRPCMessage): void {
    // Who listens is answered when the connection ends.
    if (isJSONRPCRequest(message) && message.method !== 'subscriptions/listen') this.#open.add(message.id)
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) this.#asked.delete(message.id ?? '')
    // What the client does not want any more is not answered.
    if ('method' in message && message.method === 'notifications/cancelled')
      this.#forget((message.params as { requestId?: string | number } | undefined)?.requestId)
    this.onmessage?.(message)
  }

  #forget(id: string | number | undefined): void {
    if (id !== undefined) this.#open.delete(id)
    if (this.#open.size === 0) this.#settle()
  }

  async #outlast(): Promise<void> {
    // What came last is taken first.
    await nextTurn()
    this.#ended = true
    for (const request of this.#asked.values()) this.#cancel(request)
    if (this.#open.size === 0) return
    // Space before a message is no part of it; a write is the only way to learn that the reader of a pipe has gone.
    if (!this.#output.isTTY) this.#looks = setInterval(() => this.#output.write(' '), LOOK_MS)
    await new Promise<void>((resolve) => {
      this.#settle = resolve
    })
  }

  #cancel({ id, method }: JSONRPCRequest): void {
    this.#asked.delete(id)
    const error = { code: -32_000, message: 'the client has ended its input' }
    const answer = method === 'elicitation/create' ? { result: { action: 'cancel' } } : { error }
    setImmediate(() => this.onmessage?.({ jsonrpc: '2.0', id, ...answer } as JSONRPCMessage))
  }

  #leave(): void {
    clearInterval(this.#looks)
    this.#input.unpipe(this.#held)
    this.#input.pause()
    this.#settle()
    this.onclose?.()
  }
}
