import { countRequestAtMost } from '../context/count.ts'
import { buildDemands, buildPromptPieces, type PromptPiece } from '../context/prompt.ts'
import { type Inputs, type StepContext, StepFailure, type StepKind, type StepView } from '../engine/step.ts'
import type { CacheAsk } from '../events/cache-ask.ts'
import { type Message, type MessagePart, type ModelRequest, textOf } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import { renderLiquid } from '../graph/liquid.ts'
import { type Course, type Fitting, openFitting } from './fitting.ts'
import { applyInputRules } from './inputs.ts'
import { isJsonObject, textOfJson } from './read-json.ts'
import { scopeOf } from './scope.ts'
import { askOnce, converse, type ToolLimits, USUAL_TOOL_LIMITS } from './tool-loop.ts'
import { modelOf, tryCandidates } from './try-candidates.ts'
import { readTyped } from './typed-answer.ts'

type Candidate = AgentSpec['candidates'][number]

const USUAL_ATTEMPTS = 3

/**
 * Asks a model, and the next candidate when that fails or answers without text. The output is the text of the answer; an answer
 * cut at its token limit stays, with a note. With an `output_schema` the output is the JSON in the answer; a model whose JSON does not
 * follow the schema is asked again with the faults named, `output_attempts` times in all, before it fails as `output_invalid`.
 */
export const agentStep: StepKind = {
  kind: 'agent',
  version: 3,
  run: async (step, inputs, ctx) => ({ output: await askAny(ctx, step, openDialogue(step, inputs)) }),
  older: {
    // Asked the next model by the order of the choice, whatever had helped before.
    2: async (step, inputs, ctx) => ({
      output: await askAny(ctx, step, { ...openDialogue(step, inputs), learns: false }),
    }),
    // Sent every request as it was, too, whatever the model could read.
    1: async (step, inputs, ctx) => ({
      output: await askAny(ctx, step, { ...openDialogue(step, inputs), learns: false, fitting: undefined }),
    }),
  },
}

function askAny(ctx: StepContext, step: StepView, dialogue: Dialogue): Promise<Json> {
  const { candidates } = step.spec as unknown as AgentSpec
  const given = { candidates, countInput: () => countDialogue(dialogue), learns: dialogue.learns }
  return tryCandidates(ctx, given, (candidate) => askFor(ctx, dialogue, candidate))
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
  readonly prompt: Message
  pieces(): readonly PromptPiece[]
  /** Absent in runs that were begun before requests were fitted. */
  readonly fitting: Fitting | undefined
  readonly schema: JsonObject | undefined
  readonly attempts: number
  readonly cache: CacheAsk | undefined
  /** False in runs that were begun before fallbacks were learned. */
  readonly learns: boolean
  calls: number
}

function openDialogue({ id, spec: settings }: StepView, inputs: Inputs): Dialogue {
  const spec = settings as unknown as AgentSpec
  const content = buildContent(spec, inputs)
  const { template, output_schema: schema, output_attempts: attempts = USUAL_ATTEMPTS } = spec
  return {
    step: id,
    tools: spec.tools ?? [],
    limits: {
      ...USUAL_TOOL_LIMITS,
      ...(spec.max_turns === undefined ? {} : { turns: spec.max_turns }),
      ...(spec.tool_tokens === undefined ? {} : { tool_tokens: spec.tool_tokens }),
    },
    system: template?.system === undefined ? spec.system : fill(template.system, inputs),
    rendered: template?.system !== undefined,
    content,
    prompt: { role: 'user', content },
    pieces: () => listPieces(spec, inputs),
    fitting: openFitting(spec.context),
    schema,
    attempts: schema ? attempts : 1,
    cache: spec.cache,
    learns: true,
    calls: 0,
  }
}

/** One candidate's answer: its text, or its JSON when a schema is given. */
async function askFor(ctx: StepContext, dialogue: Dialogue, candidate: Candidate): Promise<Json> {
  const { schema, attempts } = dialogue
  const said: Message[] = []
  const course: Course = { prompt: dialogue.prompt, pieces: dialogue.pieces }
  for (let attempt = 1; ; attempt += 1) {
    const { text, talk } = await ask(ctx, { dialogue, candidate, course, said })
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
  readonly course: Course
  /** What was said after the first prompt. */
  readonly said: readonly Message[]
}

/** The text of an answer, and what was said with tools before it. */
async function ask(
  ctx: StepContext,
  call: Call,
): Promise<{ readonly text: string; readonly talk: readonly Message[] }> {
  const { dialogue, candidate, course } = call
  const { provider, model } = candidate
  const nextName = () => {
    const name = dialogue.calls === 0 ? 'model' : `model~${dialogue.calls}`
    dialogue.calls += 1
    return name
  }
  const { step, tools, limits, fitting } = dialogue
  const request = buildRequest(call)
  const common = { step, request, pool: `provider:${provider}`, card: candidate.card, tools, limits, nextName }
  const task = fitting ? { ...common, fit: { fitting, course } } : common
  const { answer, said: talk } =
    tools.length > 0 ? await converse(ctx, task) : { answer: await askOnce(ctx, task), said: [] }
  const { content: parts, finish } = answer
  const text = textOf(parts)
  if (text.trim() === '')
    throw new StepFailure('empty_answer', `${modelOf(candidate)} answered without text (${finish})`)
  if (finish !== 'stop') ctx.record('note-written', { about: 'finish', finish, provider, model })
  return { text, talk }
}

function buildRequest({
  dialogue,
  candidate,
  said,
}: Omit<Call, 'course'>): ModelRequest & { readonly timeout_ms?: number; readonly cache?: CacheAsk } {
  const { provider, model, base_url, temperature, max_tokens, options, timeout_ms } = candidate
  const { schema, rendered, cache } = dialogue
  const system = rendered ? dialogue.system : (candidate.system ?? dialogue.system)
  const first: Message[] = system ? [{ role: 'system', content: [{ type: 'text', text: system }] }] : []
  return {
    provider,
    model,
    messages: [...first, dialogue.prompt, ...said],
    // Providers take only schemas of objects, and many none beside tools; for all others the prompt has to do.
    ...(schema?.['type'] === 'object' && dialogue.tools.length === 0 ? { response_schema: schema } : {}),
    ...(base_url === undefined ? {} : { base_url }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(options === undefined ? {} : { options }),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(cache ? { cache } : {}),
  }
}

/** The prompt, then the files that came with the input. */
function buildContent(spec: AgentSpec, inputs: Inputs): readonly MessagePart[] {
  const { input } = applyInputRules(spec.rules, inputs)
  const text = listPieces(spec, inputs)
    .map((piece) => piece.text)
    .join('')
  return [{ type: 'text', text }, ...filesOf(input ?? null)]
}

function listPieces(spec: AgentSpec, inputs: Inputs): readonly PromptPiece[] {
  const { input, dependencies } = applyInputRules(spec.rules, inputs)
  const labels = new Map(spec.blocks.map(({ step, label }) => [step, label]))
  const prompt =
    spec.template?.prompt === undefined
      ? buildPromptPieces({
          title: spec.title,
          ...(input === undefined ? {} : { input: textOfJson(input) }),
          blocks: dependencies.map((outcome) => ({ ...outcome, label: labels.get(outcome.step) ?? outcome.step })),
          ...(spec.material === undefined ? {} : { material: spec.material }),
          ...(spec.instruct === undefined ? {} : { instruct: spec.instruct }),
        })
      : [{ text: fill(spec.template.prompt, inputs) }]
  const demands = buildDemands({ repair: spec.repair, schema: spec.output_schema })
  return demands === '' ? prompt : [...prompt, { text: `\n\n${demands}` }]
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

/** At most so many tokens are asked at first. */
function countDialogue({ system, content, tools }: Dialogue): number {
  const messages: Message[] = [
    { role: 'system', content: [{ type: 'text', text: system }] },
    { role: 'user', content },
  ]
  return countRequestAtMost({ provider: '', model: '', messages, tools })
}
