import { countRequestAtMost } from '../context/count.ts'
import { type RunStep, type StepContext, StepFailure, type StepKind } from '../engine/step.ts'
import type { CacheAsk } from '../events/cache-ask.ts'
import { type Message, type MessagePart, type ModelAnswer, type ModelRequest, textOf } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { needOf } from './need.ts'
import { modelOf, tryCandidates } from './try-candidates.ts'

/** The settings of a `chat` step. The caller's own tools are described to the model and never called here. */
export type ChatSpec = {
  readonly candidates: readonly Candidate[]
  readonly tools?: NonNullable<ModelRequest['tools']>
  readonly response_schema?: JsonObject
  readonly cache?: CacheAsk
}

/** What a `chat` step works on. A candidate's own prompt goes before messages that have no system text. */
export type ChatInput = { readonly messages: readonly Message[] }

/** The text of an answer that is nothing else; otherwise its parts, and why it ended. */
export type ChatOutput =
  | string
  | {
      readonly text: string
      readonly finish: ModelAnswer['finish']
      readonly tool_calls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
    }

/**
 * One answer of a model to a conversation that somebody else keeps: messages go as they were written, and what the model wants of tools
 * comes back as it was said. The next candidate is asked when one fails or says nothing.
 */
export const chatStep: StepKind = {
  kind: 'chat',
  version: 2,
  run: runChat({ learns: true }),
  // Asked the next model by the order of the choice, whatever had helped before.
  older: { 1: runChat({ learns: false }) },
}

function runChat({ learns }: { readonly learns: boolean }): RunStep {
  return async ({ spec: settings }, { input }, ctx) => {
    const spec = settings as unknown as ChatSpec
    const { messages } = input as unknown as ChatInput
    const countInput = () => countRequestAtMost({ provider: '', model: '', messages, ...pickTools(spec) })
    let calls = 0
    const output = await tryCandidates(ctx, { candidates: spec.candidates, countInput, learns }, async (candidate) => {
      const name = calls === 0 ? 'model' : `model~${calls}`
      calls += 1
      return readAnswer(
        await ask(ctx, { name, request: buildRequest(spec, messages, candidate), candidate }),
        candidate,
      )
    })
    return { output: output as Json }
  }
}

async function ask(
  ctx: StepContext,
  {
    name,
    request,
    candidate,
  }: { readonly name: string; readonly request: ModelRequest; readonly candidate: Candidate },
): Promise<ModelAnswer> {
  const answer = await ctx.effect({
    kind: 'model',
    name,
    safety: 'billable',
    pool: `provider:${candidate.provider}`,
    request: request as unknown as Json,
    need: needOf(request, candidate.card),
  })
  return answer as unknown as ModelAnswer
}

function readAnswer({ content, finish }: ModelAnswer, candidate: Candidate): ChatOutput {
  const text = textOf(content)
  const tool_calls = content.flatMap(readCall)
  if (text.trim() === '' && tool_calls.length === 0)
    throw new StepFailure('empty_answer', `${modelOf(candidate)} answered without text (${finish})`)
  if (finish === 'stop' && tool_calls.length === 0) return text
  return { text, finish, ...(tool_calls.length > 0 ? { tool_calls } : {}) }
}

function readCall(part: MessagePart) {
  if (part.type !== 'tool-call') return []
  const { id, name, arguments: given } = part
  return [{ id, name, arguments: given }]
}

function pickTools({ tools = [] }: ChatSpec): Pick<ModelRequest, 'tools'> {
  return tools.length > 0 ? { tools } : {}
}

function buildRequest(
  spec: ChatSpec,
  messages: readonly Message[],
  candidate: Candidate,
): ModelRequest & { readonly timeout_ms?: number; readonly cache?: CacheAsk } {
  const { provider, model, base_url, temperature, max_tokens, options, timeout_ms, system } = candidate
  const { response_schema, cache } = spec
  const own = system !== undefined && messages.every(({ role }) => role !== 'system')
  const first: Message[] = own ? [{ role: 'system', content: [{ type: 'text', text: system }] }] : []
  return {
    provider,
    model,
    messages: [...first, ...messages],
    ...pickTools(spec),
    ...(response_schema ? { response_schema } : {}),
    ...(base_url === undefined ? {} : { base_url }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(options === undefined ? {} : { options }),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(cache ? { cache } : {}),
  }
}
