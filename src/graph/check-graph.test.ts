import { describe, expect, test } from 'vitest'
import { checkGraph } from './check-graph.ts'
import { findCycles } from './cycles.ts'
import { phasesOf } from './phases.ts'
import type { StepGraph } from './step-graph.ts'

function graphOf(edges: { readonly [id: string]: readonly string[] }, output?: string): StepGraph {
  const steps = Object.entries(edges).map(([id, after]) => ({
    id,
    kind: 'x',
    spec: {},
    after: after.map((step) => ({ step, on: 'always' as const })),
  }))
  return { name: 'g', steps, ...(output === undefined ? {} : { output }) }
}

describe('B06 graphs', () => {
  test('B06 a sound graph has no problems', () => {
    expect(checkGraph(graphOf({ a: [], b: ['a'], c: ['a', 'b'] }, 'c'))).toEqual([])
  })

  test('B06 self loop, two-step circle, missing step, doubled id and lost output are all named', () => {
    const graph = graphOf({ a: ['a'], b: ['c'], c: ['b'], first: ['sceond'], second: [] }, 'lost')
    const { steps, ...rest } = graph
    const problems = checkGraph({ ...rest, steps: [...steps, { id: 'second', kind: 'x', spec: {} }] })
    expect(problems.map(({ code, message, hint }) => [code, message, hint])).toEqual([
      ['name_duplicate', 'two steps have the id "second"', undefined],
      ['dependency_unknown', 'step "first" waits for "sceond", which does not exist', 'Did you mean "second"?'],
      ['dependency_unknown', 'the output "lost" is not a step', undefined],
      ['dependency_cycle', 'steps wait for each other in a circle: a -> a', undefined],
      ['dependency_cycle', 'steps wait for each other in a circle: b -> c -> b', undefined],
    ])
  })

  test('B06 a circle of 100,000 steps is found without recursion', () => {
    const size = 100_000
    const [problem] = checkGraph(
      graphOf(Object.fromEntries(Array.from({ length: size }, (_, n) => [`s${n}`, [`s${(n + 1) % size}`]]))),
    )
    expect(problem?.code).toBe('dependency_cycle')
  })

  test('B06 ten thousand steps and a hundred thousand edges', () => {
    const graph = graphOf(
      Object.fromEntries(
        Array.from({ length: 10_000 }, (_, n) => [
          `s${n}`,
          Array.from({ length: Math.min(n, 10) }, (_, back) => `s${n - back - 1}`),
        ]),
      ),
    )
    const start = performance.now()
    expect(checkGraph(graph)).toEqual([])
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(phasesOf(graph)).toHaveLength(10_000)
  })

  test('B06 circles that hang together are reported once, what only leads to them is not part of the path', () => {
    const waits = new Map([
      ['lead', ['a']],
      ['a', ['b']],
      ['b', ['c', 'a']],
      ['c', ['a']],
      ['x', ['y']],
      ['y', ['x', 'tail']],
      ['tail', []],
    ])
    expect(findCycles(waits)).toEqual([
      ['a', 'b', 'c', 'a'],
      ['x', 'y', 'x'],
    ])
  })
})

describe('phases', () => {
  test('levels in the order of the graph', () => {
    const graph = graphOf({ g: ['e', 'f'], a: [], b: [], d: ['b', 'a'], e: ['d'], f: ['d'], lone: [] })
    expect(phasesOf(graph)).toEqual([['a', 'b', 'lone'], ['d'], ['e', 'f'], ['g']])
  })

  test('a step stands after the last of its dependencies; two edges to one step count as one wait', () => {
    expect(phasesOf(graphOf({ a: [], b: ['a'], c: ['a', 'b', 'b'] }))).toEqual([['a'], ['b'], ['c']])
    expect(phasesOf(graphOf({}))).toEqual([])
  })
})
