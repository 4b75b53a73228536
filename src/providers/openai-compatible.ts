import { ChatReader } from './chat-reader.ts'
import { toChatBody } from './chat-request.ts'
import { findEndpoint, type ProviderOptions } from './endpoint.ts'
import { openHttp } from './http.ts'
import { listModels, pickData } from './model-list.ts'
import type { Provider } from './provider.ts'
import { callOverWire } from './wire.ts'

/** Where well-known local servers listen when nobody says otherwise. */
export const LOCAL_SERVERS = {
  lmstudio: 'http://127.0.0.1:1234/v1',
  'llama-server': 'http://127.0.0.1:8080/v1',
  vllm: 'http://127.0.0.1:8000/v1',
} as const

/** Any server that speaks chat completions. `base_url` includes the version, for example `http://127.0.0.1:8080/v1`. A key is optional. */
export function createOpenAICompatible(options: ProviderOptions = {}): Provider {
  const id = options.name ?? 'openai-compatible'
  const http = openHttp(options)
  const settings = { ...options, vendor: id, fallback_url: LOCAL_SERVERS['llama-server'] }
  const toHeaders = (key: string | undefined) => ({
    ...(key && { authorization: `Bearer ${key}` }),
    ...options.headers,
  })
  return {
    id,
    models: (signal) => {
      const { base_url, key, speaker } = findEndpoint(settings)
      return listModels(http, { url: `${base_url}/models`, headers: toHeaders(key), speaker, pick: pickData, signal })
    },
    stream: (request, signal) => {
      const { base_url, key, speaker } = findEndpoint(settings, request)
      return callOverWire({
        http,
        url: `${base_url}/chat/completions`,
        headers: toHeaders(key),
        body: toChatBody(request),
        signal,
        speaker,
        framing: 'events',
        reader: new ChatReader(request, speaker),
      })
    },
  }
}
