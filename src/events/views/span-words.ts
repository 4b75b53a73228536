import type { Message, MessagePart, ModelAnswer, ModelRequest } from '../messages.ts'
import type { ToolRequest } from '../tool-call.ts'
import type { Json } from '../values.ts'

export type SpanAttribute = string | number | boolean | readonly string[]
/** Names are those of the GenAI conventions of OpenTelemetry; ours stand under `llm_orc.`. */
export type SpanAttributes = { readonly [name: string]: SpanAttribute }

type Wish = { readonly content: boolean }
type Loose<T> = { readonly [K in keyof T]?: unknown }

/** What a call says of itself, for the kinds `model` and `tool`. Foreign or missing content says nothing. */
export function describeRequest(kind: 'model' | 'tool', request: Json | undefined, wish: Wish): SpanAttributes {
  return kind === 'model' ? describeModelRequest(asObject(request), wish) : describeToolRequest(asObject(request), wish)
}

export function describeAnswer(kind: 'model' | 'tool', answer: Json | undefined, { content }: Wish): SpanAttributes {
  if (kind === 'tool') return content && answer !== undefined ? { 'gen_ai.tool.call.result': asText(answer) } : {}
  const { finish, model, request_id, first_part_ms, content: parts }: Loose<ModelAnswer> = asObject(answer)
  return {
    ...(typeof finish === 'string' ? { 'gen_ai.response.finish_reasons': [finish.replace('-', '_')] } : {}),
    ...(typeof model === 'string' ? { 'gen_ai.response.model': model } : {}),
    ...(typeof request_id === 'string' ? { 'gen_ai.response.id': request_id } : {}),
    ...(typeof first_part_ms === 'number' ? { 'gen_ai.response.time_to_first_chunk': first_part_ms / 1000 } : {}),
    ...(content && Array.isArray(parts)
      ? { 'gen_ai.output.messages': tellMessages([{ role: 'assistant', content: parts }], String(finish)) }
      : {}),
  }
}

function describeModelRequest(request: Loose<ModelRequest>, { content }: Wish): SpanAttributes {
  const { provider, model, temperature, max_tokens, messages } = request
  return {
    ...(typeof provider === 'string' ? { 'gen_ai.provider.name': provider } : {}),
    ...(typeof model === 'string' ? { 'gen_ai.request.model': model } : {}),
    ...(typeof temperature === 'number' ? { 'gen_ai.request.temperature': temperature } : {}),
    ...(typeof max_tokens === 'number' ? { 'gen_ai.request.max_tokens': max_tokens } : {}),
    ...(content && Array.isArray(messages) ? { 'gen_ai.input.messages': tellMessages(messages) } : {}),
  }
}

function describeToolRequest(request: Loose<ToolRequest>, { content }: Wish): SpanAttributes {
  const { tool, call, source, arguments: given } = request
  return {
    ...(typeof tool === 'string' ? { 'gen_ai.tool.name': tool, 'gen_ai.tool.type': 'function' } : {}),
    ...(typeof call === 'string' ? { 'gen_ai.tool.call.id': call } : {}),
    ...(typeof source === 'string' ? { 'llm_orc.tool.source': source } : {}),
    ...(content && given !== undefined ? { 'gen_ai.tool.call.arguments': asText(given as Json) } : {}),
  }
}

function tellMessages(messages: readonly Message[], finish?: string): string {
  const told = messages.map(({ role, content }) => ({
    role,
    parts: content.map(tellPart),
    ...(finish === undefined ? {} : { finish_reason: finish.replace('-', '_') }),
  }))
  return JSON.stringify(told)
}

/** Files are named, not sent. */
function tellPart(part: MessagePart): Json {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return { type: part.type, content: part.text }
    case 'tool-call':
      return { type: 'tool_call', id: part.id, name: part.name, arguments: part.arguments }
    case 'tool-result':
      return { type: 'tool_call_response', id: part.id, response: part.output }
    case 'file':
      return { type: 'file', mime_type: part.media_type, ...(part.name === undefined ? {} : { name: part.name }) }
  }
}

function asText(json: Json): string {
  return typeof json === 'string' ? json : JSON.stringify(json)
}

function asObject(json: Json | undefined): { readonly [key: string]: unknown } {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as object as {}) : {}
}
