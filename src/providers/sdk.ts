import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import type { ModelRequest } from '../events/messages.ts'
import type { JsonObject } from '../events/values.ts'
import { findEndpoint, type ProviderOptions } from './endpoint.ts'
import { describeAbort, describeMissingKey, describeTruncation, type Speaker } from './failures.ts'
import { type Http, openHttp } from './http.ts'
import { type ListAsk, listModels, toProblem } from './model-list.ts'
import type { ModelPart, Provider } from './provider.ts'
import { SdkAnswer } from './sdk-answer.ts'
import { readSdkError } from './sdk-failure.ts'
import { toCallOptions } from './sdk-prompt.ts'
import { streamWhole } from './sdk-whole.ts'

/** What differs between vendors that are reached through their AI SDK package. */
export interface SdkVendor {
  /** Our name and the default `id`. */
  readonly vendor: string
  readonly fallback_url: string
  readonly key_name: string
  /** The name the package reads its own options under. */
  readonly options_name: string
  /** Settings of every call, weaker than a request's own. */
  readonly defaults?: JsonObject
  /** The vendor signs tool calls and wants the signature back. */
  readonly signs_calls?: boolean
  /** Loads the package and makes a model; called once for each address and key. */
  load(settings: SdkSettings): Promise<(model: string) => LanguageModelV4>
  list(base_url: string, key: string): Pick<ListAsk, 'url' | 'headers' | 'pick'>
}

export interface SdkSettings {
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch: typeof globalThis.fetch
  readonly headers: Record<string, string>
}

export function createSdkProvider(vendor: SdkVendor, options: ProviderOptions): Provider {
  const http = openHttp(options)
  const settings = { ...options, ...vendor, key_name: options.key_name ?? vendor.key_name }
  const open = rememberModels(vendor, options, http)
  return {
    id: options.name ?? vendor.vendor,
    models: async (signal) => {
      const { base_url, key, speaker } = findEndpoint(settings)
      if (!key) throw toProblem(describeMissingKey(speaker))
      return listModels(http, { ...vendor.list(base_url, key), speaker, signal })
    },
    stream: async function* (request, signal) {
      const { base_url, key, speaker } = findEndpoint(settings, request)
      if (!key) {
        yield { type: 'failed', failure: describeMissingKey(speaker) }
        return
      }
      yield* speak({
        open: () => open(base_url, key, request.model),
        request,
        signal,
        answer: new SdkAnswer(request, speaker, vendor.signs_calls ?? false),
        speaker,
        vendor,
        whole: options.stream === false,
      })
    },
  }
}

interface Call {
  readonly open: () => Promise<LanguageModelV4>
  readonly request: ModelRequest
  readonly signal: AbortSignal
  readonly answer: SdkAnswer
  readonly speaker: Speaker
  readonly vendor: SdkVendor
  readonly whole: boolean
}

async function* speak({
  open,
  request,
  signal,
  answer,
  speaker,
  vendor,
  whole,
}: Call): AsyncGenerator<ModelPart, void, undefined> {
  let reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart> | undefined
  try {
    const model = await open()
    const ask = { ...toCallOptions(request, vendor.options_name, vendor.defaults ?? {}), abortSignal: signal }
    const { stream, response } = whole ? streamWhole(await model.doGenerate(ask)) : await model.doStream(ask)
    reader = stream.getReader()
    const request_id = response?.headers?.['x-request-id'] ?? response?.headers?.['request-id']
    if (request_id) yield { type: 'meta', request_id }
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      for (const part of answer.take(value)) {
        yield part.type === 'failed' && signal.aborted ? { type: 'failed', failure: describeAbort('yes') } : part
        if (part.type === 'finish' || part.type === 'failed') return
      }
    }
    yield { type: 'failed', failure: signal.aborted ? describeAbort('yes') : describeTruncation(speaker) }
  } catch (error) {
    const failure = readSdkError(error, speaker, reader ? 'stream' : 'request')
    yield { type: 'failed', failure: signal.aborted ? describeAbort(failure.touched) : failure }
  } finally {
    // Closes the socket when the stream was left early; after its end this does nothing.
    reader?.cancel().catch(() => {})
  }
}

/** One loaded package per address and key; a changed key makes a new one. */
function rememberModels(vendor: SdkVendor, options: ProviderOptions, http: Http) {
  let current: { readonly name: string; readonly load: Promise<(model: string) => LanguageModelV4> } | undefined
  return async (base_url: string, key: string, model: string): Promise<LanguageModelV4> => {
    const name = `${base_url}\n${key}`
    if (current?.name !== name) {
      const headers = { ...options.headers }
      current = { name, load: vendor.load({ baseURL: base_url, apiKey: key, fetch: http.fetch, headers }) }
    }
    return (await current.load)(model)
  }
}
