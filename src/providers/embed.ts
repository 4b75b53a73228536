import type { ModelRequest } from '../events/messages.ts'
import { textOf } from '../events/messages.ts'
import { findEndpoint, type ProviderOptions } from './endpoint.ts'
import { describeMalformed, describeMissingKey, describeTruncation, isRecord, type Speaker } from './failures.ts'
import type { Http } from './http.ts'
import type { ModelPart, Provider } from './provider.ts'
import { readChatUsage } from './tokens.ts'
import { type AnswerReader, callOverWire } from './wire.ts'

export interface EmbedOptions extends ProviderOptions {
  readonly vendor: string
  readonly fallback_url: string
  readonly key_required?: boolean
  /** What comes before `/embeddings`; default: the address itself. */
  readonly root?: (base_url: string) => string
}

/**
 * Asks `POST /embeddings`, which all servers of this family have. Each message is one text; the answer has one part for each, in this
 * order: the numbers as little-endian 32-bit floats.
 */
export function createEmbedder(http: Http, options: EmbedOptions): Provider['stream'] {
  return (request, signal) => {
    const { base_url, key, speaker } = findEndpoint(options, request)
    if (options.key_required && !key) return failAtOnce(speaker)
    return callOverWire({
      http,
      url: `${options.root?.(base_url) ?? base_url}/embeddings`,
      headers: { ...(key && { authorization: `Bearer ${key}` }), ...options.headers },
      body: JSON.stringify(toBody(request)),
      signal,
      speaker,
      framing: 'events',
      reader: new EmbeddingReader(request.messages.length, speaker),
    })
  }
}

async function* failAtOnce(speaker: Speaker): AsyncGenerator<ModelPart, void, undefined> {
  yield { type: 'failed', failure: describeMissingKey(speaker) }
}

function toBody({ model, messages, embed, options }: ModelRequest): Record<string, unknown> {
  return {
    ...options,
    model,
    input: messages.map(({ content }) => textOf(content)),
    ...(embed?.dimensions === undefined ? {} : { dimensions: embed.dimensions }),
  }
}

class EmbeddingReader implements AnswerReader {
  complete = false
  readonly #expected: number
  readonly #speaker: Speaker
  #usage: unknown

  constructor(expected: number, speaker: Speaker) {
    this.#expected = expected
    this.#speaker = speaker
  }

  take(piece: unknown): ModelPart[] {
    const { data, usage, model } = isRecord(piece) ? piece : {}
    const vectors: string[] = []
    for (const [place, entry] of (Array.isArray(data) ? data : []).entries()) {
      const { index = place, embedding } = isRecord(entry) ? entry : {}
      const vector = readVector(embedding)
      if (vector !== undefined && typeof index === 'number') vectors[index] = vector
    }
    const isWhole = vectors.length === this.#expected && !vectors.includes(undefined as never)
    if (!isWhole)
      return [{ type: 'failed', failure: describeMalformed(JSON.stringify(piece) ?? '', this.#speaker, false) }]
    this.complete = true
    this.#usage = usage
    const parts = vectors.map(writeVector)
    return typeof model === 'string' && model !== '' ? [{ type: 'meta', model }, ...parts] : parts
  }

  end(): ModelPart[] {
    if (!this.complete) return [{ type: 'failed', failure: describeTruncation(this.#speaker) }]
    return [{ type: 'finish', reason: 'stop', usage: { ...readChatUsage(this.#usage), output: 0 } }]
  }
}

export function writeVector(data: string): ModelPart {
  return { type: 'file', media_type: 'application/octet-stream', data }
}

function readVector(embedding: unknown): string | undefined {
  if (typeof embedding === 'string') return embedding
  if (!Array.isArray(embedding) || !embedding.every((number) => typeof number === 'number')) return undefined
  return encodeVector(embedding)
}

export function encodeVector(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * 4)
  return bytes.toString('base64')
}
