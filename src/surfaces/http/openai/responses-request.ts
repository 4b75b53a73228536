import type { ModelCall } from '../../../app/model-faces.ts'
import type { Message } from '../../../events/messages.ts'
import type { Json, JsonObject } from '../../../events/values.ts'
import { readResult, readTool } from './chat-request.ts'
import {
  isObject,
  readFlag,
  readLimit,
  readList,
  readNumber,
  readObject,
  readText,
  refuseField,
  refuseUnknown,
} from './fields.ts'
import { readContent } from './parts.ts'

export interface ResponsesRequest {
  readonly call: ModelCall
  readonly stream: boolean
  /** What the answer repeats of the request. */
  readonly echoed: JsonObject
}

/** They need answers that are kept for a caller; here the caller sends the whole conversation. */
const WHOLE = 'Send the whole conversation as input.'
/** What is not offered, and what is done instead. */
const REFUSED: { readonly [field: string]: string } = {
  background: 'POST /v1/runs begins a run that goes on without its caller.',
  conversation: WHOLE,
  previous_response_id: WHOLE,
  prompt: 'Send its text as instructions and input.',
}
const OPTIONS = ['top_p', 'parallel_tool_calls'] as const

/** Read below, or about an account at OpenAI, where they mean nothing here. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(REFUSED),
  ...OPTIONS,
  'client_metadata',
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'model',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'truncation',
  'user',
])

/** Throws OrcError `bad_input`. */
export function readResponsesRequest(body: JsonObject): ResponsesRequest {
  for (const [field, instead] of Object.entries(REFUSED))
    if (body[field] !== undefined && body[field] !== null && body[field] !== false)
      refuseField(field, 'this is not offered here', instead)
  refuseUnknown(body, KNOWN)
  const temperature = readNumber(body['temperature'], 'temperature')
  const max_tokens = readLimit(body, ['max_output_tokens'])
  const tools = body['tools'] === undefined || body['tools'] === null ? [] : readTools(body['tools'])
  const schema = readFormat(body['text'])
  const { reasoning, tool_choice } = body
  const instructions = body['instructions'] == null ? undefined : readText(body['instructions'], 'instructions')
  const system: Message[] =
    instructions === undefined ? [] : [{ role: 'system', content: [{ type: 'text', text: instructions }] }]
  const effort = isObject(reasoning) ? reasoning['effort'] : undefined
  const options = {
    ...Object.fromEntries(OPTIONS.flatMap((field) => (body[field] == null ? [] : [[field, body[field]]]))),
    ...(typeof effort === 'string' ? { reasoning_effort: effort } : {}),
    ...(tool_choice === undefined || tool_choice === null ? {} : { tool_choice: readChoice(tool_choice) }),
  }
  return {
    call: {
      model: readText(body['model'], 'model'),
      messages: [...system, ...readInput(body['input'])],
      ...(tools.length > 0 ? { tools } : {}),
      ...(schema ? { response_schema: schema } : {}),
      ...(temperature === undefined ? {} : { temperature }),
      ...(max_tokens === undefined ? {} : { max_tokens }),
      options,
    },
    stream: readFlag(body['stream'], 'stream'),
    echoed: {
      instructions: instructions ?? null,
      max_output_tokens: max_tokens ?? null,
      metadata: body['metadata'] ?? {},
      parallel_tool_calls: body['parallel_tool_calls'] ?? true,
      temperature: temperature ?? null,
      text: body['text'] ?? { format: { type: 'text' } },
      tool_choice: tool_choice ?? 'auto',
      tools: body['tools'] ?? [],
      top_p: body['top_p'] ?? null,
    },
  }
}

function readInput(given: Json | undefined): readonly Message[] {
  if (typeof given === 'string') return [{ role: 'user', content: [{ type: 'text', text: given }] }]
  const list = Array.isArray(given) ? (given as readonly Json[]) : refuseField('input', 'a text or a list is expected')
  if (list.length === 0) refuseField('input', 'there is none')
  const called = new Map<string, string>()
  return list.flatMap((entry, index) => readItem(readObject(entry, `input[${index}]`), `input[${index}]`, called))
}

function readItem(item: JsonObject, field: string, called: Map<string, string>): Message[] {
  const { type = 'message', role } = item
  // A model's thoughts mean nothing to another one.
  if (type === 'reasoning') return []
  if (type === 'function_call') {
    const id = readText(item['call_id'], `${field}.call_id`)
    const name = readText(item['name'], `${field}.name`)
    called.set(id, name)
    const made = readText(item['arguments'], `${field}.arguments`)
    return [{ role: 'assistant', content: [{ type: 'tool-call', id, name, arguments: made }] }]
  }
  if (type === 'function_call_output') {
    const id = readText(item['call_id'], `${field}.call_id`)
    const content = readContent(item['output'], `${field}.output`)
    return [{ role: 'tool', content: [readResult({ id, content, called, field: `${field}.call_id` })] }]
  }
  if (type !== 'message') refuseField(`${field}.type`, `items of type ${JSON.stringify(type)} are not taken`)
  const content = readContent(item['content'], `${field}.content`)
  if (role === 'system' || role === 'developer') return [{ role: 'system', content }]
  if (role === 'user' || role === 'assistant') return [{ role, content }]
  return refuseField(`${field}.role`, `the role ${JSON.stringify(role ?? null)} is not taken`)
}

function readTools(given: Json): NonNullable<ModelCall['tools']> {
  return readList(given, 'tools').map((entry, index) => {
    const field = `tools[${index}]`
    const tool = readObject(entry, field)
    if (tool['type'] === 'function') return readTool(tool, field)
    return refuseField(`${field}.type`, `tools of type ${JSON.stringify(tool['type'] ?? null)} are not taken`)
  })
}

/** As Chat Completions says it, which is what providers are told. */
function readChoice(choice: Json): Json {
  if (!isObject(choice) || choice['type'] !== 'function') return choice
  return { type: 'function', function: { name: readText(choice['name'], 'tool_choice.name') } }
}

function readFormat(text: Json | undefined): JsonObject | undefined {
  const format = isObject(text) ? text['format'] : undefined
  if (format === undefined || format === null) return undefined
  const { type, schema } = readObject(format, 'text.format')
  if (type === 'text') return undefined
  if (type === 'json_object') return { type: 'object' }
  if (type !== 'json_schema') refuseField('text.format.type', 'text, json_object or json_schema is expected')
  return readObject(schema, 'text.format.schema')
}
