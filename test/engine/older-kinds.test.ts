/** Runs that earlier versions of the kinds of control flow began go on, and verify, under those of today. */
import { expect, test } from 'vitest'
import type { StepKind } from '../../src/engine/step.ts'
import type { Json } from '../../src/events/values.ts'
import { gracefulSpec } from '../../src/graph/graceful.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { gracefulStep, portionStep } from '../../src/steps/graceful.ts'
import { act, after, controlKinds } from '../fixtures/control.ts'
import { type LawOptions, resumeFrom, runWithLaws } from '../laws.ts'

const today: LawOptions['kinds'] = { ...controlKinds, graceful: gracefulStep, portion: portionStep }

function olderOf(kind: StepKind): StepKind {
  const run = kind.older?.[1]
  return run ? { kind: kind.kind, version: 1, run } : kind
}

const bad = act('bad', '1', { fails: 'true' })
const partly: readonly GraphStep[] = [bad, act('good', '2', after('bad'))]
const nested = (id: string, steps: readonly GraphStep[], more: Partial<GraphStep> = {}): GraphStep => ({
  id,
  kind: 'nested',
  spec: { ensemble: 'inner', graph: { name: 'inner', steps } } as never,
  ...more,
})
const condition = (id: string, expression: string, ...before: readonly string[]): GraphStep => ({
  id,
  kind: 'condition',
  spec: { expression },
  ...after(...before),
})

const GRAPHS: { readonly [name: string]: readonly GraphStep[] } = {
  nested: [nested('outer', [nested('inner', partly)]), condition('w', 'steps.outer.partial', 'outer')],
  each: [
    { id: 'items', kind: 'each', spec: { over: '[1, 2]', step: nested('items', partly) as unknown as Json } },
    condition('w', 'size(steps.items)', 'items'),
  ],
  loop: [
    {
      id: 'again',
      kind: 'loop',
      spec: {
        body: { name: 'b', steps: [nested('in', partly)] },
        until: 'size(steps.in) > 3',
        max_iterations: 2,
      } as unknown as GraphStep['spec'],
    },
  ],
  dispatch: [{ id: 'sent', kind: 'dispatch', spec: { ensemble: '"found"' } }, act('end', '1', after('sent'))],
  graceful: [
    {
      id: 'g',
      kind: 'graceful',
      spec: gracefulSpec({ name: 'g', steps: partly }, { limits: { max_calls: 9 }, candidates: [] }),
    },
  ],
}

const found: StepGraph = { name: 'found', steps: partly, budget: { limits: { max_calls: 9 }, on_limit: 'ask' } }

test.each(Object.keys(GRAPHS))('%s', async (name) => {
  const executors: LawOptions['executors'] = () => ({
    definition: {
      kind: 'definition',
      run: async () => ({ ok: true, answer: { name: 'found', graph: found as never } }),
    },
  })
  const kinds = Object.fromEntries(Object.entries(today).map(([key, kind]) => [key, olderOf(kind)]))
  const graph = { name: 'old', steps: GRAPHS[name] ?? [] }
  const { events, room } = await runWithLaws(graph, { kinds, cuts: () => [], executors })
  const versions = new Set<number>()
  for (let cut = 1; cut < events.length; cut += 1) {
    const resumed = await resumeFrom(events, { cut, room, options: { kinds: today, executors } })
    expect(resumed.at(-1)?.type).toBe('run-finished')
    for (const event of resumed) if (event.type === 'step-started') versions.add(event.data.version)
  }
  expect([...versions].sort()).toEqual([1, 2])
})
