import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Executor } from '../../src/engine/effect.ts'
import type { Policy } from '../../src/engine/policy.ts'
import { type Inputs, type StepContext, StepFailure, type StepKind, type StepResult } from '../../src/engine/step.ts'
import type { Event } from '../../src/events/event.ts'
import type { Json } from '../../src/events/values.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { runWithLaws } from '../laws.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')

type Body = (inputs: Inputs, ctx: StepContext) => Promise<StepResult>

/** Says what it sees. */
const look: Body = async ({ input, dependencies }) => ({
  output: { input, sees: dependencies.map(({ step, output = null }) => [step, output]) },
})

/** Runs steps whose code is picked by `spec.body`, under the four laws. */
async function run(bodies: { readonly [name: string]: Body }, steps: readonly GraphStep[]) {
  const code: StepKind = {
    kind: 'code',
    version: 1,
    run: (step, inputs, ctx) => (({ look, ...bodies })[step.spec.body as string] as Body)(inputs, ctx),
  }
  const { events } = await runWithLaws({ name: 'sight', steps }, { kinds: { code }, executors: () => ({}) })
  expect(findViolations(events, sha256)).toEqual([])
  return { events, outputs: Object.fromEntries(events.flatMap(outputOf)) }
}

function outputOf(event: Event): [string, Json][] {
  if (event.type !== 'step-finished') return []
  return [[event.data.step, JSON.parse(event.data.output.inline?.text ?? 'null') as Json]]
}

const step = (id: string, body: string, more: Partial<GraphStep> = {}): GraphStep => ({
  id,
  kind: 'code',
  spec: { body },
  ...more,
})
const gated = (name: string): Partial<GraphStep> => ({ after: [{ step: name, on: 'verdict' }] })
const ends = (events: readonly Event[]) =>
  events.flatMap((event) => (event.type === 'run-finished' ? [event.data.status] : []))
const skips = (events: readonly Event[]) =>
  events.flatMap((event) => (event.type === 'step-skipped' ? [[event.data.step, event.data.reason]] : []))

test('a proposed step sees its own input, else that of the nearest step above it, else the run’s', async () => {
  const { outputs } = await run(
    {
      outer: async (_, ctx) => {
        await ctx.propose('c', [step('o/a', 'look'), step('o/b', 'inner', { input: { item: 1 } })])
        return { output: null }
      },
      inner: async ({ input }, ctx) => {
        await ctx.propose('c', [step('o/b/x', 'look')])
        return { output: input }
      },
    },
    [step('o', 'outer')],
  )
  expect(outputs).toMatchObject({
    'o/a': { input: 'the input', sees: [] },
    'o/b': { item: 1 },
    'o/b/x': { input: { item: 1 }, sees: [] },
  })
})

test('a proposed step inherits what it is handed of its proposer’s dependencies, through every level', async () => {
  const { outputs } = await run(
    {
      outer: async (_, ctx) => {
        await ctx.propose('c', [step('o/a', 'inner', { inherit: ['y'] })])
        return { output: null }
      },
      inner: async (_, ctx) => {
        const own = { inherit: ['y'], after: [{ step: 'o/a/x', on: 'always' as const }] }
        await ctx.propose('c', [step('o/a/x', 'say'), step('o/a/z', 'look', own)])
        return { output: null }
      },
      say: async () => ({ output: 'said' }),
    },
    [
      step('x', 'say'),
      step('y', 'say'),
      step('o', 'outer', { after: ['x', 'y'].map((name) => ({ step: name, on: 'always' as const })) }),
    ],
  )
  expect(outputs['o/a/z']).toMatchObject({
    sees: [
      ['y', 'said'],
      ['o/a/x', 'said'],
    ],
  })
})

test('nothing can be handed on that the proposer does not see itself', async () => {
  const { events } = await run(
    {
      say: async () => ({ output: 'secret' }),
      blind: async (_, ctx) => {
        await ctx.propose('c', [step('o/a', 'look', { inherit: ['x'] })])
        return { output: null }
      },
    },
    [step('x', 'say'), step('o', 'blind')],
  )
  const failed = events.filter((event) => event.type === 'step-failed')
  expect(failed).toMatchObject([{ data: { step: 'o', code: 'bad_proposal' } }])
  expect(events.some((event) => event.type === 'steps-added' && 'proposal' in event.data)).toBe(false)
})

test('a verdict edge opens for true alone and shows no content; whoever it holds back is skipped by the condition', async () => {
  const { events, outputs } = await run(
    {
      yes: async () => ({ output: 'hidden', verdict: true }),
      no: async () => ({ output: 'hidden', verdict: false }),
      broken: async () => {
        throw new StepFailure('condition_failed', 'no such field')
      },
    },
    [
      step('yes', 'yes'),
      step('no', 'no'),
      step('broken', 'broken'),
      step('a', 'look', gated('yes')),
      step('b', 'look', gated('no')),
      step('c', 'look', gated('broken')),
      step('d', 'look', { after: [{ step: 'b', on: 'always' }] }),
    ],
  )
  expect(outputs['a']).toMatchObject({ sees: [] })
  expect(skips(events).toSorted()).toEqual([
    ['b', 'condition'],
    ['c', 'condition'],
    ['d', 'dependencies-skipped'],
  ])
  expect(ends(events)).toEqual(['partial'])
})

test('a step that went on over failures inside it makes the run partial', async () => {
  const body: Body = async () => ({ output: [1, null], verdict: { partial: true } })
  const { events } = await run({ most: body }, [step('a', 'most')])
  expect(ends(events)).toEqual(['partial'])
})

test('S01 a label that came with an answer is carried by everything that comes of it, and by nothing else', async () => {
  const seen = new Map<string, readonly string[]>()
  const policy: Policy = {
    judge: ({ step, labels }) => {
      seen.set(step, labels)
      return { verdict: 'allow' }
    },
  }
  const touch: Body = async (_, ctx) => ({
    output: await ctx.effect({ kind: 'fake', safety: 'pure', request: 'touch' }),
  })
  const bodies: { readonly [name: string]: Body } = {
    touch,
    read: async (_, ctx) => ({ output: await ctx.effect({ kind: 'fake', safety: 'pure', request: 'read' }) }),
    over: async (_, ctx) => {
      const [child] = await ctx.propose('c', [step('over/x', 'read')])
      return { output: [child?.output ?? null, await ctx.effect({ kind: 'fake', safety: 'pure', request: 'touch' })] }
    },
    under: async (_, ctx) => {
      await ctx.propose('c', [step('under/x', 'touch')])
      return { output: null }
    },
  }
  const on = (id: string) => ({ after: [{ step: id, on: 'always' as const }] })
  const steps = [
    step('read', 'read'),
    step('clean', 'touch'),
    step('next', 'touch', on('read')),
    step('third', 'touch', on('next')),
    step('over', 'over'),
    step('under', 'under', on('read')),
  ]
  const code: StepKind = {
    kind: 'code',
    version: 1,
    run: (view, inputs, ctx) => (bodies[view.spec.body as string] as Body)(inputs, ctx),
  }
  const run: Executor['run'] = async ({ request }) => ({
    ok: true,
    answer: request,
    ...(request === 'read' ? { labels: ['outside'] } : {}),
  })
  await runWithLaws(
    { name: 'labels', steps },
    { kinds: { code }, executors: () => ({ fake: { kind: 'fake', run } }), policy },
  )
  const labelled = [...seen].filter(([, labels]) => labels.includes('outside')).map(([id]) => id)
  expect(labelled.toSorted()).toEqual(['next', 'over', 'third', 'under/x'])
})
