import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider'
import type { Message, MessagePart, ModelRequest } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { toSendableArguments } from './tool-arguments.ts'

type Assistant = Extract<LanguageModelV4Message, { role: 'assistant' }>
type User = Extract<LanguageModelV4Message, { role: 'user' }>

/** What a vendor attached to a part, as one text that we keep and hand back: which part it belongs to, and the vendor's own words. */
interface Signature {
  readonly on: 'reasoning' | 'tool-call'
  readonly data: SharedV4ProviderOptions
}

export function writeSignature(on: Signature['on'], data: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ on, data })
}

/** A signature of another provider (after a fallback) or of another form is dropped: it means nothing here. */
function readSignature(text: string | undefined, vendor: string): Signature | undefined {
  if (!text) return undefined
  try {
    const read = JSON.parse(text) as Signature
    return read?.data?.[vendor] ? read : undefined
  } catch {
    return undefined
  }
}

/** Call options that every vendor has under one name, as they are usually written. */
const COMMON: Readonly<Record<string, keyof LanguageModelV4CallOptions>> = {
  top_p: 'topP',
  top_k: 'topK',
  stop: 'stopSequences',
  stop_sequences: 'stopSequences',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  seed: 'seed',
  reasoning: 'reasoning',
  tool_choice: 'toolChoice',
}

/** Our request in the form all vendor packages share. `vendor` is the name its own options go under. */
export function toCallOptions(request: ModelRequest, vendor: string, defaults: JsonObject): LanguageModelV4CallOptions {
  const common: Record<string, unknown> = {}
  const own: Record<string, Json> = { ...defaults }
  for (const [key, value] of Object.entries(request.options ?? {})) {
    const name = COMMON[key]
    if (name === 'stopSequences') common[name] = Array.isArray(value) ? value : [value]
    else if (name === 'toolChoice') common[name] = toToolChoice(value)
    else if (name) common[name] = value
    else own[toCamel(key)] = toCamelKeys(value)
  }
  const { tools, response_schema } = request
  return {
    ...common,
    prompt: toPrompt(request.messages, vendor),
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.max_tokens !== undefined && { maxOutputTokens: request.max_tokens }),
    ...(response_schema && { responseFormat: { type: 'json', name: 'answer', schema: response_schema } }),
    ...(tools &&
      tools.length > 0 && {
        tools: tools.map(({ name, description, input_schema }) => ({
          type: 'function',
          name,
          description,
          inputSchema: input_schema,
        })),
      }),
    providerOptions: { [vendor]: own as SharedV4ProviderOptions[string] },
  }
}

/** A named function may be chosen in the words of Chat Completions. */
function toToolChoice(choice: Json): Json {
  if (typeof choice === 'string') return { type: choice }
  const { function: named } = choice as { readonly function?: { readonly name?: Json } }
  return named?.name === undefined ? choice : { type: 'tool', toolName: named.name }
}

/** System texts become one first message: most vendors take them nowhere else. */
function toPrompt(messages: readonly Message[], vendor: string): LanguageModelV4Prompt {
  const system = messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => content.map((part) => (part.type === 'text' ? part.text : '')).join(''))
    .filter((text) => text !== '')
  const prompt: LanguageModelV4Prompt = system.length > 0 ? [{ role: 'system', content: system.join('\n\n') }] : []
  for (const { role, content } of messages) {
    if (role === 'system') continue
    const results = content.flatMap(toResult)
    if (results.length > 0) prompt.push({ role: 'tool', content: results })
    if (role === 'assistant') prompt.push({ role, content: toAssistantParts(content, vendor) })
    else if (results.length === 0 || content.length > results.length) {
      prompt.push({ role: 'user', content: content.flatMap(toUserPart) })
    }
  }
  return prompt
}

function toUserPart(part: MessagePart): User['content'] {
  if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }]
  return part.type === 'file' ? [toFile(part)] : []
}

function toFile(part: Extract<MessagePart, { type: 'file' }>) {
  return {
    type: 'file',
    mediaType: part.media_type,
    data: { type: 'data', data: part.data },
    ...(part.name !== undefined && { filename: part.name }),
  } as const
}

function toAssistantParts(content: readonly MessagePart[], vendor: string): Assistant['content'] {
  const parts: Assistant['content'] = []
  let waiting: SharedV4ProviderOptions | undefined
  for (const part of content) {
    if (part.type === 'text' && part.text !== '') parts.push({ type: 'text', text: part.text })
    else if (part.type === 'file') parts.push(toFile(part))
    else if (part.type === 'reasoning') {
      const signature = readSignature(part.signature, vendor)
      if (signature?.on === 'tool-call') waiting = signature.data
      // Thoughts without their vendor's signature are refused or ignored everywhere.
      else if (signature) parts.push({ type: 'reasoning', text: part.text, providerOptions: signature.data })
    } else if (part.type === 'tool-call') {
      parts.push({
        type: 'tool-call',
        toolCallId: part.id,
        toolName: part.name,
        input: toSendableArguments(part.arguments),
        ...(waiting && { providerOptions: waiting }),
      })
      waiting = undefined
    }
  }
  return parts
}

function toResult(part: MessagePart): LanguageModelV4ToolResultPart[] {
  if (part.type !== 'tool-result') return []
  const { output, failed } = part
  const told =
    typeof output === 'string'
      ? { type: failed ? ('error-text' as const) : ('text' as const), value: output }
      : { type: failed ? ('error-json' as const) : ('json' as const), value: output as never }
  return [{ type: 'tool-result', toolCallId: part.id, toolName: part.name, output: told }]
}

function toCamel(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** The packages name their options in camel case; ours, like the vendors' own APIs, have underscores. */
function toCamelKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(toCamelKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [toCamel(key), toCamelKeys(entry)]))
}
