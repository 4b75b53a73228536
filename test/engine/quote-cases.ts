/** Ensembles drawn by chance, models that answer and bill by chance, and what a run of the one with the other really costs. */

import { stepKinds } from '../../src/app/ports.ts'
import { countRequestAtMost } from '../../src/context/count.ts'
import { createModelExecutor } from '../../src/effects/model.ts'
import type { Executor } from '../../src/engine/effect.ts'
import { DEFAULT_LIMITS, startRun } from '../../src/engine/engine.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import { isError } from '../../src/events/errors.ts'
import type { Event } from '../../src/events/event.ts'
import { type ModelRequest, textOf } from '../../src/events/messages.ts'
import { type ModelCard, type Prices, priceUsage } from '../../src/events/model-card.ts'
import { createRandom } from '../../src/events/random.ts'
import type { PinnedTool } from '../../src/events/tool-call.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { Candidate } from '../../src/graph/candidates.ts'
import { compileEnsemble } from '../../src/graph/ensemble-compile.ts'
import { parseEnsemble } from '../../src/graph/ensemble-parse.ts'
import type { Lookup } from '../../src/graph/lookup.ts'
import type { ModelProfile } from '../../src/graph/profile.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { createScripted } from '../../src/providers/scripted.ts'
import { createRoom, eventsOf, planOf, runToEnd } from '../laws.ts'

export type Random = () => number

const drawInt = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1))
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

export interface Case {
  readonly graph: StepGraph
  readonly cards: ReadonlyMap<string, ModelCard>
  /** A model that never answers. */
  readonly down: string | undefined
  /** The part of all calls that fail once. */
  readonly shaky: number
}

const WORDS = 'rain tea lamp river stone quiet window paper garden letter music harbour winter bread'.split(' ')
const prose = (random: Random, words: number) => Array.from({ length: words }, () => pick(random, WORDS)).join(' ')

function drawPrices(random: Random): Prices {
  const input = drawInt(random, 0, 10) * 500_000_000
  const output = input * drawInt(random, 1, 5)
  return {
    input,
    output,
    ...(random() < 0.4 ? { cache_read: Math.floor(input / 10) } : {}),
    ...(random() < 0.2 ? { above: [{ input_tokens: 4_000, input: input * 2, output: output * 2 }] } : {}),
  }
}

function drawCards(random: Random): Map<string, ModelCard> {
  const names = ['m0', 'm1', 'm2']
  return new Map(
    names.map((model) => [
      model,
      {
        provider: 'scripted',
        model,
        prices: drawPrices(random),
        max_output: drawInt(random, 400, 4_000),
        context_window: drawInt(random, 50, 200) * 1_000,
        sources: ['models.yaml'],
      },
    ]),
  )
}

/** An agent's work: a model, a list, a loop, a vote, another ensemble … */
function drawAgent(
  random: Random,
  { name, before, depth }: { name: string; before: readonly string[]; depth: number },
): JsonObject {
  const model = {
    model_profile: pick(random, ['p0', 'p1', 'p2']),
    system_prompt: prose(random, drawInt(random, 5, 80)),
  }
  const chosen = before.filter(() => random() < 0.5)
  const depends_on: Json = chosen.map((step) => (random() < 0.2 ? { step, on: 'success' } : step))
  const base = { name, ...(chosen.length > 0 ? { depends_on } : {}) }
  const gate = random() < 0.15 ? { when: pick(random, ['size(input.text) > 10', 'size(input.text) > 100000']) } : {}
  const roll = random()
  if (roll < 0.08) return { ...base, ...gate, script: 'echo done' }
  if (roll < 0.2 && chosen.length > 0)
    return {
      ...base,
      assemble: pick<Json>(random, [
        'merge',
        { method: 'synthesize', model_profile: 'p1' },
        { method: 'vote', voters: ['p0', 'p1', 'p2'] },
        { method: 'rank', voters: ['p2', 'p2'] },
      ]),
    }
  if (roll < 0.28 && depth < 2)
    return {
      ...base,
      loop: {
        body: drawAgents(random, { count: 2, depth: depth + 1 }),
        max_iterations: drawInt(random, 1, 4),
        ...(random() < 0.6 ? { until: `round >= ${drawInt(random, 1, 3)}` } : {}),
      },
    }
  if (roll < 0.36 && depth < 1) return { ...base, ...gate, ensemble: 'inner' }
  const work = {
    ...base,
    ...gate,
    ...model,
    ...(random() < 0.2 ? { retry: { attempts: 2, delay_seconds: 0.01 } } : {}),
  }
  if (roll < 0.5) {
    const over =
      depth === 0 && random() < 0.5
        ? 'input.items'
        : Array.from({ length: drawInt(random, 1, 5) }, () => prose(random, 12))
    return { ...work, for_each: over, ...(random() < 0.5 ? { max_parallel: 2 } : {}) }
  }
  if (roll < 0.62)
    return {
      ...work,
      output_schema: {
        type: 'object',
        properties: { why: { type: 'string' }, good: { type: 'boolean' } },
        required: ['good'],
      },
    }
  if (roll < 0.78)
    return {
      ...work,
      verify: {
        checks: ['non-empty'],
        repair_limit: 1,
        ...(random() < 0.6 ? { judge: { model_profile: 'p2', rubric: prose(random, 10), threshold: 0.1 } } : {}),
      },
    }
  if (roll < 0.86) return { ...work, template: `Say it again: {{ input.text }} {% if input.text %}and{% endif %} well` }
  return work
}

function drawAgents(random: Random, { count, depth }: { count: number; depth: number }): JsonObject[] {
  const agents: JsonObject[] = []
  for (let index = 0; index < drawInt(random, 1, count); index += 1)
    agents.push(drawAgent(random, { name: `a${index}`, before: agents.map(({ name }) => String(name)), depth }))
  return agents
}

export function drawCase(seed: string): Case {
  const random = createRandom(seed)
  const cards = drawCards(random)
  const profiles = new Map<string, ModelProfile>(
    ['p0', 'p1', 'p2'].map((name, index) => [
      name,
      {
        name,
        provider: 'scripted',
        model: `m${index}`,
        ...(random() < 0.3 ? { max_tokens: drawInt(random, 200, 1_000) } : {}),
        ...(index < 2 ? { fallback: `p${index + 1}` } : {}),
      },
    ]),
  )
  const inner = parseEnsemble(JSON.stringify({ name: 'inner', agents: drawAgents(random, { count: 3, depth: 1 }) }))
  const outer = parseEnsemble(JSON.stringify({ name: 'outer', agents: drawAgents(random, { count: 5, depth: 0 }) }))
  const lookup: Lookup = {
    profile: (name) => profiles.get(name),
    defaultProfile: () => profiles.get('p0') as ModelProfile,
    card: (_, model) => cards.get(model),
    script: (reference) => ({ type: 'inline', text: reference }),
    role: () => undefined,
    ensemble: () => (inner.ensemble ? { ensemble: inner.ensemble, lookup } : { code: 'not_found', message: 'broken' }),
  }
  if (!outer.ensemble || !inner.ensemble)
    throw new Error(`${seed}: ${[...outer.problems, ...inner.problems].filter(isError)[0]?.message}`)
  const { graph, problems } = compileEnsemble(outer.ensemble, lookup)
  if (!graph) throw new Error(`${seed}: ${problems[0]?.message}`)
  const steps = [
    ...graph.steps,
    ...drawOthers(
      random,
      [...profiles.values()].map((profile) => candidateOf(profile, cards)),
    ),
  ]
  return {
    graph: { ...graph, steps },
    cards,
    down: random() < 0.15 ? 'm0' : undefined,
    shaky: random() < 0.3 ? 0.1 : 0,
  }
}

function candidateOf({ name, provider, model, max_tokens }: ModelProfile, cards: Case['cards']): Candidate {
  const card = cards.get(model) as ModelCard
  return { profile: name, provider, model, ...(max_tokens === undefined ? {} : { max_tokens }), card }
}

const TOOL: PinnedTool = {
  name: 'look_up',
  version: '1.0.0',
  description: 'Looks a word up.',
  input_schema: { type: 'object', properties: { word: { type: 'string' } } },
  safety: 'pure',
  permissions: {},
  source: 'builtin',
  digest: 'd',
}

/** Steps that other notations compile to: a plan, models side by side, a talk with tools. */
function drawOthers(random: Random, models: readonly Candidate[]): GraphStep[] {
  const agent = (candidates: readonly Candidate[], more: object = {}) =>
    ({ agent: 'x', title: 'X', system: prose(random, 20), candidates, blocks: [], ...more }) as unknown as JsonObject
  const steps: GraphStep[] = []
  if (random() < 0.15) {
    const [first] = models as readonly [Candidate]
    const means = {
      max_tasks: 4,
      max_depth: 4,
      models: [{ name: 'p0', candidates: [first] }],
      capabilities: {},
      verify: {},
      assemble: 'concatenate',
    }
    const spec = { planner: [first], repair_limit: 1, means, approve: false, execute: true }
    steps.push({ id: 'planned', kind: 'plan', spec: spec as unknown as JsonObject })
  }
  if (random() < 0.15) {
    const queries = models.map((one) => ({
      step: { id: 'q', kind: 'agent', spec: agent([one]) },
      provider: one.provider,
      model: one.model,
    }))
    steps.push({ id: 'asked', kind: 'queries', spec: { queries, width: 2 } as unknown as JsonObject })
  }
  if (random() < 0.15) steps.push({ id: 'handy', kind: 'agent', spec: agent(models.slice(1), { tools: [TOOL] }) })
  return steps
}

export function drawInput(seed: string): Json {
  const random = createRandom(`input of ${seed}`)
  const items = Array.from({ length: drawInt(random, 1, 6) }, () => prose(random, drawInt(random, 5, 30)))
  return { text: prose(random, drawInt(random, 20, 400)), items }
}

/** Honest models: they count between words and the bound, answer within what they may, and bill what they counted, failed calls too. */
function createModels(
  world: VirtualWorld,
  { cards, down, shaky }: Case,
  how: { random: Random; bill(cost: number): void },
): Executor {
  const failed = new Set<string>()
  return createModelExecutor({
    clock: world.clock,
    wake: world.wake,
    cost: (request, usage) => priceUsage(cards.get(request.model)?.prices, usage),
    provider: (request) => {
      const sleep = (ms: number, signal: AbortSignal) => world.sleep(ms, signal)
      const card = cards.get(request.model) as ModelCard
      if (request.model === down)
        return createScripted(
          { rules: [], default: { error: { code: 'provider_unreachable', touched: 'no', retry: false } } } as never,
          { sleep },
        )
      const { random } = how
      const usage = countHonestly(request, card, random)
      how.bill(priceUsage(card.prices, usage) ?? 0)
      const key = JSON.stringify(request)
      const fails = shaky > 0 && !failed.has(key) && random() < shaky
      failed.add(key)
      const error = fails ? { error: { code: 'provider_overloaded', touched: 'maybe', retry: true } } : {}
      const text = write(request, usage.output, random)
      const wants = request.tools && !(request.messages.at(-1)?.content[0]?.type === 'tool-result')
      const tool_calls = wants ? { tool_calls: [{ name: 'look_up', arguments: { word: pick(random, WORDS) } }] } : {}
      return createScripted(
        {
          rules: [],
          default: { text, usage, delay_ms: drawInt(random, 100, 2_000), ...tool_calls, ...error },
        } as never,
        { sleep },
      )
    },
  })
}

function countHonestly(request: ModelRequest, card: ModelCard, random: Random) {
  const text = request.messages.map(({ content }) => textOf(content)).join('\n')
  const most = request.max_tokens ?? card.max_output ?? 1_000
  const usual = 40 + (text.split('\n', 1)[0]?.length ?? 0)
  const input = Math.min(
    countRequestAtMost(request),
    Math.max(text.match(/\S+/g)?.length ?? 0, Math.round((text.length / 4) * (0.95 + random() * 0.1))),
  )
  const output = Math.max(1, Math.min(most, Math.round(Math.min(usual, 300) * (0.85 + random() * 0.3))))
  return { input, output, ...(card.prices?.cache_read === undefined ? {} : { cache_read: Math.floor(input * 0.02) }) }
}

function write({ messages, response_schema: schema }: ModelRequest, tokens: number, random: Random): string {
  if (textOf(messages[0]?.content ?? []).startsWith('You are a planner')) {
    if (random() < 0.2) return 'I would rather not.'
    const tasks = ['t0', 't1', 't2'].map((id) => ({
      id,
      description: prose(random, 12),
      quality_criteria: ['non-empty'],
    }))
    return JSON.stringify({ tasks, edges: [{ from: 't0', to: 't1' }] })
  }
  const properties = schema?.['properties'] as { readonly [key: string]: JsonObject } | undefined
  if (!properties) return prose(random, Math.max(1, Math.floor(tokens / 1.4)))
  const enumOf = (given: Json | undefined) => ((given as JsonObject | undefined)?.['enum'] ?? []) as readonly string[]
  const answer: { [key: string]: Json } = {}
  for (const [key, property] of Object.entries(properties)) {
    const { type } = property
    if (type === 'boolean') answer[key] = random() < 0.5
    else if (type === 'number') answer[key] = 0.9
    else if (type === 'array') answer[key] = [...enumOf(property['items'])]
    else answer[key] = enumOf(property)[0] ?? prose(random, Math.max(1, Math.floor(tokens / 3)))
  }
  return messages.length > 0 ? JSON.stringify(answer) : ''
}

export interface Real {
  readonly events: readonly Event[]
  readonly status: string
  /** Nano-dollars that the models billed. */
  readonly cost: number
  readonly ms: number
}

export async function runCase(
  one: Case,
  { input, seed }: { readonly input: Json; readonly seed: string },
): Promise<Real> {
  let cost = 0
  const bill = (amount: number) => {
    cost += amount
  }
  const script: Executor = {
    kind: 'script',
    run: async () => ({ ok: true, answer: { exit: 0, stdout: 'done', stderr: '', truncated: false } }),
  }
  const tool: Executor = { kind: 'tool', run: async () => ({ ok: true, answer: 'a word like others' }) }
  const steer: Executor = { kind: 'steer', run: async () => ({ ok: true, answer: { messages: [], after: 0 } }) }
  const options = {
    seed,
    kinds: stepKinds,
    executors: (world: VirtualWorld) => ({
      tool,
      steer,
      model: createModels(world, one, { random: createRandom(`models of ${seed}`), bill }),
      script,
    }),
    plan: { input, limits: DEFAULT_LIMITS },
  }
  const room = createRoom(options)
  await runToEnd(await startRun(room.ports, planOf(one.graph, options)), room.world)
  const events = await eventsOf(room)
  const last = events.at(-1)
  const status = last?.type === 'run-finished' ? last.data.status : 'unfinished'
  return { events, status, cost, ms: (last?.at ?? 0) - (events[0]?.at ?? 0) }
}
