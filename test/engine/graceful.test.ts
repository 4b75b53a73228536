import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
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
import { gracefulStep, portionStep } from '../../src/steps/graceful.ts'
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
