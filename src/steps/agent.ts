import { buildPrompt } from '../context/prompt.ts'
import { type Inputs, type StepContext, StepFailure, type StepKind } from '../engine/step.ts'
import { type Message, type MessagePart, type ModelAnswer, type ModelRequest, textOf } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/ensemble-compile.ts'
import { isJsonObject, textOfJson } from './read-json.ts'

type Candidate = AgentSpec['candidates'][number]

/** Failures that no other model would change: the run stops, or the step may call no more. */
const FINAL_CODES = new Set(['aborted', 'cancelled', 'calls_exhausted', 'step_diverged', 'effect_unknown'])

/**
 * Asks a model, and the next candidate when that fails or answers without text. The output is the text of the answer;
 * an answer cut at its token limit stays, with a note.
 */
export const agentStep: StepKind = {
  kind: 'agent',
  version: 1,
  async run(step, inputs, ctx) {
    const spec = step.spec as unknown as AgentSpec
    const content = buildContent(spec, inputs)
    const failures: { readonly candidate: Candidate; readonly failure: StepFailure }[] = []
    for (const [index, candidate] of spec.candidates.entries()) {
      recordRoute(ctx, candidate, failures.at(-1))
      try {
        return { output: await ask(ctx, { name: index === 0 ? 'model' : `model~${index}`, spec, candidate, content }) }
      } catch (failure) {
        if (!(failure instanceof StepFailure) || FINAL_CODES.has(failure.code) || ctx.signal.aborted) throw failure
        failures.push({ candidate, failure })
      }
    }
    const last = failures.at(-1)?.failure
    if (!last) throw new StepFailure('profile_missing', 'the agent has no model to ask')
    const tried = failures.map(({ candidate, failure }) => `${nameOf(candidate)} (${failure.code}: ${failure.message})`)
    const more = last.detail === undefined ? {} : { detail: last.detail }
    throw new StepFailure(last.code, `no model answered: ${tried.join('; ')}`, more)
  },
}

interface Call {
  readonly name: string
  readonly spec: AgentSpec
  readonly candidate: Candidate
  readonly content: readonly MessagePart[]
}

async function ask(ctx: StepContext, { name, spec, candidate, content }: Call): Promise<string> {
  const { provider, model } = candidate
  const request = buildRequest(candidate, candidate.system ?? spec.system, content)
  const answer = await ctx.effect({
    kind: 'model',
    name,
    safety: 'billable',
    pool: `provider:${provider}`,
    request: request as unknown as Json,
  })
  const { content: parts, finish } = answer as unknown as ModelAnswer
  const text = textOf(parts)
  if (text.trim() === '')
    throw new StepFailure('empty_answer', `${nameOf(candidate)} answered without text (${finish})`)
  if (finish !== 'stop') ctx.record('note-written', { about: 'finish', finish, provider, model })
  return text
}

function buildRequest(
  candidate: Candidate,
  system: string | undefined,
  content: readonly MessagePart[],
): ModelRequest & { readonly timeout_ms?: number } {
  const { provider, model, base_url, temperature, max_tokens, options, timeout_ms } = candidate
  const messages: Message[] = [{ role: 'user', content }]
  if (system) messages.unshift({ role: 'system', content: [{ type: 'text', text: system }] })
  return {
    provider,
    model,
    messages,
    ...(base_url === undefined ? {} : { base_url }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(options === undefined ? {} : { options }),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
  }
}

/** The prompt, then the files that came with the input. */
function buildContent(spec: AgentSpec, { input, dependencies }: Inputs): readonly MessagePart[] {
  const labels = new Map(spec.blocks.map(({ step, label }) => [step, label]))
  const text = buildPrompt({
    title: spec.title,
    input: textOfJson(input),
    blocks: dependencies.map((outcome) => ({ ...outcome, label: labels.get(outcome.step) ?? outcome.step })),
    ...(spec.instruct === undefined ? {} : { instruct: spec.instruct }),
  })
  return [{ type: 'text', text }, ...filesOf(input)]
}

/** Files of an input `{text, images | files: [{media_type, data, name?}]}`, `data` in base64. */
function filesOf(input: Json): MessagePart[] {
  if (!isJsonObject(input) || typeof input['text'] !== 'string') return []
  const files = [input['images'], input['files']].flatMap((list): readonly Json[] => (Array.isArray(list) ? list : []))
  return files.flatMap((file): MessagePart[] => {
    if (!isJsonObject(file)) return []
    const { media_type, data, name } = file
    if (typeof media_type !== 'string' || typeof data !== 'string') return []
    return [{ type: 'file', media_type, data, ...(typeof name === 'string' ? { name } : {}) }]
  })
}

function recordRoute(
  ctx: StepContext,
  candidate: Candidate,
  before: { readonly candidate: Candidate; readonly failure: StepFailure } | undefined,
): void {
  const { profile, provider, model } = candidate
  const facts: JsonObject = {
    ...(profile === undefined ? {} : { profile }),
    provider,
    model,
    reason: before ? 'fallback' : 'configured',
    ...(before ? { from: nameOf(before.candidate), because: before.failure.code } : {}),
  }
  ctx.record('step-routed', facts)
}

function nameOf({ profile, provider, model }: Candidate): string {
  return profile ?? `${provider}/${model}`
}
