/** What the victims run: small graphs, each with another way to be interrupted. The same for the process killed and for its checker. */
import type { Safety } from '../../src/engine/effect.ts'
import { StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { converse } from '../../src/steps/tool-loop.ts'
import { requestOf, SEND } from './tools.ts'

/** What a step asks of the world; `fails` tries come first, `size` is the length of the answer. */
interface CallSpec {
  readonly safety: Safety
  readonly kind: string
  readonly fails?: number
  readonly size?: number
}

const call: StepKind = {
  kind: 'call',
  version: 1,
  run: async (step, inputs, ctx) => {
    const { safety, kind, fails = 0, size = 0 } = step.spec as unknown as CallSpec
    const before = inputs.dependencies.map(({ output, status }) => (size > 0 ? status : (output ?? status)))
    return { output: await ctx.effect({ kind, safety, request: { of: step.id, before, fails, size } }) }
  },
}

/** Three unsafe calls side by side, each of which a person is asked about. */
const trio: StepKind = {
  kind: 'trio',
  version: 1,
  run: async (_step, _inputs, ctx) => {
    const ask = (n: number) => ctx.effect({ kind: 'tool', name: `tool:${n}`, safety: 'unsafe', request: requestOf(n) })
    const ends = await Promise.allSettled([1, 2, 3].map(ask))
    return { output: ends.map(({ status }) => status) }
  },
}

/** An agent whose model makes three calls, then two, then none. */
const agent: StepKind = {
  kind: 'agent',
  version: 1,
  run: async (step, _inputs, ctx) => {
    let asked = 0
    const task = {
      step: step.id,
      request: { provider: 'p', model: 'm', messages: [] },
      pool: 'model',
      tools: [SEND],
      limits: { turns: 5, repeats: 3 },
      nextName: () => `model${asked++}`,
    }
    return { output: (await converse(ctx, task)).said.length }
  },
}

/** Fails until its attempt number is `until`. */
const stubborn: StepKind = {
  kind: 'stubborn',
  version: 1,
  run: async (step, _inputs, ctx) => {
    const output = await ctx.effect({ kind: 'model', safety: 'billable', request: { of: step.id } })
    if (step.attempt < Number(step.spec.until)) throw new StepFailure('not_yet', 'not yet')
    return { output }
  },
}

const planner: StepKind = {
  kind: 'planner',
  version: 1,
  run: async (step, _inputs, ctx) => {
    const [a, b, c] = [`${step.id}/a`, `${step.id}/b`, `${step.id}/c`]
    const outcomes = await ctx.propose('parts', [model(a), model(b), model(c, a, b)])
    return { output: outcomes.map(({ status }) => status) }
  },
}

export const KINDS: { readonly [kind: string]: StepKind } = { call, stubborn, planner, trio, agent }

const step = (id: string, spec: CallSpec, after: readonly string[]): GraphStep => ({
  id,
  kind: 'call',
  spec: { ...spec },
  after: after.map((name) => ({ step: name, on: 'always' })),
})

const model = (id: string, ...after: readonly string[]): GraphStep =>
  step(id, { kind: 'model', safety: 'billable' }, after)
const script = (id: string, ...after: readonly string[]): GraphStep =>
  step(id, { kind: 'script', safety: 'idempotent' }, after)
const deed = (id: string, ...after: readonly string[]): GraphStep =>
  step(id, { kind: 'script', safety: 'unsafe' }, after)
const pay = (id: string, ...after: readonly string[]): GraphStep =>
  step(id, { kind: 'payment', safety: 'unsafe' }, after)
const count = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i))
const chainOf = (length: number, make = model): GraphStep[] =>
  count(length, (i) => (i === 0 ? make('chain-0') : make(`chain-${i}`, `chain-${i - 1}`)))

/** Thirty steps: a fan-out, a chain and a join, model calls and idempotent scripts by turns. */
function makeThirty(make: typeof deed): GraphStep[] {
  const mixed = (id: string, i: number, ...after: string[]) => (i % 3 === 2 ? script : model)(id, ...after)
  const fan = count(10, (i) => mixed(`fan-${i}`, i))
  const chain = count(18, (i) => mixed(`chain-${i}`, i + 1, i === 0 ? 'fan-0' : `chain-${i - 1}`))
  return [...fan, ...chain, make('deed', 'chain-4'), model('join', ...fan.map(({ id }) => id), 'chain-17', 'deed')]
}

const GRAPHS = {
  thirty: makeThirty(script),
  'thirty-unsafe': makeThirty(deed),
  chain: chainOf(5),
  'fan-out': [...count(5, (i) => (i % 2 ? script : model)(`fan-${i}`)), model('join', ...count(5, (i) => `fan-${i}`))],
  retry: [
    step('flaky', { kind: 'model', safety: 'billable', fails: 2 }, []),
    { id: 'stubborn', kind: 'stubborn', spec: { until: 3 }, retry: { attempts: 3, delay_ms: 3 } },
    model('last', 'flaky', 'stubborn'),
  ],
  proposal: [model('first'), { id: 'plan', kind: 'planner', spec: {}, after: [{ step: 'first', on: 'always' }] }],
  unsafe: [model('first'), deed('deed', 'first'), model('last', 'deed')],
  /** Fifty events: three of the run, four of each step, three of a second try. */
  fifty: chainOf(11, (id, ...after) =>
    step(id, { kind: 'script', safety: 'idempotent', fails: id === 'chain-3' ? 1 : 0 }, after),
  ),
  payments: count(4, (i) => [
    model(`price-${i}`, ...(i === 0 ? [] : [`left-${i - 1}`])),
    pay(`left-${i}`, `price-${i}`),
    pay(`right-${i}`, `price-${i}`),
  ]).flat(),
  trio: [{ id: 'trio', kind: 'trio', spec: {} }],
  agents: count(3, (i) => ({
    id: `agent-${i}`,
    kind: 'agent',
    spec: {},
    after: i === 2 ? [{ step: 'agent-0', on: 'always' as const }] : [],
  })),
  heavy: count(40, (i) =>
    step(`heavy-${i}`, { kind: 'model', safety: 'billable', size: 30_000 }, i === 0 ? [] : [`heavy-${i - 1}`]),
  ),
  waits: [
    ...count(3, (i) => ({
      id: `wait-${i}`,
      kind: 'stubborn',
      spec: { until: 2 },
      retry: { attempts: 2, delay_ms: 300 + i * 100 },
    })),
    ...chainOf(40, script),
  ],
} satisfies { [name: string]: readonly GraphStep[] }

export type Workflow = keyof typeof GRAPHS

export const SMALL = ['chain', 'fan-out', 'retry', 'proposal', 'unsafe'] as const satisfies readonly Workflow[]

export function graphOf(workflow: Workflow): StepGraph {
  return { name: workflow, steps: GRAPHS[workflow] }
}
