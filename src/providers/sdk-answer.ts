import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider'
import type { FinishReason, ModelRequest, Usage } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import { describeTruncation, isRecord, type Speaker } from './failures.ts'
import type { ModelPart } from './provider.ts'
import { readSdkError } from './sdk-failure.ts'
import { writeSignature } from './sdk-prompt.ts'
import { readCount, toUsage } from './tokens.ts'
import { CallIds } from './tool-arguments.ts'

const FINISHED: ReadonlySet<string> = new Set(['stop', 'length', 'content-filter', 'tool-calls', 'other'])

/** Turns the parts of a vendor package's stream into ours. */
export class SdkAnswer {
  #speaker: Speaker
  #ids: CallIds
  #signs_calls: boolean
  #called = false
  #signatures = new Map<string, Record<string, Record<string, unknown>>>()
  /** Calls begun but not yet given whole: a token limit may leave them so. */
  #open = new Map<string, { name: string; arguments: string }>()

  constructor(request: ModelRequest, speaker: Speaker, signs_calls: boolean) {
    this.#speaker = speaker
    this.#ids = new CallIds(request)
    this.#signs_calls = signs_calls
  }

  take(part: LanguageModelV4StreamPart): ModelPart[] {
    switch (part.type) {
      case 'text-delta':
        return part.delta ? [{ type: 'text', text: part.delta }] : []
      case 'reasoning-start':
        this.#sign(part.id, part.providerMetadata)
        return []
      case 'reasoning-delta':
        this.#sign(part.id, part.providerMetadata)
        return part.delta ? [{ type: 'reasoning', text: part.delta }] : []
      case 'reasoning-end': {
        this.#sign(part.id, part.providerMetadata)
        const signature = this.#signatures.get(part.id)
        return signature ? [{ type: 'reasoning', text: '', signature: writeSignature('reasoning', signature) }] : []
      }
      case 'tool-input-start':
        if (!part.providerExecuted) this.#open.set(part.id, { name: part.toolName, arguments: '' })
        return []
      case 'tool-input-delta': {
        const call = this.#open.get(part.id)
        if (call) call.arguments += part.delta
        return []
      }
      case 'tool-call': {
        this.#open.delete(part.toolCallId)
        // Tools the vendor runs itself are part of its thinking, not a request to us.
        if (part.providerExecuted) return []
        this.#called = true
        const call: ModelPart = {
          type: 'tool-call',
          id: this.#ids.claim(part.toolCallId),
          name: part.toolName,
          arguments: typeof part.input === 'string' ? part.input : JSON.stringify(part.input ?? {}),
        }
        const signed = this.#signs_calls && part.providerMetadata
        return signed ? [{ type: 'reasoning', text: '', signature: writeSignature('tool-call', signed) }, call] : [call]
      }
      case 'file':
        return part.data.type === 'data'
          ? [{ type: 'file', media_type: part.mediaType, data: toBase64(part.data.data) }]
          : []
      case 'response-metadata':
        return part.id || part.modelId
          ? [{ type: 'meta', ...(part.id && { request_id: part.id }), ...(part.modelId && { model: part.modelId }) }]
          : []
      case 'finish':
        return this.#finish(part.finishReason, part.usage)
      case 'error':
        return [{ type: 'failed', failure: readSdkError(part.error, this.#speaker, 'stream') }]
      default:
        return []
    }
  }

  #finish(
    told: { readonly unified: string; readonly raw: string | undefined },
    usage: LanguageModelV4Usage,
  ): ModelPart[] {
    const { unified, raw } = told
    // "Other" without a word from the vendor is the packages' way to say that none came.
    if (!FINISHED.has(unified) || (unified === 'other' && !raw)) {
      return [{ type: 'failed', failure: { ...describeTruncation(this.#speaker), detail: raw ?? unified } }]
    }
    const cut: ModelPart[] = [...this.#open].map(([id, call]) => ({
      type: 'tool-call',
      id: this.#ids.claim(id),
      ...call,
    }))
    // A call that never became whole proves that the answer is not, whatever reason is given.
    const reason: FinishReason =
      cut.length > 0 && unified !== 'content-filter'
        ? 'length'
        : this.#called && (unified === 'stop' || unified === 'other')
          ? 'tool-calls'
          : (unified as FinishReason)
    return [...cut, { type: 'finish', reason, usage: readUsage(usage) }]
  }

  /** Signatures come with the first, the last or a part in between; later words about one block add to earlier ones. */
  #sign(id: string, metadata: Readonly<Record<string, Record<string, unknown>>> | undefined): void {
    for (const [vendor, said] of Object.entries(metadata ?? {})) {
      const known = Object.entries(said).filter(([, value]) => value !== null && value !== undefined)
      if (known.length === 0) continue
      const all = this.#signatures.get(id) ?? {}
      all[vendor] = { ...all[vendor], ...Object.fromEntries(known) }
      this.#signatures.set(id, all)
    }
  }
}

function readUsage({ inputTokens, outputTokens, raw }: LanguageModelV4Usage): Usage {
  return toUsage({
    input: readCount(inputTokens?.total),
    output: readCount(outputTokens?.total),
    cache_read: readCount(inputTokens?.cacheRead),
    cache_write: readCount(inputTokens?.cacheWrite),
    cache_write_long: readLongWrites(raw),
    reasoning: readCount(outputTokens?.reasoning),
    raw: raw as Json | undefined,
  })
}

/** Anthropic's usage tells apart how long each part is kept, and what is kept for an hour costs more. */
function readLongWrites(raw: unknown): number | undefined {
  const creation = isRecord(raw) ? raw.cache_creation : undefined
  const count = isRecord(creation) ? readCount(creation.ephemeral_1h_input_tokens) : undefined
  return count === 0 ? undefined : count
}

function toBase64(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('base64')
}
