import type { FinishReason, Message, ModelRequest, Usage } from '../events/messages.ts'
import { toChatTool } from './chat-request.ts'
import { createEmbedder } from './embed.ts'
import { findEndpoint, type ProviderOptions } from './endpoint.ts'
import { describeMalformed, describeTruncation, isRecord, readStreamError, type Speaker } from './failures.ts'
import { openHttp } from './http.ts'
import { listModels, pickList, toInfo } from './model-list.ts'
import type { ModelPart, Provider } from './provider.ts'
import { readCount, toUsage } from './tokens.ts'
import { CallIds, toOutputText, toSendableArguments } from './tool-arguments.ts'
import { type AnswerReader, callOverWire } from './wire.ts'

/** What `/api/chat` takes beside the model's own options. */
const TOP_LEVEL = new Set(['keep_alive', 'think', 'format', 'stream', 'truncate', 'shift', 'logprobs', 'top_logprobs'])

/** Ollama's own API. `options` of a request go to the model (`num_ctx`, `seed` ...), those of the call itself (`keep_alive`, `think`) beside them. */
export function createOllama(options: ProviderOptions = {}): Provider {
  const http = openHttp(options)
  const settings = { ...options, vendor: 'ollama', fallback_url: 'http://127.0.0.1:11434' }
  const toHeaders = (key: string | undefined) => ({
    ...(key && { authorization: `Bearer ${key}` }),
    ...options.headers,
  })
  const embed = createEmbedder(http, { ...settings, root: (base_url) => `${toRoot(base_url)}/v1` })
  return {
    id: options.name ?? 'ollama',
    embeds: true,
    models: (signal) => {
      const { base_url, key, speaker } = findEndpoint(settings)
      const pick = (answer: unknown) =>
        pickList(answer, 'models', (entry) => toInfo(entry.model ?? entry.name, entry.name))
      return listModels(http, { url: `${toRoot(base_url)}/api/tags`, headers: toHeaders(key), speaker, pick, signal })
    },
    stream: (request, signal) => {
      if (request.embed) return embed(request, signal)
      const { base_url, key, speaker } = findEndpoint(settings, request)
      return callOverWire({
        http,
        url: `${toRoot(base_url)}/api/chat`,
        headers: toHeaders(key),
        body: JSON.stringify(toBody(request, options.stream ?? true)),
        signal,
        speaker,
        framing: 'lines',
        reader: new OllamaReader(request, speaker),
      })
    },
  }
}

/** Takes what stands in `OLLAMA_HOST` too: a bare host means Ollama's port, and the address a server listens on is not one to call. */
function toRoot(base_url: string): string {
  const root = base_url.replace(/\/(v1|api)$/, '').replace('//0.0.0.0', '//127.0.0.1')
  return /^http:\/\/[^:/]+$/.test(root) ? `${root}:11434` : root
}

function toBody(request: ModelRequest, stream: boolean): Record<string, unknown> {
  const { tools, response_schema, temperature, max_tokens } = request
  const given = Object.entries(request.options ?? {})
  return {
    stream,
    ...(response_schema && { format: response_schema }),
    ...Object.fromEntries(given.filter(([key]) => TOP_LEVEL.has(key))),
    model: request.model,
    messages: request.messages.flatMap(toMessages),
    ...(tools && tools.length > 0 && { tools: tools.map(toChatTool) }),
    options: {
      ...Object.fromEntries(given.filter(([key]) => !TOP_LEVEL.has(key))),
      ...(temperature !== undefined && { temperature }),
      ...(max_tokens !== undefined && { num_predict: max_tokens }),
    },
  }
}

function toMessages({ role, content }: Message): unknown[] {
  let text = ''
  let thinking = ''
  const images: string[] = []
  const calls: unknown[] = []
  const results: unknown[] = []
  for (const part of content) {
    if (part.type === 'text') text += part.text
    else if (part.type === 'reasoning') thinking += part.text
    else if (part.type === 'tool-call') {
      calls.push({ id: part.id, function: { name: part.name, arguments: toSendableArguments(part.arguments) } })
    } else if (part.type === 'tool-result') {
      results.push({ role: 'tool', tool_name: part.name, tool_call_id: part.id, content: toOutputText(part.output) })
    } else if (part.media_type.startsWith('text/')) text += Buffer.from(part.data, 'base64').toString('utf8')
    else images.push(part.data)
  }
  const empty = text === '' && images.length === 0 && calls.length === 0
  if (role === 'tool' || (empty && results.length > 0)) return results
  const message = {
    role,
    content: text,
    ...(thinking && { thinking }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  return [...results, message]
}

class OllamaReader implements AnswerReader {
  readonly complete = false
  #speaker: Speaker
  #ids: CallIds
  #called = false
  #introduced = false
  #seen = false

  constructor(request: ModelRequest, speaker: Speaker) {
    this.#speaker = speaker
    this.#ids = new CallIds(request)
  }

  take(piece: unknown): ModelPart[] {
    if (!isRecord(piece)) return this.#refuse(piece)
    if (piece.error) return [{ type: 'failed', failure: readStreamError(piece.error, this.#speaker) }]
    const { message, model, done } = piece
    if (message === undefined && done === undefined) return this.#refuse(piece)
    this.#seen = true
    const parts: ModelPart[] = []
    if (!this.#introduced && typeof model === 'string' && model) {
      this.#introduced = true
      parts.push({ type: 'meta', model })
    }
    if (message !== undefined && message !== null) {
      if (!isRecord(message) || !this.#read(message, parts)) return this.#refuse(piece)
    }
    if (done === true) parts.push(this.#finish(piece))
    return parts
  }

  end(): ModelPart[] {
    const failure = this.#seen
      ? describeTruncation(this.#speaker)
      : describeMalformed('no part of an answer', this.#speaker)
    return [{ type: 'failed', failure }]
  }

  #read(message: Record<string, unknown>, parts: ModelPart[]): boolean {
    const { content, thinking, tool_calls } = message
    if (typeof thinking === 'string' && thinking) parts.push({ type: 'reasoning', text: thinking })
    if (typeof content === 'string') {
      if (content) parts.push({ type: 'text', text: content })
    } else if (content !== undefined && content !== null) return false
    if (tool_calls === undefined || tool_calls === null) return true
    if (!Array.isArray(tool_calls)) return false
    for (const call of tool_calls) {
      const told = isRecord(call) && isRecord(call.function) ? call.function : {}
      const { name, arguments: given = {} } = told
      if (typeof name !== 'string' || !name || name.length > 1024) return false
      const id = this.#ids.claim(isRecord(call) && typeof call.id === 'string' ? call.id.slice(0, 1024) : undefined)
      parts.push({ type: 'tool-call', id, name, arguments: typeof given === 'string' ? given : JSON.stringify(given) })
      this.#called = true
    }
    return true
  }

  #finish(piece: Record<string, unknown>): ModelPart {
    const told = piece.done_reason ?? 'stop'
    // "load" and "unload" end calls that were not asked for an answer.
    if (told !== 'stop' && told !== 'length') {
      return { type: 'failed', failure: { ...describeTruncation(this.#speaker), detail: String(told).slice(0, 200) } }
    }
    const reason: FinishReason = told === 'length' ? 'length' : this.#called ? 'tool-calls' : 'stop'
    return { type: 'finish', reason, usage: readUsage(piece) }
  }

  #refuse(piece: unknown): ModelPart[] {
    return [{ type: 'failed', failure: describeMalformed(JSON.stringify(piece) ?? '', this.#speaker) }]
  }
}

function readUsage(piece: Record<string, unknown>): Usage {
  const counts = Object.entries(piece).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && /_(count|duration)$/.test(entry[0]),
  )
  return toUsage({
    input: readCount(piece.prompt_eval_count),
    output: readCount(piece.eval_count),
    raw: counts.length > 0 ? Object.fromEntries(counts) : undefined,
  })
}
