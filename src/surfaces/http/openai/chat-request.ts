import type { ModelCall } from '../../../app/model-faces.ts'
import type { Message, MessagePart } from '../../../events/messages.ts'
import type { Json, JsonObject } from '../../../events/values.ts'
import { readFlag, readLimit, readList, readNumber, readObject, readText, refuseField } from './fields.ts'
import { readContent } from './parts.ts'

export interface ChatRequest {
  readonly call: ModelCall
  readonly stream: boolean
  /** A last chunk tells what was spent. */
  readonly include_usage: boolean
}

/** Read here, so they are no options of a provider. */
const READ = new Set([
  'model',
  'messages',
  'tools',
  'response_format',
  'temperature',
  'max_tokens',
  'max_completion_tokens',
  'stream',
  'stream_options',
  'n',
])
/** What a provider is told as it is. Anything else could ask for more than the profile is for, such as another model. */
const OPTIONS = new Set([
  'frequency_penalty',
  'logit_bias',
  'min_p',
  'parallel_tool_calls',
  'presence_penalty',
  'reasoning_effort',
  'repetition_penalty',
  'seed',
  'stop',
  'tool_choice',
  'top_k',
  'top_p',
  'verbosity',
])
/** About an account at OpenAI; they mean nothing here, and some servers refuse them. */
const ACCOUNT_FIELDS: ReadonlySet<string> = new Set([
  'metadata',
  'modalities',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'user',
])
/** What would need an answer that is not given here. */
const REFUSED = ['audio', 'functions', 'function_call', 'logprobs', 'top_logprobs', 'web_search_options'] as const

/** Throws OrcError `bad_input`. */
export function readChatRequest(body: JsonObject): ChatRequest {
  for (const field of REFUSED)
    if (body[field] !== undefined && body[field] !== null && body[field] !== false)
      refuseField(field, 'this is not offered here')
  const { n = 1, stream_options } = body
  if (n !== 1 && n !== null) refuseField('n', 'one answer is given to each call', 'Call again for another one.')
  const temperature = readNumber(body['temperature'], 'temperature')
  const max_tokens = readLimit(body, ['max_completion_tokens', 'max_tokens'])
  const schema = readFormat(body['response_format'])
  const seed = readNumber(body['seed'], 'seed')
  const tools = body['tools'] === undefined || body['tools'] === null ? [] : readTools(body['tools'])
  const given = Object.entries(body).filter(
    ([field, value]) => value !== null && value !== false && !READ.has(field) && !ACCOUNT_FIELDS.has(field),
  )
  const unknown = given.find(([field]) => !OPTIONS.has(field))
  if (unknown) refuseField(unknown[0], 'this field is not known here', 'Write it under `options` of the profile.')
  const options = Object.entries(body).filter(([field, value]) => value !== null && OPTIONS.has(field))
  return {
    call: {
      model: readText(body['model'], 'model'),
      messages: readMessages(body['messages']),
      ...(tools.length > 0 ? { tools } : {}),
      ...(schema ? { response_schema: schema } : {}),
      ...(temperature === undefined ? {} : { temperature }),
      ...(max_tokens === undefined ? {} : { max_tokens }),
      ...(seed === undefined ? {} : { seed: String(seed) }),
      options: Object.fromEntries(options),
    },
    stream: readFlag(body['stream'], 'stream'),
    include_usage:
      stream_options !== undefined &&
      stream_options !== null &&
      readFlag(readObject(stream_options, 'stream_options')['include_usage'], 'stream_options.include_usage'),
  }
}

function readMessages(given: Json | undefined): readonly Message[] {
  const list = readList(given, 'messages')
  if (list.length === 0) refuseField('messages', 'there is none')
  /** Tools by the ids of the calls so far. */
  const called = new Map<string, string>()
  return list.map((entry, index) => {
    const field = `messages[${index}]`
    const message = readObject(entry, field)
    const { role } = message
    const content = () => readContent(message['content'], `${field}.content`)
    if (role === 'system' || role === 'developer') return { role: 'system', content: content() }
    if (role === 'user') return { role, content: content() }
    if (role === 'assistant') {
      const calls = message['tool_calls'] ? readCalls(message['tool_calls'], `${field}.tool_calls`) : []
      for (const { id, name } of calls) called.set(id, name)
      return { role, content: [...content(), ...calls] }
    }
    if (role === 'tool') {
      const id = readText(message['tool_call_id'], `${field}.tool_call_id`)
      return { role, content: [readResult({ id, content: content(), called, field: `${field}.tool_call_id` })] }
    }
    return refuseField(`${field}.role`, `the role ${JSON.stringify(role ?? null)} is not taken`)
  })
}

export function readResult({
  id,
  content,
  called,
  field,
}: {
  readonly id: string
  readonly content: readonly MessagePart[]
  readonly called: ReadonlyMap<string, string>
  readonly field: string
}): MessagePart {
  const name = called.get(id) ?? refuseField(field, `no message before it has a call ${JSON.stringify(id)}`)
  const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return { type: 'tool-result', id, name, output: text }
}

function readCalls(given: Json, field: string) {
  return readList(given, field).map((entry, index) => {
    const at = `${field}[${index}]`
    const call = readObject(entry, at)
    const made = readObject(call['function'], `${at}.function`)
    return {
      type: 'tool-call' as const,
      id: readText(call['id'], `${at}.id`),
      name: readText(made['name'], `${at}.function.name`),
      arguments: readText(made['arguments'], `${at}.function.arguments`),
    }
  })
}

function readTools(given: Json): NonNullable<ModelCall['tools']> {
  return readList(given, 'tools').map((entry, index) => {
    const field = `tools[${index}]`
    const tool = readObject(entry, field)
    if (tool['type'] !== 'function')
      refuseField(`${field}.type`, `tools of type ${JSON.stringify(tool['type'] ?? null)} are not taken`)
    return readTool(readObject(tool['function'], `${field}.function`), `${field}.function`)
  })
}

export function readTool(tool: JsonObject, field: string): NonNullable<ModelCall['tools']>[number] {
  const { description, parameters } = tool
  return {
    name: readText(tool['name'], `${field}.name`),
    description: typeof description === 'string' ? description : '',
    input_schema:
      parameters === undefined || parameters === null
        ? { type: 'object', properties: {} }
        : readObject(parameters, `${field}.parameters`),
  }
}

/** JSON without a schema is any object. */
function readFormat(given: Json | undefined): JsonObject | undefined {
  if (given === undefined || given === null) return undefined
  const { type, json_schema } = readObject(given, 'response_format')
  if (type === 'text') return undefined
  if (type === 'json_object') return { type: 'object' }
  if (type !== 'json_schema') refuseField('response_format.type', 'text, json_object or json_schema is expected')
  const { schema } = readObject(json_schema, 'response_format.json_schema')
  return readObject(schema, 'response_format.json_schema.schema')
}
