import type { Json, JsonObject } from './values.ts'

/** One piece of a message. Files carry base64 bytes, so messages stay plain JSON. */
export type MessagePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string }
  | { readonly type: 'file'; readonly media_type: string; readonly data: string; readonly name?: string }
  | ToolCallPart
  | {
      readonly type: 'tool-result'
      readonly id: string
      readonly name: string
      readonly output: Json
      readonly failed?: boolean
    }

/** `arguments` is the raw text the model wrote; it is parsed strictly, and only when the call is executed. */
export interface ToolCallPart {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  readonly arguments: string
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: readonly MessagePart[]
}

/** Tokens as one provider counted them; absent means "not told", never zero. `input` includes cached tokens. */
export interface Usage {
  readonly input?: number
  readonly output?: number
  readonly cache_read?: number
  readonly cache_write?: number
  /** Of `cache_write`, the tokens that are kept for an hour instead of minutes. */
  readonly cache_write_long?: number
  readonly reasoning?: number
  /** The provider's own usage object, kept as given. */
  readonly raw?: Json
}

/** What a model is asked. Everything is here; a provider keeps no history. */
export interface ModelRequest {
  readonly provider: string
  readonly model: string
  readonly messages: readonly Message[]
  readonly temperature?: number
  readonly max_tokens?: number
  /** JSON Schema the answer has to follow, where the provider can be asked for it. */
  readonly response_schema?: JsonObject
  readonly tools?: readonly { readonly name: string; readonly description: string; readonly input_schema: JsonObject }[]
  /** Provider settings passed through untouched (for example Ollama's `num_ctx`). */
  readonly options?: JsonObject
  readonly base_url?: string
  /** Each message is a text that is wanted as a vector: the answer has one `file` part of 32-bit floats for each. */
  readonly embed?: { readonly dimensions?: number }
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other'

/** The answer kept in the journal for one model call. */
export interface ModelAnswer {
  readonly content: readonly MessagePart[]
  readonly finish: FinishReason
  readonly usage: Usage
  readonly model?: string
  readonly request_id?: string
  /** ms from the request to the first part. */
  readonly first_part_ms?: number
}

/** The text of an answer or message, its other parts left out. */
export function textOf(content: readonly MessagePart[]): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
