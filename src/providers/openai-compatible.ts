import type { JsonObject } from '../events/values.ts'
import { ChatReader } from './chat-reader.ts'
import { toChatBody } from './chat-request.ts'
import { createEmbedder } from './embed.ts'
import { findEndpoint, type ProviderOptions } from './endpoint.ts'
import { describeMissingKey } from './failures.ts'
import { openHttp } from './http.ts'
import { listModels, pickData, toProblem } from './model-list.ts'
import type { ModelPart, Provider, ProviderFailure } from './provider.ts'
import { callOverWire } from './wire.ts'

export interface CompatibleOptions extends ProviderOptions {
  /** Fail before the call when there is no key; default false, as local servers need none. */
  readonly key_required?: boolean
  /** Options of every call, weaker than a request's own; `null` leaves a field out. */
  readonly defaults?: JsonObject
}

/** Any server that speaks chat completions. `base_url` includes the version, for example `http://127.0.0.1:8080/v1`. */
export function createOpenAICompatible(options: CompatibleOptions = {}): Provider {
  const id = options.name ?? 'openai-compatible'
  const http = openHttp(options)
  const defaults = { ...options.defaults, ...(options.stream === false ? { stream: false } : {}) }
  const settings = { ...options, vendor: id, fallback_url: 'http://127.0.0.1:8080/v1' }
  const toHeaders = (key: string | undefined) => ({
    ...(key && { authorization: `Bearer ${key}` }),
    ...options.headers,
  })
  const embed = createEmbedder(http, { ...settings, ...(options.key_required ? { key_required: true } : {}) })
  return {
    id,
    embeds: true,
    models: async (signal) => {
      const { base_url, key, speaker } = findEndpoint(settings)
      if (options.key_required && !key) throw toProblem(describeMissingKey(speaker))
      return listModels(http, { url: `${base_url}/models`, headers: toHeaders(key), speaker, pick: pickData, signal })
    },
    stream: (request, signal) => {
      if (request.embed) return embed(request, signal)
      const { base_url, key, speaker } = findEndpoint(settings, request)
      if (options.key_required && !key) return failAtOnce(describeMissingKey(speaker))
      return callOverWire({
        http,
        url: `${base_url}/chat/completions`,
        headers: toHeaders(key),
        body: JSON.stringify(toChatBody({ ...request, options: { ...defaults, ...request.options } })),
        signal,
        speaker,
        framing: 'events',
        reader: new ChatReader(request, speaker),
      })
    },
  }
}

async function* failAtOnce(failure: ProviderFailure): AsyncGenerator<ModelPart, void, undefined> {
  yield { type: 'failed', failure }
}
