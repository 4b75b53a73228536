import { buildContext } from '../context/build.ts'
import { countAtMost, countMessage, textOfPart } from '../context/count.ts'
import type { BuiltContext, ContextBudget, ContextPart, ManifestEntry } from '../context/part.ts'
import { type StepContext, StepFailure } from '../engine/step.ts'
import { type ModelAnswer, type ModelRequest, textOf } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import type { FitTask } from './fitting.ts'
import { needOf } from './need.ts'

/** Summaries that one step may make. */
const MOST = 2
/** A summary that is not shorter by this much is not worth its call. */
const SHRINKS = 0.2
/** Part of the limit that a summary may take, and its bounds in tokens. */
const SHARE = 0.15
const LEAST_TOKENS = 64
const MOST_TOKENS = 2_000

const SYSTEM =
  'You shorten the record of a piece of work, so that somebody can go on with it who has not seen the record. Keep what was asked, what was found and decided, names, numbers and what is still open. Write no introduction and no comment.'

/**
 * Puts a summary, made by the model that is asked, in the place of what would not fit. At most twice in a step, and each time it has to
 * get shorter by a fifth; otherwise the request does not fit.
 */
export async function compact(
  ctx: StepContext,
  task: FitTask,
  { parts: given, budget }: { readonly parts: readonly ContextPart[]; readonly budget: ContextBudget },
): Promise<BuiltContext> {
  let parts = given
  const summarised: ManifestEntry[] = []
  for (;;) {
    const cut = buildContext(parts, budget)
    if (!cut.ok) return cut
    const fates = cut.manifest.parts
    const lost = findLost(parts, fates)
    if (lost.length === 0)
      return { ...cut, manifest: { ...cut.manifest, parts: [...summarised, ...cut.manifest.parts] } }
    const refusal = { ok: false, code: 'context_overflow', manifest: cut.manifest } as const
    if (task.fitting.compactions >= MOST)
      return { ...refusal, message: `${MOST} summaries have been made, and it has grown too long again` }
    const text = await summarise(ctx, task, { lost, limit: budget.limit })
    const before = lost.reduce((sum, { content }) => sum + countMessage(content, countAtMost), 0)
    const next = replace(parts, lost, text)
    const after = countMessage([{ type: 'text', text }], countAtMost)
    if (after > before * (1 - SHRINKS))
      return { ...refusal, message: `a summary of ${before} tokens took ${after}, which is not short enough` }
    for (const [at, entry] of fates.entries())
      if (lost.includes(parts[at] as ContextPart))
        summarised.push({ ...entry, fate: 'summarised', tokens_after: 0, why: 'no_room' })
    parts = next
  }
}

/** What was to be cut or dropped; of a call and its result both. */
function findLost(parts: readonly ContextPart[], fates: readonly ManifestEntry[]): readonly ContextPart[] {
  const lost = new Set(parts.filter((_, at) => fates[at]?.fate === 'cut' || fates[at]?.fate === 'dropped'))
  const ids = new Set<string>()
  for (let before = -1; before < lost.size; ) {
    before = lost.size
    for (const part of lost) for (const id of callsOf(part)) ids.add(id)
    for (const part of parts) if (callsOf(part).some((id) => ids.has(id))) lost.add(part)
  }
  return parts.filter((part) => lost.has(part))
}

function callsOf({ content }: ContextPart): readonly string[] {
  return content.flatMap((part) => (part.type === 'tool-call' || part.type === 'tool-result' ? [part.id] : []))
}

/** The first of the lost parts becomes the summary; the others go. */
function replace(parts: readonly ContextPart[], lost: readonly ContextPart[], text: string): readonly ContextPart[] {
  const [first] = lost
  return parts.flatMap((part): readonly ContextPart[] => {
    if (!lost.includes(part)) return [part]
    if (part !== first) return []
    const content = [{ type: 'text' as const, text: `[Summary of what stood here]\n${text}` }]
    const summary: ContextPart = { name: 'summary', role: 'user', content, priority: 1 }
    return [part.joined ? { ...summary, joined: true, group: 'retrieved' } : summary]
  })
}

async function summarise(
  ctx: StepContext,
  { fitting, request, card, pool }: FitTask,
  { lost, limit }: { readonly lost: readonly ContextPart[]; readonly limit: number },
): Promise<string> {
  const effect = fitting.compactions === 0 ? 'summary' : `summary~${fitting.compactions}`
  fitting.compactions += 1
  const wanted = Math.min(MOST_TOKENS, Math.max(LEAST_TOKENS, Math.floor(limit * SHARE)))
  const max_tokens = Math.min(wanted, request.max_tokens ?? wanted)
  const material = lost.map(describe).join('\n\n')
  const built = buildContext(
    [
      { name: 'system', role: 'system', content: [{ type: 'text', text: SYSTEM }] },
      { name: 'prompt', role: 'user', content: [{ type: 'text', text: 'The record:\n\n' }] },
      { name: 'record', role: 'user', content: [{ type: 'text', text: material }], joined: true, group: 'retrieved' },
    ],
    { limit },
  )
  if (!built.ok) throw new StepFailure('context_overflow', `there is no room for a summary: ${built.message}`)
  const { tools: _, response_schema: __, ...settings } = request
  const asked: ModelRequest = { ...settings, messages: built.messages, max_tokens }
  const { tokens, tokens_after, method } = built.manifest
  ctx.record('context-built', { effect, messages: 2, tokens: tokens_after, limit, method, prefix: 0, before: tokens })
  const answer = await ctx.effect({
    kind: 'model',
    name: effect,
    safety: 'billable',
    pool,
    request: asked as unknown as Json,
    need: needOf(asked, card),
  })
  const text = textOf((answer as unknown as ModelAnswer).content).trim()
  if (text === '') throw new StepFailure('context_overflow', `${request.model} was to summarise and said nothing`)
  return text
}

function describe({ role, content, name }: ContextPart): string {
  const lines = content.map((part) =>
    part.type === 'tool-call' ? `called ${part.name} with ${part.arguments}` : textOfPart(part),
  )
  return `${role === 'user' ? name : role}: ${lines.join('\n')}`
}
