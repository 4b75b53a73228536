import type { FinishReason, ModelRequest, Usage } from '../events/messages.ts'
import { describeMalformed, describeTruncation, isRecord, readStreamError, type Speaker } from './failures.ts'
import type { ModelPart } from './provider.ts'
import { readChatUsage } from './tokens.ts'
import { CallIds } from './tool-arguments.ts'
import type { AnswerReader } from './wire.ts'

const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
}
/** Reasons with which servers say that they did not get to the end. */
const BROKEN = /error|abort|cancel|interrupt|unknown|insufficient/i
const NAME_LIMIT = 1024

interface OpenCall {
  readonly index: unknown
  id: string
  name: string
  arguments: string
}

/** Understands the pieces of one chat-completions answer, streamed or whole. Believes nothing about their shape. */
export class ChatReader implements AnswerReader {
  #speaker: Speaker
  #request: ModelRequest
  #calls: OpenCall[] = []
  #reason: string | undefined
  #usage: Usage = {}
  #introduced = false
  #seen = false

  constructor(request: ModelRequest, speaker: Speaker) {
    this.#speaker = speaker
    this.#request = request
  }

  /** The reason it finished was told; only token counts can still follow. */
  get complete(): boolean {
    return this.#reason !== undefined
  }

  take(piece: unknown, event?: string): ModelPart[] {
    if (!isRecord(piece)) return this.#refuse(piece)
    if (piece.error || piece.object === 'error' || event === 'error') {
      return [{ type: 'failed', failure: readStreamError(piece.error || piece, this.#speaker) }]
    }
    const parts: ModelPart[] = []
    const { id, model, usage, choices } = piece
    if (!this.#introduced && (typeof model === 'string' || typeof id === 'string')) {
      this.#introduced = true
      parts.push({
        type: 'meta',
        ...(typeof id === 'string' && id && { request_id: id }),
        ...(typeof model === 'string' && model && { model }),
      })
    }
    if (isRecord(usage)) this.#usage = readChatUsage(usage)
    // Keep-alive and accounting pieces have no choices.
    if (choices === undefined || choices === null) return parts
    if (!Array.isArray(choices)) return this.#refuse(piece)
    this.#seen = true
    for (const choice of choices) {
      if (!isRecord(choice)) return this.#refuse(piece)
      if (choice.index !== undefined && choice.index !== 0) continue
      const delta = choice.delta ?? choice.message
      if (delta !== undefined && delta !== null) {
        if (!isRecord(delta) || !this.#read(delta, parts)) return this.#refuse(piece)
      }
      if (typeof choice.finish_reason === 'string' && choice.finish_reason) this.#reason = choice.finish_reason
    }
    return parts
  }

  end(): ModelPart[] {
    const reason = this.#reason
    if (reason === undefined || BROKEN.test(reason)) {
      const failure =
        this.#seen || reason !== undefined
          ? describeTruncation(this.#speaker)
          : describeMalformed('no part of an answer', this.#speaker)
      return [{ type: 'failed', failure: reason === undefined ? failure : { ...failure, detail: reason } }]
    }
    const cut = REASONS[reason] === 'length'
    const ids = new CallIds(this.#request)
    const parts: ModelPart[] = this.#calls.map((call) => ({
      type: 'tool-call',
      id: ids.claim(call.id),
      name: call.name,
      // A tool without parameters is often called with nothing at all; a call that was cut keeps what it has.
      arguments: call.arguments === '' && !cut ? '{}' : call.arguments,
    }))
    const told = REASONS[reason] ?? 'other'
    // Half of the servers say "stop" after a tool call.
    parts.push({
      type: 'finish',
      reason: told === 'stop' && parts.length > 0 ? 'tool-calls' : told,
      usage: this.#usage,
    })
    return parts
  }

  #read(delta: Record<string, unknown>, parts: ModelPart[]): boolean {
    const thought = delta.reasoning_content ?? delta.reasoning
    if (typeof thought === 'string' && thought) parts.push({ type: 'reasoning', text: thought })
    const { content, refusal, tool_calls, images } = delta
    if (typeof content === 'string') {
      if (content) parts.push({ type: 'text', text: content })
    } else if (Array.isArray(content)) parts.push(...content.flatMap(readBlock))
    else if (content !== undefined && content !== null) return false
    if (typeof refusal === 'string' && refusal) parts.push({ type: 'text', text: refusal })
    if (Array.isArray(images)) parts.push(...images.flatMap(readBlock))
    if (tool_calls === undefined || tool_calls === null) return true
    return Array.isArray(tool_calls) && tool_calls.every((call, position) => this.#addCall(call, position))
  }

  /** Pieces of one call share its index; where there is none, an id begins a new call. */
  #addCall(piece: unknown, position: number): boolean {
    if (!isRecord(piece)) return false
    const told = isRecord(piece.function) ? piece.function : {}
    const id = typeof piece.id === 'string' ? piece.id : ''
    const name = typeof told.name === 'string' ? told.name : ''
    if (name.length > NAME_LIMIT || id.length > NAME_LIMIT) return false
    const index = piece.index ?? (id || position)
    let call = this.#calls.findLast((open) => open.index === index)
    // Some servers number every call 0 and tell them apart by id alone.
    if (!call || (id && call.id && id !== call.id)) {
      call = { index, id, name: '', arguments: '' }
      this.#calls.push(call)
    }
    call.id ||= id
    call.name ||= name
    const { arguments: more } = told
    if (typeof more === 'string') call.arguments += more
    else if (isRecord(more)) call.arguments += JSON.stringify(more)
    else if (more !== undefined && more !== null) return false
    return true
  }

  #refuse(piece: unknown): ModelPart[] {
    return [{ type: 'failed', failure: describeMalformed(JSON.stringify(piece) ?? '', this.#speaker) }]
  }
}

/** Content in blocks: text, thoughts and pictures. */
function readBlock(block: unknown): ModelPart[] {
  if (!isRecord(block)) return []
  if (block.type === 'text' && typeof block.text === 'string') return [{ type: 'text', text: block.text }]
  if (block.type === 'thinking') {
    const inner = Array.isArray(block.thinking) ? block.thinking.flatMap(readBlock) : []
    const text = inner.map((part) => (part.type === 'text' ? part.text : '')).join('')
    return text ? [{ type: 'reasoning', text }] : []
  }
  const url = isRecord(block.image_url) ? block.image_url.url : undefined
  const [, media_type, data] = (typeof url === 'string' && /^data:([\w/+.-]+);base64,(.*)$/s.exec(url)) || []
  return media_type && data ? [{ type: 'file', media_type, data }] : []
}
