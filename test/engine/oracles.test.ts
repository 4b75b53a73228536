/** Rows that the older systems' own tests hold, on what does the same work here. */
import { expect, test } from 'vitest'
import type { Executor } from '../../src/engine/effect.ts'
import type { StepKind } from '../../src/engine/step.ts'
import type { Event } from '../../src/events/event.ts'
import { progressView, totalsOf } from '../../src/events/views/progress.ts'
import { findCycles } from '../../src/graph/cycles.ts'
import { phasesOf } from '../../src/graph/phases.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { type LawOptions, runWithLaws } from '../laws.ts'

const calling: StepKind = {
  kind: 'calling',
  version: 1,
  run: async (step, _, ctx) => ({
    output: await ctx.effect({ kind: 'world', safety: 'pure', request: step.spec['takes'] ?? 0 }),
  }),
}

const steps = (...edges: readonly (readonly [string, ...string[]])[]): GraphStep[] =>
  edges.map(([id, ...after]) => ({
    id,
    kind: 'calling',
    spec: {},
    after: after.map((other) => ({ step: other, on: 'success' as const })),
  }))

function optionsWith(executor: Executor['run'], limits: object = {}): LawOptions {
  const plan = { limits: { tries: 1, calls_per_step: 20, backoff_ms: 1, backoff_cap_ms: 1, ...limits } }
  return { kinds: { calling }, executors: () => ({ world: { kind: 'world', run: executor } }), plan, cuts: () => [] }
}

const succeed: Executor['run'] = async () => ({ ok: true, answer: 1 })

test('backoff doubles from 1000 to its cap of 5000, with at most half of it taken away by jitter', async () => {
  const fail: Executor['run'] = async () => ({ ok: false, code: 'flaky', message: 'no', touched: 'no', retry: true })
  const options = optionsWith(fail, { tries: 6, backoff_ms: 1000, backoff_cap_ms: 5000 })
  const { events } = await runWithLaws({ name: 'g', steps: steps(['a']) }, options)
  const at = (type: Event['type']) => events.filter((event) => event.type === type).map((event) => event.at)
  const waits = at('timer-fired').map((fired, index) => fired - (at('effect-failed')[index] ?? 0))
  const full = [1000, 2000, 4000, 5000, 5000]
  expect(waits).toHaveLength(full.length)
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeLessThanOrEqual(full[index] ?? 0)
    expect(wait).toBeGreaterThanOrEqual((full[index] ?? 0) / 2)
  }
})

test.each([
  ['linear', steps(['t1'], ['t2', 't1'], ['t3', 't2']), [['t1'], ['t2'], ['t3']]],
  ['parallel', steps(['t1'], ['t2'], ['t3']), [['t1', 't2', 't3']]],
  ['diamond', steps(['t1'], ['t2', 't1'], ['t3', 't1'], ['t4', 't2', 't3']), [['t1'], ['t2', 't3'], ['t4']]],
  ['two levels', steps(['t1'], ['t2'], ['t3', 't1', 't2']), [['t1', 't2'], ['t3']]],
  ['after the first', steps(['t1'], ['t2', 't1'], ['t3']), [['t1', 't3'], ['t2']]],
])('levels, and what starts when: %s', async (_, graph, levels) => {
  expect(phasesOf({ name: 'g', steps: graph })).toEqual(levels)
  const { events } = await runWithLaws({ name: 'g', steps: graph }, optionsWith(succeed))
  const first = events.flatMap((event) => (event.type === 'step-finished' ? [event.seq] : []))[0] ?? 0
  const started = events.flatMap((event) => (event.type === 'step-started' ? [event] : []))
  expect(started.filter(({ seq }) => seq < first).map(({ data }) => data.step)).toEqual(levels[0])
  const ended = new Map(
    events.flatMap((event) => (event.type === 'step-finished' ? [[event.data.step, event.seq]] : [])),
  )
  for (const { data, seq } of started)
    for (const { step } of graph.find(({ id }) => id === data.step)?.after ?? [])
      expect(ended.get(step)).toBeLessThan(seq)
})

test('circles of two and three are found', () => {
  expect(
    findCycles(
      new Map([
        ['a', ['b']],
        ['b', ['a']],
      ]),
    ),
  ).toEqual([['a', 'b', 'a']])
  expect(
    findCycles(
      new Map([
        ['1', ['3']],
        ['2', ['1']],
        ['3', ['2']],
      ]),
    ).map((cycle) => cycle.length),
  ).toEqual([4])
})

test('progress of three steps goes 0, 33, 67, 100', async () => {
  const { events } = await runWithLaws({ name: 'g', steps: steps(['a'], ['b', 'a'], ['c', 'b']) }, optionsWith(succeed))
  const progress = progressView.initial()
  const seen = new Set<number>()
  for (const event of events) {
    progressView.evolve(progress, event)
    if (totalsOf(progress).total > 0) seen.add(totalsOf(progress).percentage)
  }
  expect([...seen]).toEqual([0, 33, 67, 100])
})
