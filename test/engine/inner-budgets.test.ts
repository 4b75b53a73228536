/** Budgets of ensembles inside others, and what expressions know of money: each under the four laws. */
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { countBelow } from '../../src/app/inventory.ts'
import { openPurse } from '../../src/app/left.ts'
import { createBudgetExecutor } from '../../src/effects/budget.ts'
import { createDefinitionExecutor } from '../../src/effects/definition.ts'
import { createInventoryExecutor } from '../../src/effects/inventory.ts'
import type { Executor } from '../../src/engine/effect.ts'
import { forkRun } from '../../src/engine/fork.ts'
import type { Command } from '../../src/engine/inbox.ts'
import { StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { ModelAnswer } from '../../src/events/messages.ts'
import type { StepBudget } from '../../src/events/money.ts'
import { createRandom } from '../../src/events/random.ts'
import type { Json } from '../../src/events/values.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import type { Candidate } from '../../src/graph/candidates.ts'
import { gracefulSpec } from '../../src/graph/graceful.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { agentStep } from '../../src/steps/agent.ts'
import { conditionStep } from '../../src/steps/condition.ts'
import { dispatchStep } from '../../src/steps/dispatch.ts'
import { gracefulStep, portionStep } from '../../src/steps/graceful.ts'
import { loopStep } from '../../src/steps/loop.ts'
import { nestedStep } from '../../src/steps/nested.ts'
import { verifiedStep } from '../../src/steps/verified.ts'
import { eventsOf, type LawOptions, runToEnd, runWithLaws, takeUp } from '../laws.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** Makes `calls` model calls, one after the other, each of a thousand nano-dollars at worst and in fact. */
const payStep: StepKind = {
  kind: 'pay',
  version: 1,
  async run({ spec }, _, ctx) {
    const { calls = 1, price = 1_000_000 } = spec as { readonly calls?: number; readonly price?: number | null }
    const need = { input_tokens: 100, output_tokens: 900, least_output: 900 }
    const priced = price === null ? need : { ...need, input_cost: 100, output_price: price }
    for (let n = 0; n < calls; n += 1)
      await ctx.effect({ kind: 'model', safety: 'billable', request: { n }, need: priced })
    return { output: `paid ${calls}` }
  },
}

const failStep: StepKind = {
  kind: 'fail',
  version: 1,
  run: () => Promise.reject(new StepFailure('planned', 'it was planned')),
}

const candidate: Candidate = { provider: 'p', model: 'm', max_tokens: 100 }

/** Speaks after some ms; its price is that of a call of `pay`. */
const model: Executor = {
  kind: 'model',
  run: async ({ request }) => {
    const usage = { input: 100, output: 900 }
    const asked = JSON.stringify(request)
    const name = /you are (\w+)/.exec(asked)?.[1] ?? (asked.includes('unfinished work') ? 'the last word' : 'x')
    const answer: ModelAnswer = { content: [{ type: 'text', text: name }], finish: 'stop', usage }
    return { ok: true, answer: answer as unknown as Json, cost: 1_000, usage }
  },
}

const LIMITS = { tries: 1, calls_per_step: 99, backoff_ms: 1, backoff_cap_ms: 5 }

const options = (more: Partial<LawOptions> = {}, found?: StepGraph): LawOptions => ({
  kinds: {
    agent: agentStep,
    condition: conditionStep,
    dispatch: dispatchStep,
    fail: failStep,
    graceful: gracefulStep,
    loop: loopStep,
    nested: nestedStep,
    pay: payStep,
    portion: portionStep,
    verified: verifiedStep,
  },
  executors: (_, store) => ({
    model,
    budget: createBudgetExecutor(openPurse(store.journal).budget),
    definition: createDefinitionExecutor(async (name) => ({ name, graph: found as unknown as Json })),
    inventory: createInventoryExecutor((place) => countBelow(store, place)),
  }),
  plan: { limits: { ...LIMITS, max_calls: 1_000 } },
  ...more,
})

const pay = (id: string, calls = 1, more: Partial<GraphStep> & { readonly price?: number | null } = {}): GraphStep => {
  const { price, ...rest } = more
  return { id, kind: 'pay', spec: { calls, ...(price === undefined ? {} : { price }) }, ...rest }
}
const agent = (id: string, ...before: readonly string[]): GraphStep => ({
  id,
  kind: 'agent',
  spec: { agent: id, title: id, system: `you are ${id}`, candidates: [candidate], blocks: [] } as never,
  ...(before.length > 0 ? { after: before.map((step) => ({ step, on: 'always' as const })) } : {}),
})
const inside = (id: string, steps: readonly GraphStep[], budget: StepBudget): GraphStep => ({
  id,
  kind: 'nested',
  spec: { ensemble: 'inner', graph: { name: 'inner', steps } } as never,
  budget,
})
const when = (id: string, expression: string, ...before: readonly string[]): GraphStep => ({
  id,
  kind: 'condition',
  spec: { expression },
  after: before.map((step) => ({ step, on: 'always' as const })),
})

function ofType<T extends Event['type']>(events: readonly Event[], type: T): EventOf<T>[] {
  return events.filter((event) => event.type === type) as EventOf<T>[]
}
const outputOf = (events: readonly Event[], step: string): Json | undefined => {
  const ended = ofType(events, 'step-finished').find(({ data }) => data.step === step)
  return ended?.data.output.inline && JSON.parse(ended.data.output.inline.text)
}
const verdictOf = (events: readonly Event[], step: string): Json | undefined =>
  ofType(events, 'step-finished').find(({ data }) => data.step === step)?.data.verdict

async function run(graph: readonly GraphStep[], given: LawOptions = options()) {
  const past = await runWithLaws({ name: 'g', steps: graph }, given)
  expect(findViolations(past.events, sha256)).toEqual([])
  return past
}
const answer = (type: 'approve' | 'deny', { data }: EventOf<'approval-requested'>): Command => ({
  type,
  key: data.key,
  request: data.request.sha256,
})

describe('an ensemble inside another that asks at its limit', () => {
  const asking: StepBudget = { max_cost: 2_000, on_limit: 'ask' }

  test('rests with a question about its own budget, while what is around it goes on', async () => {
    const past = await run([inside('sub', [pay('a', 3)], asking), pay('other', 5)])
    expect(past.end).toMatchObject({ outcome: 'resting', asks: ['budget:sub'] })
    expect(outputOf(past.events, 'other')).toBe('paid 5')
    const [question, ...more] = ofType(past.events, 'approval-requested')
    expect(more).toEqual([])
    expect(question?.data.grant).toEqual({ budget: 'step', step: 'sub', raise: { max_cost: 2_000 } })
    const shown = JSON.parse(question?.data.request.inline?.text ?? '')
    expect(shown).toMatchObject({ step: 'sub', spent: { cost: 2_000, calls: 2 }, limits: { max_cost: 2_000 } })

    const next = await takeUp(past, options(), { commands: [answer('approve', question as never)] })
    expect(findViolations(next.events, sha256)).toEqual([])
    expect(next.end).toEqual({ outcome: 'finished', status: 'succeeded' })
    expect(outputOf(next.events, 'sub')).toBe('paid 3')
  })

  test('is asked again when what was granted is used up, and refused after a no', async () => {
    const past = await run([inside('sub', [pay('a', 6)], asking)])
    const yes = ofType(past.events, 'approval-requested')[0] as EventOf<'approval-requested'>
    const next = await takeUp(past, options(), { commands: [answer('approve', yes)] })
    expect(next.end).toMatchObject({ outcome: 'resting', asks: ['budget:sub'] })
    const no = ofType(next.events, 'approval-requested')[1] as EventOf<'approval-requested'>
    const last = await takeUp(next, options(), { commands: [answer('deny', no)] })
    expect(findViolations(last.events, sha256)).toEqual([])
    expect(last.end).toEqual({ outcome: 'finished', status: 'exhausted' })
    expect(ofType(last.events, 'budget-refused')).toHaveLength(1)
    expect(ofType(last.events, 'budget-settled')).toHaveLength(4)
  })

  test('asks nobody in vain: where another budget would not pay either, the call is refused at once', async () => {
    const limits = { ...LIMITS, max_calls: 1_000, max_cost: 2_000 }
    for (const budget of [asking, { max_calls: 2, on_limit: 'ask' }] as const) {
      const given = options({ plan: { limits: limits as never } })
      const past = await run([inside('sub', [pay('a', 3)], budget)], given)
      expect(past.end).toEqual({ outcome: 'finished', status: 'exhausted' })
      expect(ofType(past.events, 'approval-requested')).toEqual([])
    }
  })

  test('calls that wait for each other in another budget do not wait behind the question', async () => {
    const crowd = Array.from({ length: 4 }, (_, n) => pay(`c${n}`, 2))
    const past = await run(
      [inside('sub', [pay('a', 3), pay('b', 3)], asking), inside('crowd', crowd, { max_cost: 8_000 })],
      options({ cuts: (all) => all.map(({ seq }) => seq).filter((seq) => seq < all.length && seq % 7 === 0) }),
    )
    expect(past.end).toMatchObject({ outcome: 'resting', asks: ['budget:sub'] })
    expect(outputOf(past.events, 'crowd')).toEqual({ c0: 'paid 2', c1: 'paid 2', c2: 'paid 2', c3: 'paid 2' })
  })
})

test('an ensemble inside another has its own word on models without a price; the limits around it have theirs', async () => {
  const free: StepBudget = { max_cost: 5_000, unpriced: 'allow' }
  const alone = await run([inside('sub', [pay('a', 1, { price: null })], free)])
  expect(alone.end).toMatchObject({ status: 'succeeded' })
  const refused = await run([inside('sub', [pay('a', 1, { price: null })], { max_cost: 5_000 })])
  expect(ofType(refused.events, 'budget-refused').map(({ data }) => data.code)).toEqual(['price_unknown'])
  const limits = { ...LIMITS, max_calls: 1_000, max_cost: 9_000 } as never
  const around = await run([inside('sub', [pay('a', 1, { price: null })], free)], options({ plan: { limits } }))
  expect(ofType(around.events, 'budget-refused').map(({ data }) => data.code)).toEqual(['price_unknown'])
})

test('what runs an ensemble limits it as well: neither a yes nor its word on prices is about that', async () => {
  const within = { max_calls: 2 }
  const past = await run([inside('sub', [pay('a', 6)], { max_calls: 1, on_limit: 'ask', within })])
  expect(past.end).toMatchObject({ outcome: 'resting', asks: ['budget:sub'] })
  const [question] = ofType(past.events, 'approval-requested')
  const next = await takeUp(past, options(), { commands: [answer('approve', question as never)] })
  expect(findViolations(next.events, sha256)).toEqual([])
  expect(next.end).toEqual({ outcome: 'finished', status: 'exhausted' })
  expect(ofType(next.events, 'budget-settled')).toHaveLength(2)
  expect(ofType(next.events, 'budget-refused').map(({ data }) => data.code)).toEqual(['budget_exhausted'])
  const free: StepBudget = { max_cost: 5_000, unpriced: 'allow', within: { max_cost: 9_000 } }
  const around = await run([inside('sub', [pay('a', 1, { price: null })], free)])
  expect(ofType(around.events, 'budget-refused').map(({ data }) => data.code)).toEqual(['price_unknown'])
})

test('what was granted stays granted in a fork, which has spent nothing yet', async () => {
  const past = await run([inside('sub', [pay('a', 8)], { max_calls: 3, on_limit: 'ask' })])
  const [question] = ofType(past.events, 'approval-requested')
  const next = await takeUp(past, options(), { commands: [answer('approve', question as never)] })
  const [yes] = ofType(next.events, 'approval-given')
  const order = { run: 'f', at: yes?.seq ?? 0, change: {}, started_by: 'code', run_key: 'f'.repeat(64) } as const
  const made = await forkRun(next.room.ports, 'run-1', order)
  if ('refused' in made) throw new Error(made.refused.message)
  await runToEnd(made, next.room.world)
  const events = await eventsOf(next.room, 'f')
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
  expect(findViolations(events, sha256)).toEqual([])
})

describe('an ensemble inside another that finishes with what is there', () => {
  const work: StepGraph = { name: 'inner', steps: [agent('one'), agent('two', 'one'), agent('three', 'two')] }
  const finishing = (id: string, calls: number, ...before: readonly string[]): GraphStep => ({
    ...agent(id, ...before),
    kind: 'graceful',
    spec: { ...gracefulSpec(work, { limits: { max_calls: calls }, candidates: [candidate] }), ensemble: 'inner' },
    budget: { max_calls: calls },
  })

  test('gives its last answer, says what is missing, and what is around it goes on and knows', async () => {
    const steps = [
      agent('before'),
      finishing('sub', 3, 'before'),
      agent('after', 'sub'),
      when('partly/when', 'steps.sub.partial && steps.sub.missing == ["sub/work/three"]', 'sub'),
      { ...agent('partly'), after: [{ step: 'partly/when', on: 'verdict' as const }] },
    ]
    const cuts = (all: readonly Event[]) => all.map(({ seq }) => seq).filter((seq) => seq < all.length && seq % 3 === 0)
    const { events, end } = await run(steps, options({ cuts }))
    expect(end).toEqual({ outcome: 'finished', status: 'exhausted' })
    expect(outputOf(events, 'sub')).toBe('the last word\n\nNot finished:\n- three (budget_exhausted)')
    expect(verdictOf(events, 'sub')).toEqual({ partial: true, failed: ['sub/work/three'] })
    expect([outputOf(events, 'after'), outputOf(events, 'partly')]).toEqual(['after', 'partly'])
  })

  test('under a limit on cost, with its own word on models without a price', async () => {
    const budget = { max_cost: 5_000, unpriced: 'allow' } as const
    const graph: StepGraph = {
      ...work,
      steps: [pay('a', 1, { price: null })],
      budget: { limits: budget, unpriced: 'allow' },
    }
    const spec = { ...gracefulSpec(graph, { limits: budget, candidates: [candidate] }), ensemble: 'inner' }
    const { events, end } = await run([{ id: 'sub', kind: 'graceful', spec, budget }])
    expect(end).toMatchObject({ status: 'succeeded' })
    expect(outputOf(events, 'sub')).toBe('paid 1')
  })

  test('inside and inside again: each level knows what is missing', async () => {
    const outer = inside('outer', [finishing('sub', 2)], { max_calls: 9 })
    const { events } = await run([outer], options({ cuts: () => [] }))
    const failed = ['outer/sub/work/two', 'outer/sub/work/three']
    expect(verdictOf(events, 'outer')).toEqual({ partial: true, failed })
  })

  test('when the money around it ends as well, it is put together without a model', async () => {
    const limits = { ...LIMITS, max_calls: 1 } as never
    const { events, end } = await run([finishing('sub', 4)], options({ plan: { limits } }))
    expect(end).toEqual({ outcome: 'finished', status: 'exhausted' })
    expect(outputOf(events, 'sub')).toBe(
      '## one\n\none\n\nNot finished:\n- two (budget_exhausted)\n- three (budget_exhausted)',
    )
  })

  test('where it pays for all there is no last answer, and nothing is missing', async () => {
    const { events, end } = await run([finishing('sub', 9)])
    expect(end).toMatchObject({ status: 'succeeded' })
    expect([outputOf(events, 'sub'), verdictOf(events, 'sub')]).toEqual(['three', undefined])
  })

  test('dispatched, too, and the step that dispatched it knows that it is partial', async () => {
    const found = { ...work, budget: { limits: { max_calls: 2 } }, finish: { candidates: [candidate] } }
    const sent: GraphStep = { id: 'sent', kind: 'dispatch', spec: { ensemble: "'inner'" } }
    const cuts = (all: readonly Event[]) => all.map(({ seq }) => seq).filter((seq) => seq < all.length && seq % 3 === 0)
    const { events, end } = await run([sent, agent('after', 'sent')], options({ cuts }, found))
    expect(end).toEqual({ outcome: 'finished', status: 'exhausted' })
    expect(outputOf(events, 'sent')).toContain('the last word')
    expect(verdictOf(events, 'sent')).toEqual({
      partial: true,
      failed: ['sent/inner/work/two', 'sent/inner/work/three'],
    })
    expect(outputOf(events, 'after')).toBe('after')
  })
})

test('what failed inside a dispatched ensemble with a budget is told to the step that dispatched it', async () => {
  const bad: GraphStep = { id: 'bad', kind: 'fail', spec: {} }
  const found: StepGraph = {
    name: 'inner',
    steps: [bad, agent('good', 'bad')],
    budget: { limits: { max_calls: 9, max_cost: 1_000_000 }, unpriced: 'allow' },
  }
  const sent: GraphStep = { id: 'sent', kind: 'dispatch', spec: { ensemble: "'inner'" } }
  const { events, end } = await run([sent, when('w', 'steps.sent.missing', 'sent')], options({}, found))
  expect(end).toMatchObject({ status: 'partial' })
  expect(verdictOf(events, 'sent')).toEqual({ partial: true, failed: ['sent/inner/bad'] })
  expect(outputOf(events, 'w')).toEqual(['sent/inner/bad'])
})

test('what failed inside an ensemble whose answer is verified is told as well', async () => {
  const bad: GraphStep = { id: 'bad', kind: 'fail', spec: {} }
  const inner = {
    id: 'inner',
    kind: 'nested',
    spec: { ensemble: 'inner', graph: { name: 'inner', steps: [bad, agent('good')] } },
  }
  const checks = [{ name: 'non-empty', kind: 'non-empty' }]
  const checked: GraphStep = { id: 'v', kind: 'verified', spec: { step: inner, checks, repair_limit: 0 } as never }
  const { events, end } = await run([checked, when('w', 'steps.v.missing', 'v')])
  expect(end).toMatchObject({ status: 'partial' })
  expect(outputOf(events, 'w')).toEqual(['v/answer/bad'])
})

describe('run.budget in expressions', () => {
  const limits = { ...LIMITS, max_cost: 10_000, max_calls: 9, timeout_ms: 60_000 } as never
  const limited = options({ plan: { limits } })

  test('knows what is spent, left and allowed, and the journal holds what it saw', async () => {
    const seen = '[run.budget.spent.cost, run.budget.left.cost, run.budget.limit.cost].map(c, int(c * 1e9 + 0.5))'
    const counts = '[run.budget.spent.calls, run.budget.left.calls, run.budget.limit.tokens > 1e9]'
    const steps = [pay('a', 3), when('money', seen, 'a'), when('counts', counts, 'money')]
    const { events } = await run(steps, limited)
    expect(outputOf(events, 'money')).toEqual([3_000, 7_000, 10_000])
    expect(outputOf(events, 'counts')).toEqual([3, 6, true])
    expect(ofType(events, 'effect-intended').filter(({ data }) => data.kind === 'budget')).toHaveLength(2)
  })

  test('what is left goes by the tightest budget around', async () => {
    const steps = [pay('a', 2), when('left', 'run.budget.left.cost < 0.0000035', 'a')]
    const { events } = await run(
      [inside('sub', steps, { max_cost: 5_000 }), when('w', 'run.budget.left.cost < 0.0000035', 'sub')],
      limited,
    )
    expect([verdictOf(events, 'sub/left'), verdictOf(events, 'w')]).toEqual([true, false])
  })

  test('without a limit what is left has no end, and what is spent is known all the same', async () => {
    const expression = 'run.budget.left.cost > 1e30 && run.budget.spent.calls == 2 && run.budget.spent.tokens == 2000'
    const { events } = await run([pay('a', 2), when('w', expression, 'a')], options({ plan: { limits: LIMITS } }))
    expect(verdictOf(events, 'w')).toBe(true)
  })

  test('a loop ends when half of the budget is spent', async () => {
    const until = 'run.budget.left.cost / run.budget.limit.cost <= 0.5'
    const loop: GraphStep = {
      id: 'again',
      kind: 'loop',
      spec: { body: { name: 'b', steps: [pay('a', 2)] }, until, max_iterations: 9 } as never,
    }
    const { events } = await run([loop], limited)
    expect(verdictOf(events, 'again')).toEqual({ rounds: 3, ended: 'until' })
  })

  test('a dispatch goes where there is money for it', async () => {
    const found: StepGraph = { name: 'cheap', steps: [pay('a')] }
    const spec = { ensemble: 'run.budget.left.calls >= 9 ? "grand" : "cheap"' }
    const { events } = await run(
      [pay('a'), { id: 'sent', kind: 'dispatch', spec, after: [{ step: 'a', on: 'always' }] }],
      { ...options({ plan: { limits } }, found) },
    )
    const asked = ofType(events, 'effect-intended').find(({ data }) => data.kind === 'definition')
    expect(asked?.data.request.inline?.text).toBe('{"ensemble":"cheap"}')
  })
})

test('I10 any budgets inside each other, any words on them: never over a limit, everything ends, every cut goes on', async () => {
  const seeds = process.env.LAWS === 'full' ? 400 : 40
  let asked = 0
  for (let n = 0; n < seeds; n += 1) {
    const random = createRandom(`budgets ${n}`)
    const budget = (): StepBudget => ({
      ...(random() < 0.7 ? { max_cost: 1_000 * Math.ceil(random() * 8) } : { max_calls: Math.ceil(random() * 6) }),
      ...(random() < 0.6 ? { on_limit: 'ask' } : {}),
      ...(random() < 0.2 ? { within: { max_calls: Math.ceil(random() * 9) } } : {}),
    })
    const grow = (name: string, depth: number): GraphStep => {
      if (depth === 0 || random() < 0.3)
        return pay(name, Math.ceil(random() * 4), random() < 0.2 ? { budget: budget() } : {})
      const steps = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => grow(`s${at}`, depth - 1))
      const { budget: own, ...free } = inside(name, steps, budget())
      return random() < 0.7 && own ? { ...free, budget: own } : free
    }
    const graph = Array.from({ length: 3 }, (_, at) => grow(`r${at}`, 2))
    const run = random() < 0.5 ? { max_cost: 12_000, ...(random() < 0.5 ? { on_limit: 'ask' as const } : {}) } : {}
    const cuts = (all: readonly Event[]) =>
      all.map(({ seq }) => seq).filter((seq) => seq < all.length && seq % 23 === n % 23)
    const given = options({ cuts, seed: `budgets ${n}`, plan: { limits: { ...LIMITS, max_calls: 100, ...run } } })
    let past = await runWithLaws({ name: 'g', steps: graph }, given)
    while (past.end.outcome === 'resting') {
      expect(findViolations(past.events, sha256)).toEqual([])
      const open = new Set(past.end.asks)
      const questions = ofType(past.events, 'approval-requested').filter(({ data }) => open.has(data.key))
      const last = new Map(questions.map((question) => [question.data.key, question]))
      asked += last.size
      const commands = [...last.values()].map((question) => answer(random() < 0.6 ? 'approve' : 'deny', question))
      past = await takeUp(past, given, { commands })
    }
    expect(past.end.outcome).toBe('finished')
    expect(findViolations(past.events, sha256)).toEqual([])
  }
  console.log(`    ${seeds} graphs, ${asked} questions`)
  expect(asked).toBeGreaterThan(seeds / 2)
}, 300_000)
