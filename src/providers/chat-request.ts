import type { Message, MessagePart, ModelRequest } from '../events/messages.ts'
import type { JsonObject } from '../events/values.ts'
import { toOutputText, toSendableArguments } from './tool-arguments.ts'

/** The body of `POST /chat/completions`. Options win over our defaults, never over what the request itself says. */
export function toChatBody(request: ModelRequest): Record<string, unknown> {
  const { options = {}, tools, response_schema } = request
  const limit = 'max_completion_tokens' in options ? 'max_completion_tokens' : 'max_tokens'
  const body = {
    stream: true,
    // Without it most servers count no tokens in a stream.
    ...(options.stream !== false && { stream_options: { include_usage: true } }),
    ...(response_schema && {
      response_format: toFormat(response_schema),
    }),
    ...options,
    model: request.model,
    messages: request.messages.flatMap(toChatMessages),
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.max_tokens !== undefined && { [limit]: request.max_tokens }),
    ...(tools && tools.length > 0 && { tools: tools.map(toChatTool) }),
  }
  // `null` takes a default of ours away, for servers that refuse what they do not know.
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

/** A schema that says no more than "an object" is what is called JSON mode, which more servers have. */
function toFormat(schema: JsonObject): JsonObject {
  if (schema['type'] === 'object' && Object.keys(schema).length === 1) return { type: 'json_object' }
  return { type: 'json_schema', json_schema: { name: 'answer', schema } }
}

export function toChatTool(tool: NonNullable<ModelRequest['tools']>[number]): JsonObject {
  return {
    type: 'function',
    function: { name: tool.name, description: tool.description, parameters: tool.input_schema },
  }
}

function toChatMessages(message: Message): unknown[] {
  const { role, content } = message
  // Results are messages of their own here, whatever message they came in.
  const results = content.flatMap((part) =>
    part.type === 'tool-result' ? [{ role: 'tool', tool_call_id: part.id, content: toOutputText(part.output) }] : [],
  )
  const rest = content.filter((part) => part.type !== 'tool-result')
  if (rest.length === 0) return results.length > 0 || role === 'tool' ? results : [{ role, content: '' }]
  if (role === 'assistant') return [toAssistant(rest), ...results]
  const plain = rest.every((part) => part.type === 'text')
  return [
    ...results,
    { role: role === 'tool' ? 'user' : role, content: plain ? joinText(rest) : rest.flatMap(toChatPart) },
  ]
}

function toAssistant(parts: readonly MessagePart[]): unknown {
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call'
      ? [
          {
            id: part.id,
            type: 'function',
            function: { name: part.name, arguments: JSON.stringify(toSendableArguments(part.arguments)) },
          },
        ]
      : [],
  )
  const text = joinText(parts)
  const thought = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('')
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    // Models that think between tool calls want their thoughts back; elsewhere strict servers refuse the field.
    ...(calls.length > 0 && { ...(thought && { reasoning_content: thought }), tool_calls: calls }),
  }
}

function toChatPart(part: MessagePart): unknown[] {
  if (part.type === 'text') return [{ type: 'text', text: part.text }]
  if (part.type !== 'file') return []
  const { media_type, data, name } = part
  if (media_type.startsWith('image/')) {
    return [{ type: 'image_url', image_url: { url: `data:${media_type};base64,${data}` } }]
  }
  if (media_type.startsWith('audio/')) {
    const format = media_type === 'audio/mpeg' ? 'mp3' : media_type.slice('audio/'.length).replace(/^x-/, '')
    return [{ type: 'input_audio', input_audio: { data, format } }]
  }
  if (media_type.startsWith('text/')) return [{ type: 'text', text: Buffer.from(data, 'base64').toString('utf8') }]
  return [{ type: 'file', file: { filename: name ?? 'file', file_data: `data:${media_type};base64,${data}` } }]
}

function joinText(parts: readonly MessagePart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
