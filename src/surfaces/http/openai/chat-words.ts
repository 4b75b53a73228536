import { writeMessage } from '../sse.ts'
import type { AskedRun } from './asked-run.ts'
import type { CalledTool, Reply, ReplyUsage } from './reply.ts'
import type { Telling } from './told-answer.ts'

interface Asked {
  readonly model: string
  readonly run: Pick<AskedRun, 'id' | 'created'>
}

/** An answer as `POST /v1/chat/completions` gives it. */
export function writeCompletion({ model, run }: Asked, { text, tool_calls, finish, usage }: Reply): object {
  const content = text === '' && tool_calls.length > 0 ? null : text
  const message = {
    role: 'assistant',
    content,
    refusal: null,
    ...(tool_calls.length > 0 ? { tool_calls: tool_calls.map(writeCall) } : {}),
  }
  return {
    ...head({ model, run }, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: writeUsage(usage),
  }
}

/** The same bit by bit. */
export function tellCompletion(asked: Asked, { include_usage }: { readonly include_usage: boolean }): Telling {
  const shared = { ...head(asked, 'chat.completion.chunk'), ...(include_usage ? { usage: null } : {}) }
  const chunk = (delta: object, finish: Reply['finish'] | null = null) =>
    data({ ...shared, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })
  return {
    begin: () => chunk({ role: 'assistant', content: '', refusal: null }),
    text: (text) => chunk({ content: text }),
    end: ({ tool_calls, finish, usage }, rest) =>
      [
        ...(rest === '' ? [] : [chunk({ content: rest })]),
        ...tool_calls.map((call, index) => chunk({ tool_calls: [{ index, ...writeCall(call) }] })),
        chunk({}, finish),
        ...(include_usage ? [data({ ...shared, choices: [], usage: writeUsage(usage) })] : []),
        writeMessage({ data: '[DONE]' }),
      ].join(''),
    fail: (error) => data({ error }),
  }
}

function head({ model, run }: Asked, object: string) {
  return { id: `chatcmpl-${run.id}`, object, created: run.created, model, system_fingerprint: run.id }
}

function data(value: object): string {
  return writeMessage({ data: JSON.stringify(value) })
}

function writeCall({ id, name, arguments: given }: CalledTool) {
  return { id, type: 'function', function: { name, arguments: given } }
}

function writeUsage({ input, output, cached, reasoning }: ReplyUsage) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
