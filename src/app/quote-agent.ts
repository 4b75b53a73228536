import { countRequestAtMost } from '../context/count.ts'
import { buildDemands, buildPrompt } from '../context/prompt.ts'
import type { ModelRequest } from '../events/messages.ts'
import { type ModelCard, priceUsage } from '../events/model-card.ts'
import { priceOf } from '../events/money.ts'
import type { Json } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { Candidate } from '../graph/candidates.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { needFor } from '../steps/need.ts'
import { addReadings, type Figures, multiply, NO_FIGURES, type Reading, type Unbounded } from './quote-figures.ts'
import { cardOf, type QuoteMeans, readText, type StepQuote } from './quote-means.ts'
import { medianOf, type PastCalls } from './quote-past.ts'

/** An agent, and what it is given to read beside its own prompt. */
export interface AgentWork {
  readonly step: GraphStep
  /** Where it stands, without numbers. */
  readonly place: string
  /** Absent when its rules leave it out. */
  readonly input?: Reading
  readonly dependencies: readonly Reading[]
  readonly means: QuoteMeans
}

/**
 * A token of one model's answer, read by another or counted without a tokenizer, is at most so many: no usual writing takes more
 * than 20 characters of ASCII, or four of the widest scripts, to a token.
 */
const READ_AGAIN = 8
/** Why another step failed, or what is wrong with an answer, in tokens. */
const EXPLANATION = 1_000
/** Headings and fences around each thing that is read. */
const FRAME = 32
const USUAL_ANSWER = 400
const USUAL_CALL_MS = 5_000
/** How long an executor waits for one answer when nothing says otherwise. */
const LONGEST_CALL_MS = 600_000
/** Tags of a template that show nothing twice. */
const PLAIN_TAGS = /\{%-?\s*(?:if|elsif|else|endif|unless|endunless|case|when|endcase|comment|endcomment|raw|endraw)\b/g

/** What one agent takes: its candidates, answers asked for again, tries, attempts, up to the calls that one step may make. */
export function quoteAgent(work: AgentWork): StepQuote {
  const { step, place } = work
  const spec = step.spec as unknown as AgentSpec
  const models = spec.candidates.map((candidate) => openModel(work, candidate))
  const calls = models.flatMap((model) => listCalls(work, model))
  const [first] = models
  const { figures: expected, basis } = expect(work, models)
  const output = { least: 0, expected: expectOutput(work, first), ...answerOf(models) }
  return {
    id: place,
    kind: step.kind,
    ...(first ? { model: first.name } : {}),
    bounds: { least: findLeast(work, models), expected, worst: findWorst(work, calls) },
    output,
    unbounded: explain(place, models, { work, calls }),
    basis,
  }
}

interface Model {
  readonly name: string
  readonly candidate: Candidate
  readonly card: ModelCard | undefined
  /** Tokens of the longest answer. */
  readonly output: number
  /** What the first request holds at most, and why that is not known. */
  readonly input: Reading
  /** Requests are cut or refused above it. */
  readonly window: number
}

function openModel(work: AgentWork, candidate: Candidate): Model {
  const spec = work.step.spec as unknown as AgentSpec
  const card = cardOf(candidate, work.means)
  // A summary is made of what is above the agent's own limit.
  const { budget_tokens = Infinity, overflow } = spec.context ?? {}
  const own = overflow === 'summarise' ? Infinity : budget_tokens
  const window = Math.min(card?.max_input ?? Infinity, card?.context_window ?? Infinity, own)
  const output = candidate.max_tokens ?? card?.max_output ?? card?.context_window ?? Infinity
  const request = makeRequest(spec, candidate)
  const words = readText(
    request.messages.flatMap(({ content }) => content.map((part) => ('text' in part ? part.text : ''))).join(' '),
  )
  const known = { least: words.least, expected: words.expected, worst: countRequestAtMost(request) }
  const input = addReadings([known, ...readings(work, spec)])
  return { name: `${candidate.provider}/${candidate.model}`, candidate, card, output, input, window }
}

/** The first request, without what nobody knows yet. */
function makeRequest(spec: AgentSpec, candidate: Candidate): ModelRequest {
  const { template, blocks, title, material, instruct, repair, output_schema: schema, tools = [] } = spec
  const system = template?.system ?? candidate.system ?? spec.system
  const empty = blocks.map(({ label }) => ({ label, status: 'succeeded' as const, output: '' }))
  const prompt =
    template?.prompt ??
    buildPrompt({
      title,
      input: '',
      blocks: empty,
      ...(material ? { material } : {}),
      ...(instruct ? { instruct } : {}),
    })
  const text = `${prompt}\n\n${buildDemands({ repair, schema })}`
  return {
    provider: candidate.provider,
    model: candidate.model,
    messages: [
      { role: 'system', content: [{ type: 'text', text: system }] },
      { role: 'user', content: [{ type: 'text', text }] },
    ],
    ...(schema ? { response_schema: schema } : {}),
    ...(tools.length > 0
      ? { tools: tools.map(({ name, description, input_schema }) => ({ name, description, input_schema })) }
      : {}),
  }
}

/** What it is given: each part once in an ordinary prompt, in a template as often as that names it. */
function readings({ input, dependencies }: AgentWork, spec: AgentSpec): readonly Reading[] {
  const told = dependencies.map((reading) => ({
    ...reading,
    worst: Math.max(reading.worst, EXPLANATION) + FRAME,
    expected: reading.expected + FRAME / 2,
  }))
  const own = input ? [{ ...input, worst: input.worst + FRAME }] : []
  if (spec.template?.prompt === undefined && spec.template?.system === undefined) return [...own, ...told]
  const text = [spec.template.system, spec.template.prompt].join(' ')
  if (text.replaceAll(PLAIN_TAGS, '').includes('{%')) {
    const why = 'its template repeats what it reads'
    return [{ least: 0, expected: addReadings([...own, ...told]).expected, worst: Infinity, why }]
  }
  const plain = spec.template.prompt === undefined ? [...own, ...told] : []
  return [...plain, ...shownBy(text, 'input', own), ...shownBy(text, 'steps', told)]
}

function shownBy(text: string, word: string, parts: readonly Reading[]): readonly Reading[] {
  const times = text.match(new RegExp(`\\b${word}\\b`, 'g'))?.length ?? 0
  if (times === 0 || parts.length === 0) return []
  const longest = parts.reduce((most, part) => (part.worst > most.worst ? part : most))
  const expected = Math.min(times, parts.length) * (addReadings(parts).expected / parts.length)
  return [{ ...longest, least: 0, expected, worst: multiply(longest.worst, times) }]
}

/** One request that may be made, at its worst. */
interface WorstCall {
  readonly cost: number
  readonly tokens: number
  readonly ms: number
}

/** Every different request that a model may get, without repetitions. */
function listCalls({ step, means }: AgentWork, model: Model): readonly WorstCall[] {
  const spec = step.spec as unknown as AgentSpec
  const { candidate, card, input, output, window } = model
  const ms = candidate.timeout_ms ?? LONGEST_CALL_MS
  const price = (tokens: number): WorstCall => {
    const read = Math.min(tokens, window)
    return { cost: priceCall(card, read, output), tokens: read + output, ms }
  }
  // A talk with tools grows with what they answer, and a summary is asked for before what it is for.
  const grows = (spec.tools?.length ?? 0) > 0 || spec.context?.overflow === 'summarise'
  if (grows) return Array.from({ length: means.limits.calls_per_step }, () => price(Infinity))
  const answers = spec.output_schema ? (spec.output_attempts ?? 3) : 1
  const more = output * READ_AGAIN + EXPLANATION
  return Array.from({ length: answers }, (_, before) => price(input.worst + multiply(more, before)))
}

function priceCall(card: ModelCard | undefined, input: number, output: number): number {
  if (!card?.prices) return Infinity
  if (Number.isFinite(input) && Number.isFinite(output)) return priceOf(needFor(input, output, card), output).cost
  const { prices } = card
  return [prices, ...(prices.above ?? [])].every((rate) => rate.input === 0 && rate.output === 0) ? 0 : Infinity
}

/** The dearest calls, each as often as it may be tried, as many as the step may make. */
function findWorst({ step, means }: AgentWork, calls: readonly WorstCall[]): Figures {
  const { tries, calls_per_step, backoff_cap_ms } = means.limits
  const attempts = step.retry?.attempts ?? 1
  const times = tries * attempts
  const most = Math.min(calls_per_step, calls.length * times)
  const sum = (amounts: readonly number[]) => {
    const sorted = amounts.flatMap((amount) => Array.from({ length: times }, () => amount)).sort((a, b) => b - a)
    return sorted.slice(0, most).reduce((total, amount) => total + amount, 0)
  }
  const spec = step.spec as unknown as AgentSpec
  const waits = Math.max(0, most - 1) * backoff_cap_ms + (attempts - 1) * (step.retry?.delay_ms ?? 0)
  const talk = sum(calls.map(({ ms }) => ms)) + waits
  // Nobody knows how long a tool takes.
  const whole = (spec.tools?.length ?? 0) > 0 ? Infinity : talk
  const limit = step.timeout_ms === undefined ? Infinity : step.timeout_ms * attempts + waits
  const ms = Math.min(whole, limit)
  return {
    cost: sum(calls.map(({ cost }) => cost)),
    tokens: sum(calls.map(({ tokens }) => tokens)),
    calls: most,
    ms,
    busy: ms,
  }
}

/** One call, of the model that takes least, with as good as no answer. */
function findLeast({ step, place, means }: AgentWork, models: readonly Model[]): Figures {
  const { cache } = step.spec
  if (models.length === 0 || (cache !== undefined && cache !== 'off')) return NO_FIGURES
  const input = Math.min(...models.map((model) => Math.min(model.input.least, model.window)))
  const cost = Math.min(...models.map(({ card }) => leastPrice(card, input)))
  const seen = means.past.steps.get(place)?.ms ?? []
  const ms = seen.length === 0 ? 0 : seen.reduce((least, one) => Math.min(least, one), Infinity)
  return { cost, tokens: input + 1, calls: 1, ms, busy: ms }
}

function leastPrice(card: ModelCard | undefined, input: number): number {
  const { prices } = card ?? {}
  if (!prices) return 0
  const rates = [prices, ...(prices.above ?? [])]
  return Math.floor(
    Math.min(...rates.map((rate) => input * Math.min(rate.input, rate.cache_read ?? Infinity) + rate.output)) /
      1_000_000,
  )
}

interface Expectation {
  readonly figures: Figures
  readonly basis: StepQuote['basis']
}

/** From what the step took before; else from its first model, and from what that usually answers. */
function expect(work: AgentWork, models: readonly Model[]): Expectation {
  const { place, means } = work
  const known = means.past.steps.get(place)
  if (known && known.started > 0 && known.models.size > 0) {
    let sum = NO_FIGURES
    for (const [name, calls] of known.models) {
      const model = models.find((one) => one.name === name) ?? models[0]
      const one = expectCall(model, calls, model?.input.shift ?? 0)
      const times = calls.calls / known.started
      sum = {
        cost: sum.cost + multiply(one.cost, times),
        tokens: sum.tokens + one.tokens * times,
        calls: sum.calls + times,
        ms: 0,
        busy: 0,
      }
    }
    const ms = medianOf(known.ms) ?? 0
    return { figures: { ...sum, ms, busy: ms }, basis: 'history' }
  }
  const [model] = models
  const input = Math.min(model?.input.expected ?? 0, model?.window ?? Infinity)
  const seen = model && means.past.models.get(model.name)
  const output = expectOutput(work, model)
  const ms = medianOf(seen?.ms ?? []) ?? model?.card?.usual?.latency_ms ?? USUAL_CALL_MS
  const tools = ((work.step.spec as unknown as AgentSpec).tools?.length ?? 0) > 0
  const calls = tools ? 2 : 1
  const cost = priceUsage(model?.card?.prices, { input, output }) ?? Infinity
  return {
    figures: { cost: cost * calls, tokens: (input + output) * calls, calls, ms: ms * calls, busy: ms * calls },
    basis: 'guess',
  }
}

function expectCall(
  model: Model | undefined,
  { input, output }: PastCalls,
  shift: number,
): { readonly cost: number; readonly tokens: number } {
  const read = Math.max(0, Math.min((medianOf(input) ?? 0) + shift, model?.window ?? Infinity))
  const written = medianOf(output) ?? 0
  const cost = priceUsage(model?.card?.prices, { input: read, output: written }) ?? Infinity
  return { cost, tokens: read + written }
}

function expectOutput({ place, means }: AgentWork, model: Model | undefined): number {
  const own = [...(means.past.steps.get(place)?.models.values() ?? [])].flatMap(({ output }) => output)
  const usual = medianOf(own) ?? medianOf(means.past.models.get(model?.name ?? '')?.output ?? []) ?? USUAL_ANSWER
  return Math.min(usual, model?.output ?? Infinity)
}

/** How long its answer may be for others to read. */
function answerOf(models: readonly Model[]): { readonly worst: number; readonly why?: string } {
  const worst = models.reduce((most, { output }) => Math.max(most, output), 0) * READ_AGAIN
  const endless = models.find(({ output }) => output === Infinity)
  return endless ? { worst, why: `the answers of ${endless.name} have no known limit` } : { worst }
}

/** Why what it costs, or how long it takes, has no limit. */
function explain(
  step: string,
  models: readonly Model[],
  { work, calls }: { readonly work: AgentWork; readonly calls: readonly WorstCall[] },
): readonly Unbounded[] {
  const tools = ((work.step.spec as unknown as AgentSpec).tools?.length ?? 0) > 0
  const time: Unbounded[] =
    tools && work.step.timeout_ms === undefined
      ? [{ step, what: 'time', why: 'its tools may take any time, and it has no time limit' }]
      : []
  if (calls.every(({ cost }) => cost < Infinity)) return time
  const reasons = models.flatMap(({ name, card, output, input, window }): string[] => {
    if (!card?.prices) return [`the price of ${name} is not known`]
    if (priceCall(card, Infinity, Infinity) === 0) return []
    if (output === Infinity) return [`the answers of ${name} have no known limit; give the agent max_tokens`]
    if (window < Infinity) return []
    if (tools) return [`what its tools answer has no limit, and the context window of ${name} is not known`]
    if (input.worst < Infinity) return []
    return [`${input.why ?? 'what it reads has no limit'}, and the context window of ${name} is not known`]
  })
  return [...[...new Set(reasons)].map((why) => ({ step, what: 'cost' as const, why })), ...time]
}

/** A value as an agent is told to make it, for those who ask one by themselves. */
export function agentStep(
  id: string,
  spec: Partial<AgentSpec> & { readonly candidates: readonly Candidate[] },
): GraphStep {
  const whole: AgentSpec = { agent: id, title: id, system: '', blocks: [], ...spec }
  return { id, kind: 'agent', spec: whole as unknown as { readonly [key: string]: Json } }
}
