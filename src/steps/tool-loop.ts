import { type StepContext, StepFailure } from '../engine/step.ts'
import { canonicalJson } from '../events/canonical.ts'
import { type Message, type MessagePart, type ModelAnswer, type ModelRequest, textOf } from '../events/messages.ts'
import type { ModelCard } from '../events/model-card.ts'
import type { Need } from '../events/money.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json } from '../events/values.ts'
import { checkRead, fitRequest } from './fit.ts'
import type { Course, Fitting } from './fitting.ts'
import { needFor, needOf } from './need.ts'
import { SHRINK } from './recovery.ts'
import { type CheckedCall, readCalls } from './tool-calls.ts'
import { describeCall } from './tool-effect.ts'
import { SHARE_SOURCE, shareTools, type ToolShare, USUAL_TOOL_BUDGET } from './tool-share.ts'

/** What ends a conversation with tools that does not end by itself. */
export type ToolLimits = {
  /** Answers of the model in all. */
  readonly turns: number
  /** Times the same call may give the same result. */
  readonly repeats: number
  /** Tokens that the descriptions of tools may take of what the model reads; above it the model searches for them. */
  readonly tool_tokens?: number
}

export const USUAL_TOOL_LIMITS: ToolLimits = { turns: 25, repeats: 3 }

export interface ToolTask {
  readonly step: string
  readonly request: ModelRequest
  readonly pool: string
  /** What is known of the model that is asked. */
  readonly card?: ModelCard | undefined
  readonly tools: readonly PinnedTool[]
  readonly limits: ToolLimits
  /** Fits every request to what the model can read; without it requests are sent as they are. */
  readonly fit?: { readonly fitting: Fitting; readonly course: Course }
  /** Names the next model call of the step. */
  nextName(): string
}

/** The answer that ended it, and what was said between the request and it. */
export interface Conversation {
  readonly answer: ModelAnswer
  readonly said: readonly Message[]
}

/** Longest result a model is shown, in characters; the whole of it stands in the journal. */
const SHOWN = 60_000

/** Failures that end the step; all others are told to the model, which may do better. */
const FINAL_CODES = new Set(['aborted', 'calls_exhausted', 'step_diverged'])

/**
 * Lets a model answer with the help of tools: ask, call, tell the results, ask again, until it answers without a call. Every call is an
 * effect of its own and every call gets exactly one result, in the order in which they were made. What is cut off, unknown or not
 * valid is never executed, and the model is told why.
 */
export async function converse(ctx: StepContext, task: ToolTask): Promise<Conversation> {
  const said: Message[] = [...task.request.messages]
  const repeats = new Map<string, number>()
  const used = new Set<string>()
  let heard = 0
  for (let turn = 1; ; turn += 1) {
    const share = shareTools(task.tools, said, task.limits.tool_tokens ?? USUAL_TOOL_BUDGET)
    const answer = await askModel(ctx, task, { messages: said, tools: share.shown })
    const calls = readCalls(answer, share.shown, used)
    if (calls.length === 0) return { answer, said: said.slice(task.request.messages.length) }
    if (turn >= task.limits.turns)
      throw new StepFailure('tool_turns_exhausted', `the model still wanted tools after ${turn} answers`, {
        output: textOf(answer.content),
      })
    // A call and its result stand or fall together: nothing is kept of an answer before all its results are there.
    const results = await Promise.all(calls.map((call) => perform(ctx, { task, share, call })))
    said.push({ role: 'assistant', content: withIds(answer.content, calls) }, { role: 'tool', content: results })
    for (const [index, call] of calls.entries())
      countRepeat(repeats, { call, result: results[index] as Result, most: task.limits.repeats })
    heard = await listen(ctx, said, heard)
  }
}

/** The same without tools: one question, one answer. */
export function askOnce(ctx: StepContext, task: ToolTask): Promise<ModelAnswer> {
  return askModel(ctx, task, { messages: task.request.messages, tools: task.tools })
}

type Result = MessagePart & { readonly type: 'tool-result' }

async function askModel(
  ctx: StepContext,
  task: ToolTask,
  { messages, tools: shown }: { readonly messages: readonly Message[]; readonly tools: readonly PinnedTool[] },
): Promise<ModelAnswer> {
  const tools = shown.map(({ name, description, input_schema }) => ({ name, description, input_schema }))
  const request: ModelRequest = { ...task.request, messages, ...(tools.length > 0 ? { tools } : {}) }
  if (!task.fit) return send(ctx, task, { name: task.nextName(), request, need: needOf(request, task.card) })
  const { fitting, course } = task.fit
  let refused: StepFailure | undefined
  for (let shrunk = 0; ; shrunk += 1) {
    const name = task.nextName()
    const fitted = await fitRequest(ctx, { ...task, fitting, course, request, effect: name }).catch(
      (failure: unknown) => {
        // Nothing is left that could go: the server's own word says more.
        throw refused && failure instanceof StepFailure && failure.code === refused.code ? refused : failure
      },
    )
    const need = needFor(fitted.tokens, request.max_tokens, task.card)
    try {
      const answer = await send(ctx, task, { name, request: fitted.request, need })
      checkRead(ctx, answer, { fitting, fitted })
      return answer
    } catch (failure) {
      const isTooLong = failure instanceof StepFailure && failure.code === 'context_overflow'
      if (!isTooLong || shrunk >= SHRINK.times || fitting.rules.overflow === 'fail') throw failure
      refused = failure
      // The server knows better than we do what it can read.
      course.ceiling = Math.floor(fitted.tokens * SHRINK.by)
      ctx.record('note-written', { about: 'recovery', code: failure.code, action: 'shrink' })
    }
  }
}

function send(
  ctx: StepContext,
  { pool }: ToolTask,
  { name, request, need }: { readonly name: string; readonly request: ModelRequest; readonly need: Need },
): Promise<ModelAnswer> {
  return ctx.effect({
    kind: 'model',
    name,
    safety: 'billable',
    pool,
    request: request as unknown as Json,
    need,
  }) as Promise<unknown> as Promise<ModelAnswer>
}

async function perform(
  ctx: StepContext,
  { task, share, call }: { readonly task: ToolTask; readonly share: ToolShare; readonly call: CheckedCall },
): Promise<Result> {
  const { id, name } = call
  if ('refused' in call) {
    const output = share.isHidden(name) ? `${name} has to be loaded before it is called` : call.refused
    return { type: 'tool-result', id, name, output, failed: true }
  }
  const { tool } = call
  if (tool.source === SHARE_SOURCE) return { type: 'tool-result', id, name, output: share.answer(tool, call.arguments) }
  try {
    const output = await ctx.effect(describeCall({ tool, arguments: call.arguments, id, step: task.step }))
    return { type: 'tool-result', id, name, output: shorten(output) }
  } catch (failure) {
    if (!(failure instanceof StepFailure) || FINAL_CODES.has(failure.code) || ctx.signal.aborted) throw failure
    const { code, message, detail } = failure
    return {
      type: 'tool-result',
      id,
      name,
      output: { error: code, message, ...(detail ? { detail } : {}) },
      failed: true,
    }
  }
}

/** The answer as it goes back to the model: calls under the ids their results carry. */
function withIds(content: readonly MessagePart[], calls: readonly CheckedCall[]): readonly MessagePart[] {
  let next = 0
  return content.map((part) => (part.type === 'tool-call' ? { ...part, id: (calls[next++] as CheckedCall).id } : part))
}

/** The same call with the same result, again and again, leads nowhere. */
function countRepeat(
  repeats: Map<string, number>,
  { call, result, most }: { readonly call: CheckedCall; readonly result: Result; readonly most: number },
): void {
  const given = 'refused' in call ? call.raw : call.arguments
  const key = canonicalJson([call.name, given, result.output])
  const count = (repeats.get(key) ?? 0) + 1
  repeats.set(key, count)
  if (count >= most)
    throw new StepFailure(
      'tool_loop',
      `the model called ${call.name} ${count} times with the same arguments and the same result`,
    )
}

/** What people have said to the step in the meantime is put before the model's next turn. */
async function listen(ctx: StepContext, said: Message[], heard: number): Promise<number> {
  const answer = await ctx.effect({ kind: 'steer', safety: 'pure', request: { after: heard } })
  const { messages, after } = answer as unknown as { messages: readonly string[]; after: number }
  for (const text of messages) said.push({ role: 'user', content: [{ type: 'text', text }] })
  return after
}

function shorten(output: Json): Json {
  const text = typeof output === 'string' ? output : canonicalJson(output)
  if (text.length <= SHOWN) return output
  const half = SHOWN / 2
  return `${text.slice(0, half).toWellFormed()}\n[${text.length - SHOWN} characters left out]\n${text.slice(-half).toWellFormed()}`
}
