import { buildDemands, buildPrompt } from '../context/prompt.ts'
import { type Inputs, type StepContext, StepFailure, type StepKind } from '../engine/step.ts'
import { type Message, type MessagePart, type ModelRequest, textOf } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import { renderLiquid } from '../graph/liquid.ts'
import { applyInputRules } from './inputs.ts'
import { isJsonObject, textOfJson } from './read-json.ts'
import { scopeOf } from './scope.ts'
import { askOnce, converse, type ToolLimits, USUAL_TOOL_LIMITS } from './tool-loop.ts'
import { readTyped } from './typed-answer.ts'

type Candidate = AgentSpec['candidates'][number]

/** Failures that no other model would change: the run stops, or the step may call no more. */
const FINAL_CODES = new Set([
  'aborted',
  'cancelled',
  'calls_exhausted',
  'step_diverged',
  'effect_unknown',
  'tool_loop',
  'tool_turns_exhausted',
])
const USUAL_ATTEMPTS = 3

/**
 * Asks a model, and the next candidate when that fails or answers without text. The output is the text of the answer; an answer
 * cut at its token limit stays, with a note. With an `output_schema` the output is the JSON in the answer; a model whose JSON does not
 * follow the schema is asked again with the faults named, `output_attempts` times in all, before it fails as `output_invalid`.
 */
export const agentStep: StepKind = {
  kind: 'agent',
  version: 1,
  async run(step, inputs, ctx) {
    const spec = step.spec as unknown as AgentSpec
    const dialogue = openDialogue(step.id, spec, inputs)
    const failures: { readonly candidate: Candidate; readonly failure: StepFailure }[] = []
    for (const candidate of spec.candidates) {
      recordRoute(ctx, candidate, failures.at(-1))
      try {
        return { output: await askFor(ctx, dialogue, candidate) }
      } catch (failure) {
        if (!(failure instanceof StepFailure) || FINAL_CODES.has(failure.code) || ctx.signal.aborted) throw failure
        failures.push({ candidate, failure })
      }
    }
    const last = failures.at(-1)?.failure
    if (!last) throw new StepFailure('profile_missing', 'the agent has no model to ask')
    const tried = failures.map(
      ({ candidate, failure }) => `${modelOf(candidate)} (${failure.code}: ${failure.message})`,
    )
    const more = last.detail === undefined ? {} : { detail: last.detail }
    throw new StepFailure(last.code, `no model answered: ${tried.join('; ')}`, more)
  },
}

/** What all candidates are asked, and how many calls there were. */
interface Dialogue {
  readonly step: string
  readonly tools: readonly PinnedTool[]
  readonly limits: ToolLimits
  readonly system: string
  /** A system prompt made from a template stands above one of the candidate's own. */
  readonly rendered: boolean
  readonly content: readonly MessagePart[]
  readonly schema: JsonObject | undefined
  readonly attempts: number
  calls: number
}

function openDialogue(step: string, spec: AgentSpec, inputs: Inputs): Dialogue {
  const { template, output_schema: schema, output_attempts: attempts = USUAL_ATTEMPTS } = spec
  return {
    step,
    tools: spec.tools ?? [],
    limits: {
      ...USUAL_TOOL_LIMITS,
      ...(spec.max_turns === undefined ? {} : { turns: spec.max_turns }),
      ...(spec.tool_tokens === undefined ? {} : { tool_tokens: spec.tool_tokens }),
    },
    system: template?.system === undefined ? spec.system : fill(template.system, inputs),
    rendered: template?.system !== undefined,
    content: buildContent(spec, inputs),
    schema,
    attempts: schema ? attempts : 1,
    calls: 0,
  }
}

/** One candidate's answer: its text, or its JSON when a schema is given. */
async function askFor(ctx: StepContext, dialogue: Dialogue, candidate: Candidate): Promise<Json> {
  const { schema, attempts } = dialogue
  const said: Message[] = []
  for (let attempt = 1; ; attempt += 1) {
    const { text, talk } = await ask(ctx, { dialogue, candidate, said })
    if (!schema) return text
    const read = readTyped(text, schema)
    if (read.ok) {
      if (read.repaired) ctx.record('note-written', { about: 'json', repaired: true })
      return read.value
    }
    if (attempt >= attempts) {
      const times = attempts === 1 ? '' : ` after ${attempts} answers`
      throw new StepFailure('output_invalid', `${modelOf(candidate)} gave no valid output${times}: ${read.message}`)
    }
    const again = `That answer cannot be used: ${read.message}.\n\nAnswer again, with nothing but JSON that follows the schema.`
    said.push(
      ...talk,
      { role: 'assistant', content: [{ type: 'text', text }] },
      { role: 'user', content: [{ type: 'text', text: again }] },
    )
  }
}

interface Call {
  readonly dialogue: Dialogue
  readonly candidate: Candidate
  /** What was said after the first prompt. */
  readonly said: readonly Message[]
}

/** The text of an answer, and what was said with tools before it. */
async function ask(
  ctx: StepContext,
  call: Call,
): Promise<{ readonly text: string; readonly talk: readonly Message[] }> {
  const { dialogue, candidate } = call
  const { provider, model } = candidate
  const nextName = () => {
    const name = dialogue.calls === 0 ? 'model' : `model~${dialogue.calls}`
    dialogue.calls += 1
    return name
  }
  const { step, tools, limits } = dialogue
  const request = buildRequest(call)
  const task = { step, request, pool: `provider:${provider}`, card: candidate.card, tools, limits, nextName }
  const { answer, said: talk } = await (tools.length > 0 ? converse(ctx, task) : askOnce(ctx, task))
  const { content: parts, finish } = answer
  const text = textOf(parts)
  if (text.trim() === '')
    throw new StepFailure('empty_answer', `${modelOf(candidate)} answered without text (${finish})`)
  if (finish !== 'stop') ctx.record('note-written', { about: 'finish', finish, provider, model })
  return { text, talk }
}

function buildRequest({ dialogue, candidate, said }: Call): ModelRequest & { readonly timeout_ms?: number } {
  const { provider, model, base_url, temperature, max_tokens, options, timeout_ms } = candidate
  const { schema, content, rendered } = dialogue
  const system = rendered ? dialogue.system : (candidate.system ?? dialogue.system)
  const first: Message[] = system ? [{ role: 'system', content: [{ type: 'text', text: system }] }] : []
  return {
    provider,
    model,
    messages: [...first, { role: 'user', content }, ...said],
    // Providers take only schemas of objects, and many none beside tools; for all others the prompt has to do.
    ...(schema?.['type'] === 'object' && dialogue.tools.length === 0 ? { response_schema: schema } : {}),
    ...(base_url === undefined ? {} : { base_url }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(options === undefined ? {} : { options }),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
  }
}

/** The prompt, then the files that came with the input. */
function buildContent(spec: AgentSpec, inputs: Inputs): readonly MessagePart[] {
  const { input, dependencies } = applyInputRules(spec.rules, inputs)
  const labels = new Map(spec.blocks.map(({ step, label }) => [step, label]))
  const prompt =
    spec.template?.prompt === undefined
      ? buildPrompt({
          title: spec.title,
          ...(input === undefined ? {} : { input: textOfJson(input) }),
          blocks: dependencies.map((outcome) => ({ ...outcome, label: labels.get(outcome.step) ?? outcome.step })),
          ...(spec.material === undefined ? {} : { material: spec.material }),
          ...(spec.instruct === undefined ? {} : { instruct: spec.instruct }),
        })
      : fill(spec.template.prompt, inputs)
  const demands = buildDemands({ repair: spec.repair, schema: spec.output_schema })
  const text = demands === '' ? prompt : `${prompt}\n\n${demands}`
  return [{ type: 'text', text }, ...filesOf(input ?? null)]
}

function fill(template: string, inputs: Inputs): string {
  const rendered = renderLiquid(template, scopeOf(inputs))
  if (!rendered.ok) throw new StepFailure(rendered.code, rendered.message)
  return rendered.value
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
    ...(before ? { from: modelOf(before.candidate), because: before.failure.code } : {}),
  }
  ctx.record('step-routed', facts)
}

function modelOf({ profile, provider, model }: Candidate): string {
  return profile ?? `${provider}/${model}`
}
