import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { countBelow } from '../../src/app/inventory.ts'
import { createDefinitionExecutor } from '../../src/effects/definition.ts'
import { createInventoryExecutor } from '../../src/effects/inventory.ts'
import type { Executor } from '../../src/engine/effect.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { ModelAnswer, ModelRequest } from '../../src/events/messages.ts'
import { createRandom } from '../../src/events/random.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import type { Candidate } from '../../src/graph/candidates.ts'
import { finishGracefully } from '../../src/graph/graceful.ts'
import { findMismatches } from '../../src/graph/json-schema.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { agentStep } from '../../src/steps/agent.ts'
import { conditionStep } from '../../src/steps/condition.ts'
import { dispatchStep } from '../../src/steps/dispatch.ts'
import { eachStep } from '../../src/steps/each.ts'
import { gracefulStep, portionStep } from '../../src/steps/graceful.ts'
import { loopStep } from '../../src/steps/loop.ts'
import { nestedStep } from '../../src/steps/nested.ts'
import { type LawOptions, runWithLaws } from '../laws.ts'

const CAPS = process.env.LAWS === 'full' ? 500 : 60
const ENSEMBLES = 20

const schema: JsonObject = {
  type: 'object',
  properties: { verdict: { enum: ['good', 'bad'] }, score: { type: 'integer', minimum: 1 }, notes: { type: 'array' } },
  required: ['verdict', 'score', 'notes'],
}
/** A dollar a million of input, five of output. */
const prices = { input: 1_000_000_000, output: 5_000_000_000 }
const candidate: Candidate = {
  provider: 'p',
  model: 'm',
  max_tokens: 600,
  card: { provider: 'p', model: 'm', context_window: 32_000, prices, sources: ['test'] },
}

/** Agents that read some of those before them; the last one reads all that nobody read, and may promise a form. */
function makeEnsemble(n: number): StepGraph {
  const random = createRandom(`ensemble ${n}`)
  const count = 2 + Math.floor(random() * 6)
  const names = Array.from({ length: count }, (_, at) => `a${at}`)
  const steps = names.map((name, at): GraphStep => {
    const last = at === count - 1
    const before = names.slice(0, at).filter(() => last || random() < 0.4)
    const spec = { agent: name, title: name, system: 'be brief', candidates: [candidate], blocks: [] }
    return {
      id: name,
      kind: 'agent',
      spec: { ...spec, ...(last && n % 2 === 0 ? { output_schema: schema } : {}) } as unknown as JsonObject,
      after: before.map((step) => ({ step, on: random() < 0.3 ? 'success' : 'always' })),
    }
  })
  return { name: 'work', steps }
}

function modelOf(seed: string): Executor {
  const random = createRandom(seed)
  return {
    kind: 'model',
    run: async ({ request, output_tokens = 600 }) => {
      const { messages } = request as unknown as ModelRequest
      const form = JSON.stringify(messages).includes('JSON Schema')
      const text = form
        ? '{"verdict": "good", "score": 3, "notes": []}'
        : 'word '.repeat(1 + Math.floor(random() * 300))
      const output = Math.min(output_tokens, Math.ceil(text.length / 4))
      const usage = { input: 40, output }
      // One in ten is broken: then what is there has to do.
      if (random() < 0.1) return { ok: false, code: 'model_not_found', message: 'm', touched: 'no', retry: false }
      const answer: ModelAnswer = { content: [{ type: 'text', text }], finish: 'stop', usage }
      return { ok: true, answer: answer as unknown as Json, usage, cost: 40_000 + output * 5_000 }
    },
  }
}

const outputOf = (events: readonly Event[], step: string): Json | undefined => {
  const ended = events.find(
    (event): event is EventOf<'step-finished'> => event.type === 'step-finished' && event.data.step === step,
  )
  return ended?.data.output.inline && JSON.parse(ended.data.output.inline.text)
}

test(`F15 ${CAPS} caps on ${ENSEMBLES} ensembles: an answer of the promised form, never over the cap, and what is missing is named`, async () => {
  let exhausted = 0
  let whole = 0
  for (let n = 0; n < CAPS; n++) {
    const random = createRandom(`cap ${n}`)
    const graph = makeEnsemble(n % ENSEMBLES)
    const limits = { max_cost: Math.floor(300_000 + random() * 6_000_000) }
    const options: LawOptions = {
      kinds: { agent: agentStep, graceful: gracefulStep, portion: portionStep },
      seed: `cap ${n}`,
      executors: () => ({ model: modelOf(`cap ${n}`) }),
      plan: { limits: { ...limits, tries: 1, calls_per_step: 9, backoff_ms: 1, backoff_cap_ms: 5 } },
      cuts: () => [],
    }
    const { events } = await runWithLaws(finishGracefully(graph, { limits, candidates: [candidate] }), options)
    expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
    const settled = events.filter((event): event is EventOf<'budget-settled'> => event.type === 'budget-settled')
    expect(settled.reduce((sum, { data }) => sum + data.amount.cost, 0)).toBeLessThanOrEqual(limits.max_cost)
    const end = events.at(-1) as EventOf<'run-finished'>
    const refused = events.some(({ type }) => type === 'budget-refused')
    const missing = graph.steps.map(({ id }) => id).filter((id) => outputOf(events, `work/work/${id}`) === undefined)
    const note = events.find(
      (event) => event.type === 'note-written' && 'facts' in event.data && event.data.facts['about'] === 'wrap-up',
    )
    if (!refused) {
      // Without a refusal it ends as it would have without a budget.
      whole += 1
      continue
    }
    exhausted += 1
    expect(end.data.status).toBe('exhausted')
    const output = outputOf(events, 'work')
    expect(output).toBeDefined()
    expect(note).toBeDefined()
    expect(note?.data).toMatchObject({ facts: { missing } })
    const last = graph.steps.at(-1)?.spec as { output_schema?: JsonObject }
    if (last.output_schema) expect(findMismatches(schema, output as Json)).toEqual([])
    else for (const name of missing) expect(String(output)).toContain(`- ${name} (`)
  }
  console.log(`    ${CAPS} caps: ${exhausted} exhausted with a valid answer, ${whole} not refused anything`)
  expect(exhausted).toBeGreaterThan(CAPS / 5)
}, 300_000)

const agent = (name: string, ...before: readonly string[]): GraphStep => ({
  id: name,
  kind: 'agent',
  spec: { agent: name, title: name, system: `you are ${name}`, candidates: [candidate], blocks: [] } as never,
  after: before.map((step) => ({ step, on: 'success' as const })),
})
const pair: StepGraph = { name: 'pair', steps: [agent('writer'), agent('critic', 'writer')] }
const nested = (name: string, graph: StepGraph, ...before: readonly string[]): GraphStep => ({
  ...agent(name, ...before),
  kind: 'nested',
  spec: { ensemble: graph.name, graph } as never,
})
const loop = (name: string, body: StepGraph): GraphStep => ({
  id: name,
  kind: 'loop',
  spec: { body, max_iterations: 9 } as never,
})
const each = (name: string, step: GraphStep, width: number): GraphStep => ({
  id: name,
  kind: 'each',
  spec: { step: step as never, over: "['x', 'y', 'z']", width },
})

/** Each paid call says who speaks and the number of the call. */
const INSIDE: readonly {
  readonly what: string
  readonly steps: readonly GraphStep[]
  /** Those of the last answer included. */
  readonly calls: number
  /** What the last answer is made of, and what it has to name. */
  readonly done: { readonly [name: string]: string }
  readonly missing: readonly string[]
}[] = [
  {
    what: 'the last whole round of a loop, and what is finished of the broken one',
    steps: [loop('improve', pair)],
    calls: 6,
    done: { 'improve#2/critic': 'critic 4', 'improve#3/writer': 'writer 5' },
    missing: ['improve#3/critic'],
  },
  {
    what: 'the finished agents of an ensemble inside',
    steps: [agent('scout'), nested('review', pair, 'scout'), agent('verdict', 'review')],
    calls: 3,
    done: { scout: 'scout 1', 'review/writer': 'writer 2' },
    missing: ['review/critic', 'verdict'],
  },
  {
    what: 'the finished items of a list that failed in part',
    steps: [each('items', agent('items'), 1), agent('verdict', 'items')],
    calls: 3,
    done: { items: 'items 1' },
    missing: ['items[2]', 'verdict'],
  },
  {
    what: 'the finished parts of items that all failed',
    steps: [each('items', nested('items', pair), 3)],
    calls: 3,
    done: { 'items[0]/writer': 'writer 1', 'items[1]/writer': 'writer 2' },
    missing: ['items[0]/critic', 'items[1]/critic', 'items[2]/writer', 'items[2]/critic'],
  },
  {
    what: 'a loop in an ensemble in an ensemble',
    steps: [
      nested('outer', { name: 'outer', steps: [nested('inner', { name: 'inner', steps: [loop('again', pair)] })] }),
    ],
    calls: 4,
    done: { 'outer/inner/again#1/critic': 'critic 2', 'outer/inner/again#2/writer': 'writer 3' },
    missing: ['outer/inner/again#2/critic'],
  },
  {
    what: 'what was dispatched, with a budget of its own',
    steps: [{ id: 'sent', kind: 'dispatch', spec: { ensemble: "'pair'" } }],
    calls: 2,
    done: { 'sent/pair/writer': 'writer 1' },
    missing: ['sent/pair/critic'],
  },
]

test.each(INSIDE)('F15 nothing paid for is lost: $what', async ({ steps, calls, done, missing }) => {
  let wrapUp = ''
  let count = 0
  const model: Executor = {
    kind: 'model',
    run: async ({ request }) => {
      const { messages } = request as unknown as ModelRequest
      const asked = JSON.stringify(messages)
      const name = /you are (\w+)/.exec(asked)?.[1]
      if (name === undefined) wrapUp = asked
      count += 1
      const usage = { input: 10, output: 5 }
      const answer: ModelAnswer = {
        content: [{ type: 'text', text: name === undefined ? 'the best of it' : `${name} ${count}` }],
        finish: 'stop',
        usage,
      }
      return { ok: true, answer: answer as unknown as Json, usage, cost: 10 }
    },
  }
  const limits = { max_calls: calls }
  const found = { ...pair, budget: { limits: { max_tokens: 1_000_000 } } }
  const graph = finishGracefully({ name: 'work', steps }, { limits, candidates: [candidate] })
  const { events } = await runWithLaws(graph, {
    kinds: {
      agent: agentStep,
      dispatch: dispatchStep,
      each: eachStep,
      graceful: gracefulStep,
      loop: loopStep,
      nested: nestedStep,
      portion: portionStep,
    },
    executors: (_, store) => ({
      model,
      definition: createDefinitionExecutor(async (name) => ({ name, graph: found as unknown as Json })),
      inventory: createInventoryExecutor((place) => countBelow(store, place)),
    }),
    plan: { limits: { ...limits, tries: 1, calls_per_step: 9, backoff_ms: 1, backoff_cap_ms: 5 } },
    cuts: (all) => all.map(({ seq }) => seq).filter((seq) => seq < all.length && seq % 5 === 0),
  })
  expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
  expect((events.at(-1) as EventOf<'run-finished'>).data.status).toBe('exhausted')
  const output = String(outputOf(events, 'work'))
  expect(output).toContain('the best of it')
  expect(output.match(/^- .*$/gm)?.map((line) => line.replace(/^- (.*) \(\w+\)$/, '$1'))).toEqual(missing)
  const portion = outputOf(events, 'work/work') as { done: { name: string; output: Json }[] }
  expect(portion.done.map(({ name }) => name)).toEqual(Object.keys(done))
  for (const [name, text] of Object.entries(done)) {
    expect(wrapUp).toContain(`Result of ${name}`)
    expect(wrapUp).toContain(text)
  }
})

test('F15 what need not be is not missing: a condition that does not hold, a step for a failure that did not come', async () => {
  const answer: ModelAnswer = {
    content: [{ type: 'text', text: 'fine' }],
    finish: 'stop',
    usage: { input: 1, output: 1 },
  }
  const model: Executor = {
    kind: 'model',
    run: async () => ({ ok: true, answer: answer as unknown as Json, usage: { input: 1, output: 1 }, cost: 1 }),
  }
  const steps: readonly GraphStep[] = [
    agent('a'),
    { id: 'b/when', kind: 'condition', spec: { expression: 'false' } },
    { ...agent('b'), after: [{ step: 'b/when', on: 'verdict' }] },
    { ...agent('repair'), after: [{ step: 'a', on: 'failure' }] },
    agent('after-b', 'b'),
  ]
  const limits = { max_calls: 9 }
  const graph = finishGracefully({ name: 'work', steps, output: 'a' }, { limits, candidates: [candidate] })
  const { events } = await runWithLaws(graph, {
    kinds: { agent: agentStep, condition: conditionStep, graceful: gracefulStep, portion: portionStep },
    executors: (_, store) => ({ model, inventory: createInventoryExecutor((place) => countBelow(store, place)) }),
    plan: { limits: { ...limits, tries: 1, calls_per_step: 9, backoff_ms: 1, backoff_cap_ms: 5 } },
    cuts: () => [],
  })
  expect(outputOf(events, 'work/work')).toMatchObject({ done: [{ name: 'a' }], missing: [], exhausted: false })
  expect((events.at(-1) as EventOf<'run-finished'>).data.status).toBe('succeeded')
})
