import type { FinishReason, ModelRequest, ToolCallPart, Usage } from '../events/messages.ts'

/** What a provider says about one of its models. */
export interface ModelInfo {
  readonly id: string
  readonly name?: string
}

/** Why a model call failed, in our words; `detail` is what the server said. */
export interface ProviderFailure {
  readonly code:
    | 'provider_unreachable'
    | 'provider_timeout'
    | 'stream_stalled'
    | 'stream_truncated'
    | 'rate_limited'
    | 'provider_overloaded'
    | 'provider_error'
    | 'provider_auth'
    | 'provider_quota'
    | 'model_not_found'
    | 'context_overflow'
    | 'request_refused'
    | 'malformed_response'
    | 'aborted'
  readonly message: string
  readonly detail?: string
  readonly status?: number
  readonly retry: boolean
  readonly retry_after_ms?: number
  /** `no` when the request certainly never reached the server. */
  readonly touched: 'no' | 'maybe' | 'yes'
}

/** What comes out of a model, in order. Exactly one `finish` or `failed` ends it; nothing is thrown. */
export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string }
  | ToolCallPart
  | { readonly type: 'file'; readonly media_type: string; readonly data: string }
  | { readonly type: 'meta'; readonly request_id?: string; readonly model?: string }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly type: 'failed'; readonly failure: ProviderFailure }

/** Speaks with one vendor. Stateless: the request carries everything; no retries inside. */
export interface Provider {
  readonly id: string
  /** Requests with `embed` are understood; to all others none is given. */
  readonly embeds?: true
  models(signal?: AbortSignal): Promise<readonly ModelInfo[]>
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>
}
