import { buildContext } from '../context/build.ts'
import { countAtMost, countForms, countMessage, countMessages, textOfPart } from '../context/count.ts'
import { countMessagesAtLeast } from '../context/least.ts'
import { limitOf } from '../context/limit.ts'
import { type BuiltContext, type ContextBudget, type ContextPart, toMessages } from '../context/part.ts'
import type { PromptPiece } from '../context/prompt.ts'
import { tokenizerOf } from '../context/tokenizer.ts'
import { type StepContext, StepFailure } from '../engine/step.ts'
import type { Message, MessagePart, ModelAnswer, ModelRequest } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { FitTask, Fitting } from './fitting.ts'
import { compact } from './summarise.ts'

/** What stays free of the limit when something has to be cut, so that the next requests begin with the same bytes. */
const HEADROOM = 0.2
/** Below this a server's count is not looked at: no window is that small. */
const LEAST_CHECKED = 200

/** A request that fits, as far as is known. */
export interface Fitted {
  readonly request: ModelRequest
  /** A bound for its tokens. */
  readonly tokens: number
}

/**
 * Brings a request within its limit and records what it is made of. What fits is sent as it is. Throws `context_overflow` before any
 * call where nothing more may be left out.
 */
export async function fitRequest(ctx: StepContext, task: FitTask): Promise<Fitted> {
  const { request, course, fitting } = task
  const beside = countForms(request.tools ?? [], request.response_schema)
  const ceiling = limitOf(request, task.card, fitting.rules.budget_tokens)
  const limit = course.ceiling === undefined ? ceiling : Math.min(course.ceiling, ceiling ?? Infinity)
  const messages = course.cut
    ? [...toMessages(course.cut.parts), ...request.messages.slice(course.cut.messages)]
    : request.messages
  const roles = { system: 0, user: 0, assistant: 0, tool: 0 }
  for (const { role, content } of messages) roles[role] += sizeOf(fitting, content)
  const tokens = countMessages([], countAtMost) + beside + roles.system + roles.user + roles.assistant + roles.tool
  const common = { effect: task.effect, messages: messages.length }
  if (limit === undefined || tokens <= limit) {
    const prefix = notePrefix(fitting, request, { messages, beside })
    const facts = { ...common, tokens, ...(limit === undefined ? {} : { limit }), method: 'bounded', prefix }
    const of = Object.fromEntries(Object.entries({ ...roles, beside }).filter(([, size]) => size > 0))
    ctx.record('context-built', { ...facts, of })
    return { request: messages === request.messages ? request : { ...request, messages }, tokens }
  }
  const { messages: fit, manifest, parts } = await cutDown(ctx, task, { limit, beside })
  const prefix = notePrefix(fitting, request, { messages: fit, beside })
  const count = (fate: string) => manifest.parts.filter((part) => part.fate === fate).length
  const facts: JsonObject = {
    ...common,
    messages: fit.length,
    tokens: manifest.tokens_after,
    limit,
    method: manifest.method,
    prefix,
    before: manifest.tokens,
    cut: count('cut'),
    dropped: count('dropped'),
    summarised: count('summarised'),
  }
  ctx.record('context-built', facts, manifest as unknown as Json)
  if (facts['cut'] || facts['dropped'] || facts['summarised']) course.cut = { parts, messages: request.messages.length }
  const bound = countMessages(fit, countAtMost) + beside
  return { request: { ...request, messages: fit }, tokens: bound }
}

function sizeOf({ sizes }: Fitting, content: readonly MessagePart[]): number {
  let size = sizes.get(content)
  if (size === undefined) {
    size = countMessage(content, countAtMost)
    sizes.set(content, size)
  }
  return size
}

async function cutDown(
  ctx: StepContext,
  task: FitTask,
  { limit, beside }: { readonly limit: number; readonly beside: number },
): Promise<Extract<BuiltContext, { ok: true }>> {
  const { fitting, request } = task
  const { overflow = 'truncate' } = fitting.rules
  const parts = listParts(task)
  const usual: ContextBudget = { limit, beside, dedupe: false, headroom: Math.floor(limit * HEADROOM) }
  const exact = await countExactly(ctx, task, parts)
  const budget = exact ? { ...usual, exact } : usual
  const built =
    overflow === 'summarise'
      ? await compact(ctx, task, { parts, budget })
      : buildContext(parts, { ...budget, overflow })
  if (built.ok) return built
  const hint = fitting.rules.budget_tokens === limit ? 'its budget of context' : `what ${request.model} can read`
  throw new StepFailure('context_overflow', `the request is longer than ${hint}: ${built.message}`)
}

/** The conversation in parts: what was cut before as it was sent, the prompt in its pieces, everything else by message. */
function listParts({ course, request }: FitTask): readonly ContextPart[] {
  const begun = course.cut?.messages ?? 0
  const parts = request.messages.slice(begun).flatMap((message, at): readonly ContextPart[] => {
    const { role, content } = message
    if (message === course.prompt) return listPieces(message, course.pieces())
    const name = role === 'system' ? 'system' : `${role} ${begun + at + 1}`
    return [{ name, role, content }]
  })
  return [...(course.cut?.parts ?? []), ...parts]
}

function listPieces({ role, content }: Message, pieces: readonly PromptPiece[]): readonly ContextPart[] {
  const others = content.slice(1)
  const texts = pieces.map(({ text, name }, at): ContextPart => {
    const common = { role, content: [{ type: 'text' as const, text }], ...(at === 0 ? {} : { joined: true }) }
    return name === undefined ? { ...common, name: 'prompt', pin: true } : { ...common, name, group: 'retrieved' }
  })
  return others.length === 0 ? texts : [...texts, { name: 'files', role, content: others, joined: true, pin: true }]
}

/** Where the model's tokenizer is known: counts by it. Where that cannot be had, the bounds have to do. */
async function countExactly(
  ctx: StepContext,
  { fitting: { exact }, request, effect }: FitTask,
  parts: readonly ContextPart[],
): Promise<ReadonlyMap<string, number> | undefined> {
  if (!tokenizerOf(request.model)) return undefined
  const all = parts.flatMap(({ content }) => content.map(textOfPart))
  const texts = [...new Set(all)].filter((text) => text !== '' && !exact.has(text))
  exact.set('', 0)
  if (texts.length === 0) return exact
  try {
    const ask = { kind: 'count', name: `count:${effect}`, safety: 'pure', request: { texts } } as const
    const { tokens } = (await ctx.effect(ask)) as { readonly tokens: readonly number[] }
    for (const [at, text] of texts.entries()) exact.set(text, tokens[at] as number)
    return exact
  } catch (failure) {
    if (!(failure instanceof StepFailure) || failure.code !== 'no_executor') throw failure
    return undefined
  }
}

/** Tokens at the beginning that the request before had, too: a provider may have them in its cache. */
function notePrefix(
  fitting: Fitting,
  request: ModelRequest,
  { messages, beside }: { readonly messages: readonly Message[]; readonly beside: number },
): number {
  const model = `${request.provider}/${request.model}`
  const tools = (request.tools ?? []).map(({ name }) => name).join(' ')
  const before = fitting.sent
  fitting.sent = { model, tools, messages, count: messages.length }
  if (!before || before.model !== model || before.tools !== tools) return 0
  let tokens = beside
  for (const [at, { role, content }] of messages.entries()) {
    const other = before.messages[at]
    if (at >= before.count || !other || other.role !== role || !isSame(other.content, content)) break
    tokens += sizeOf(fitting, content)
  }
  return tokens
}

function isSame(a: readonly MessagePart[], b: readonly MessagePart[]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** A server that says it has read less than there must be in the request has cut it, and its answer is to something else. */
export function checkRead(
  ctx: StepContext,
  answer: ModelAnswer,
  { fitting, fitted }: { readonly fitting: Fitting; readonly fitted: Fitted },
): void {
  const counted = answer.usage.input
  // Nothing, or zero: it has not counted.
  if (!counted || counted >= fitted.tokens) return
  const expected = countMessagesAtLeast(fitted.request.messages)
  if (expected < LEAST_CHECKED || counted >= expected) return
  const { provider, model } = fitted.request
  if (fitting.rules.silent_cut === 'note') {
    ctx.record('note-written', { about: 'context_cut', expected, counted, provider, model })
    return
  }
  throw new StepFailure(
    'context_cut',
    `${provider} says that ${model} has read ${counted} tokens, but it was sent at least ${expected}: it cut the prompt without saying so`,
  )
}
