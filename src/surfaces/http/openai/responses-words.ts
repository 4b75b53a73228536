import type { JsonObject } from '../../../events/values.ts'
import { writeMessage } from '../sse.ts'
import type { AskedRun } from './asked-run.ts'
import type { OpenAiError } from './error.ts'
import type { CalledTool, Reply, ReplyUsage } from './reply.ts'
import type { Telling } from './told-answer.ts'

interface Asked {
  readonly model: string
  readonly run: Pick<AskedRun, 'id' | 'created'>
  readonly echoed: JsonObject
}

type Status = 'in_progress' | 'completed' | 'incomplete'

/** An answer as `POST /v1/responses` gives it. */
export function writeResponse(asked: Asked, reply: Reply): object {
  const { text, tool_calls, finish, usage } = reply
  const status: Status = finish === 'stop' || finish === 'tool_calls' ? 'completed' : 'incomplete'
  const said = text === '' && tool_calls.length > 0 ? [] : [writeWords(asked, text, status)]
  return {
    ...writeHead(asked, status),
    incomplete_details:
      status === 'completed' ? null : { reason: finish === 'length' ? 'max_output_tokens' : 'content_filter' },
    output: [...said, ...tool_calls.map((call) => writeCall(call, 'completed'))],
    usage: writeUsage(usage),
  }
}

/** The same as events, numbered from 0. */
export function tellResponse(asked: Asked): Telling {
  let next = 0
  let opened = false
  let told = ''
  const item_id = nameWords(asked)
  const event = (type: string, fields: object) => {
    const data = JSON.stringify({ type, sequence_number: next, ...fields })
    next += 1
    return writeMessage({ event: type, data })
  }
  const place = { item_id, output_index: 0, content_index: 0 }
  const open = () => {
    if (opened) return ''
    opened = true
    const item = { ...writeWords(asked, '', 'in_progress'), content: [] }
    return (
      event('response.output_item.added', { output_index: 0, item }) +
      event('response.content_part.added', { ...place, part: writePart('') })
    )
  }
  const say = (text: string) => {
    told += text
    return text === '' ? '' : open() + event('response.output_text.delta', { ...place, delta: text, logprobs: [] })
  }
  const close = (status: Status) =>
    event('response.output_text.done', { ...place, text: told, logprobs: [] }) +
    event('response.content_part.done', { ...place, part: writePart(told) }) +
    event('response.output_item.done', { output_index: 0, item: writeWords(asked, told, status) })
  const tellCall = (call: CalledTool, output_index: number) => {
    const done = writeCall(call, 'completed')
    const at = { item_id: done.id, output_index }
    const item = { ...writeCall({ ...call, arguments: '' }, 'in_progress') }
    return (
      event('response.output_item.added', { output_index, item }) +
      event('response.function_call_arguments.delta', { ...at, delta: call.arguments }) +
      event('response.function_call_arguments.done', { ...at, name: call.name, arguments: call.arguments }) +
      event('response.output_item.done', { output_index, item: done })
    )
  }
  return {
    begin: () => {
      const response = { ...writeHead(asked, 'in_progress'), output: [], usage: null }
      return event('response.created', { response }) + event('response.in_progress', { response })
    },
    text: say,
    end: (reply, rest) => {
      const whole = writeResponse(asked, reply) as { readonly status: Status }
      const words = say(rest) + (reply.tool_calls.length === 0 ? open() : '')
      const ended = opened ? close(whole.status) : ''
      const calls = reply.tool_calls.map((call, index) => tellCall(call, index + Number(opened)))
      return words + ended + calls.join('') + event(`response.${whole.status}`, { response: whole })
    },
    fail: ({ code, message }: OpenAiError) => {
      const failed = { ...writeHead(asked, 'failed'), error: { code, message }, output: [], usage: null }
      return event('response.failed', { response: failed })
    },
  }
}

function writeHead({ model, run, echoed }: Asked, status: Status | 'failed') {
  return {
    id: `resp_${run.id}`,
    object: 'response',
    created_at: run.created,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    model,
    previous_response_id: null,
    // Nothing can be asked for by its id here: the conversation is sent each time.
    store: false,
    truncation: 'disabled',
    ...echoed,
  }
}

function nameWords({ run }: Asked): string {
  return `msg_${run.id}`
}

function writeWords(asked: Asked, text: string, status: Status) {
  return { id: nameWords(asked), type: 'message', role: 'assistant', status, content: [writePart(text)] }
}

function writePart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function writeCall({ id, name, arguments: given }: CalledTool, status: Status) {
  return { id: `fc_${id}`, type: 'function_call', call_id: id, name, arguments: given, status }
}

function writeUsage({ input, output, cached, reasoning }: ReplyUsage) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}
