import { describeMalformed, describeTruncation, readHttpFailure, readRefusal, type Speaker } from './failures.ts'
import type { Http } from './http.ts'
import type { HttpBody, HttpReply } from './http-exchange.ts'
import { HttpFailure } from './http-failure.ts'
import { LineReader } from './lines.ts'
import type { ModelPart, ProviderFailure } from './provider.ts'
import { EventReader, type ServerEvent } from './sse.ts'

/** Understands one answer piece by piece. Whatever it is given, it answers with parts. */
export interface AnswerReader {
  /** The answer is known to be whole; the rest is bookkeeping. */
  readonly complete: boolean
  /** Parts of one JSON piece; a `failed` part ends the call. */
  take(piece: unknown, event?: string): ModelPart[]
  /** The last parts: ends with `finish` or `failed`. */
  end(): ModelPart[]
}

export interface WireCall {
  readonly http: Http
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
  readonly signal: AbortSignal
  readonly speaker: Speaker
  /** `events`: server-sent events with `[DONE]` as the last; `lines`: one JSON object a line. */
  readonly framing: 'events' | 'lines'
  readonly reader: AnswerReader
}

/** How long the token counts may lag behind a complete answer before the connection is dropped. */
const LAG_MS = 2000
const REFUSAL_LIMIT = 64 * 1024
const WHOLE_LIMIT = 32 * 1024 * 1024

/** One model call over HTTP: exactly one `finish` or `failed` comes last, and nothing is thrown. */
export function callOverWire(call: WireCall): AsyncIterable<ModelPart> {
  return new WireAnswer(call)
}

/** Written out instead of an async generator: a generator's own promises cost more than understanding a piece. */
class WireAnswer implements AsyncIterableIterator<ModelPart> {
  /** Until it is sent: what a long call asked is not held while it waits for the answer. */
  #call: WireCall | undefined
  readonly #reader: AnswerReader
  readonly #speaker: Speaker
  readonly #signal: AbortSignal
  readonly #frames: EventReader | LineFrames
  #body: HttpBody | undefined
  #parts: ModelPart[] = []
  #next = 0
  #over = false

  constructor(call: WireCall) {
    this.#call = call
    this.#reader = call.reader
    this.#speaker = call.speaker
    this.#signal = call.signal
    this.#frames = call.framing === 'events' ? new EventReader() : new LineFrames()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<ModelPart>> {
    const value = this.#parts[this.#next]
    if (value) {
      this.#next++
      return Promise.resolve({ done: false, value })
    }
    return this.#over ? Promise.resolve({ done: true, value: undefined }) : this.#advance()
  }

  /** The reader turned away. */
  return(): Promise<IteratorResult<ModelPart>> {
    if (!this.#over) this.#body?.cut()
    this.#over = true
    this.#parts = []
    return Promise.resolve({ done: true, value: undefined })
  }

  async #advance(): Promise<IteratorResult<ModelPart>> {
    this.#parts = []
    this.#next = 0
    while (this.#parts.length === 0 && !this.#over) {
      try {
        if (this.#body) await this.#readOn(this.#body)
        else await this.#open()
      } catch (error) {
        this.#fail(readHttpFailure(toHttpFailure(error), this.#speaker))
      }
    }
    return this.next()
  }

  async #open(): Promise<void> {
    const speaker = this.#speaker
    const reply = await this.#send()
    const { status, body } = reply
    this.#body = body
    const type = reply.headers['content-type'] ?? ''
    if (status < 200 || status > 299) {
      const { text } = await readText(body, REFUSAL_LIMIT)
      this.#fail(readRefusal({ status, headers: reply.headers, body: text }, speaker))
    } else if (type.includes('html')) {
      const { text } = await readText(body, REFUSAL_LIMIT)
      this.#fail(describeMalformed(text, speaker, false))
    } else {
      const request_id = reply.headers['x-request-id'] ?? reply.headers['request-id']
      if (request_id) this.#parts.push({ type: 'meta', request_id })
      if (this.#frames instanceof EventReader && type.includes('application/json')) await this.#readWhole(body)
    }
  }

  #send(): Promise<HttpReply> {
    const call = this.#call
    if (!call) throw new Error('a call is sent once')
    this.#call = undefined
    const headers = { 'content-type': 'application/json', ...call.headers }
    return call.http.send({ url: call.url, method: 'POST', headers, body: call.body, signal: call.signal })
  }

  /** A server that does not stream sends the whole answer as one piece. */
  async #readWhole(body: HttpBody): Promise<void> {
    const reader = this.#reader
    const speaker = this.#speaker
    const { text, whole } = await readText(body, WHOLE_LIMIT)
    const piece = whole ? parse(text) : undefined
    if (!piece || this.#push(reader.take(piece.value))) {
      if (!piece) this.#fail(describeMalformed(text, speaker))
    } else if (reader.complete) this.#push(reader.end())
    else this.#fail(describeMalformed(text, speaker))
  }

  async #readOn(body: HttpBody): Promise<void> {
    const reader = this.#reader
    const speaker = this.#speaker
    let bytes: Uint8Array | undefined
    try {
      bytes = await (reader.complete ? readWithin(body, LAG_MS) : body.read())
    } catch (error) {
      // A cut after the last word takes nothing from the answer; a caller's abort does, because it was asked for.
      if (!reader.complete || this.#signal.aborted) throw error
    }
    const last = bytes ? undefined : this.#frames.end()
    for (const { data, event } of bytes ? this.#frames.push(bytes) : last ? [last] : []) {
      if (data === '') continue
      if (data.trim() === '[DONE]') {
        this.#push(reader.end())
        return
      }
      const piece = parse(data)
      if (piece) {
        if (this.#push(reader.take(piece.value, event))) return
      } else if (!reader.complete) {
        this.#fail(last ? describeTruncation(speaker) : describeMalformed(data, speaker))
        return
      }
    }
    if (this.#frames.overflowed) this.#fail(describeMalformed('a line or event without end', speaker))
    else if (!bytes) this.#push(reader.end())
  }

  /** True when one of the parts ended the call. */
  #push(parts: readonly ModelPart[]): boolean {
    for (const part of parts) {
      this.#parts.push(part)
      if (part.type !== 'finish' && part.type !== 'failed') continue
      this.#over = true
      this.#body?.release()
      return true
    }
    return false
  }

  #fail(failure: ProviderFailure): void {
    this.#push([{ type: 'failed', failure }])
  }
}

class LineFrames {
  #lines = new LineReader()
  get overflowed(): boolean {
    return this.#lines.overflowed
  }
  push(bytes: Uint8Array): ServerEvent[] {
    return this.#lines.push(bytes).map((data) => ({ data }))
  }
  end(): ServerEvent | undefined {
    const data = this.#lines.end()
    return data === undefined ? undefined : { data }
  }
}

/** What arrives within the time, else the end. */
async function readWithin(body: HttpBody, ms: number): Promise<Uint8Array | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([body.read(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** At most `limit` bytes of a body as text. */
export async function readText(body: HttpBody, limit: number): Promise<{ text: string; whole: boolean }> {
  const chunks: Uint8Array[] = []
  let held = 0
  for (;;) {
    const bytes = await body.read()
    if (bytes) chunks.push(bytes)
    held += bytes?.byteLength ?? 0
    if (bytes && held <= limit) continue
    return { text: Buffer.concat(chunks).toString('utf8').slice(0, limit), whole: held <= limit }
  }
}

/** Boxed, so that a piece that is `null` differs from one that is not JSON. */
function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function toHttpFailure(error: unknown): HttpFailure {
  return error instanceof HttpFailure ? error : new HttpFailure('malformed', 'maybe', { reason: String(error) })
}
