import { describe, expect, it } from 'vitest'
import { act, after, runControl } from '../../test/fixtures/control.ts'
import type { Json } from '../events/values.ts'
import type { GraphStep } from '../graph/step-graph.ts'

function nested(
  steps: readonly GraphStep[],
  more: Partial<GraphStep> & { readonly output?: string; readonly rules?: Json } = {},
): GraphStep {
  const { output, rules, ...rest } = more
  const graph = { name: 'inner', steps, ...(output === undefined ? {} : { output }) } as unknown as Json
  return {
    id: 'sub',
    kind: 'nested',
    spec: { ensemble: 'inner', graph, ...(rules === undefined ? {} : { rules }) },
    ...rest,
  }
}

describe('nested: its output', () => {
  it('of its only last step', async () => {
    const run = await runControl([nested([act('a', '1'), act('b', 'steps.a.output + 1', after('a'))])])
    expect(run.steps).toEqual({
      'sub/a': { status: 'succeeded', output: 1 },
      'sub/b': { status: 'succeeded', output: 2 },
      sub: { status: 'succeeded', output: 2 },
    })
  })

  it('of several last steps by their names, without those that were skipped', async () => {
    const steps = [
      act('a', '1'),
      act('b', '2'),
      act('c', '3', { fails: 'true' }),
      act('d', '4', { after: [{ step: 'a', on: 'failure' }] }),
    ]
    const run = await runControl([nested(steps)])
    expect(run.steps['sub']).toEqual({
      status: 'succeeded',
      output: { b: 2, c: null },
      verdict: { partial: true, failed: ['sub/c'] },
    })
    expect(run.status).toBe('partial')
  })

  it('of the step that the graph names', async () => {
    const run = await runControl([nested([act('a', '1'), act('b', '2')], { output: 'a' })])
    expect(run.steps['sub']).toEqual({ status: 'succeeded', output: 1 })
  })

  it('fails when no last step succeeded, and names why', async () => {
    const run = await runControl([nested([act('a', '1'), act('b', '2', { fails: 'true', ...after('a') })])])
    expect(run.steps['sub']).toMatchObject({
      status: 'failed',
      code: 'inner_failed',
      message: 'the ensemble "inner" failed: b (planned: it was planned)',
    })
  })

  it('a condition that cannot be computed is named with the step it gates', async () => {
    const when: GraphStep = { id: 'a/when', kind: 'condition', spec: { expression: 'input.no' } }
    const run = await runControl([nested([when, act('a', '1', { after: [{ step: 'a/when', on: 'verdict' }] })])])
    expect(run.steps['sub']?.message).toMatch(/^the ensemble "inner" failed: a\/when \(condition_failed: when: /)
  })

  it('a step that is called like a condition is one like others', async () => {
    const when: GraphStep = { id: 'a/when', kind: 'condition', spec: { expression: 'false' } }
    const steps = [act('when', '1'), when, act('a', '2', { after: [{ step: 'a/when', on: 'verdict' }] })]
    const run = await runControl([nested(steps)])
    expect(run.steps['sub']).toEqual({ status: 'succeeded', output: { when: 1 } })
  })

  it('is no failure when conditions skipped all of it', async () => {
    const when: GraphStep = { id: 'a/when', kind: 'condition', spec: { expression: 'false' } }
    const run = await runControl([nested([when, act('a', '1', { after: [{ step: 'a/when', on: 'verdict' }] })])])
    expect(run.steps['sub/a']).toEqual({ status: 'skipped', reason: 'condition' })
    expect(run.steps['sub']).toEqual({ status: 'succeeded', output: null })
    expect(run.status).toBe('succeeded')
  })

  it('one that goes on over a failure inside says so, however deep it stands', async () => {
    const steps = [act('bad', '1', { fails: 'true' }), act('good', '2', after('bad'))]
    const inside = { ...nested(steps), id: 'in' }
    const run = await runControl([nested([inside])])
    expect(run.steps['sub/in']).toMatchObject({ output: 2, verdict: { partial: true, failed: ['sub/in/bad'] } })
  })
})

describe('nested: what its steps see', () => {
  const look = act('look', '{"input": input, "sees": sees}')
  const a = act('a', '{"k": [1]}')

  it('the input as it is when it has no dependencies', async () => {
    const run = await runControl([nested([look])], { input: { text: 'hello' } })
    expect(run.steps['sub']?.output).toEqual({ input: { text: 'hello' }, sees: [] })
  })

  it('the input and every answer as one input otherwise', async () => {
    const bad = act('bad', '1', { fails: 'true' })
    const run = await runControl([a, bad, nested([look], after('a', 'bad'))], { input: 'a question' })
    expect(run.steps['sub']?.output).toEqual({
      input: {
        text: '## Input\n\n```\na question\n```\n\n## Answer of a\n\n```\n{\n  "k": [\n    1\n  ]\n}\n```\n\n## No answer of bad\n\nIt failed (planned: it was planned).',
        input: 'a question',
        dependencies: { a: { k: [1] }, bad: null },
      },
      sees: [],
    })
  })

  it('one answer alone as it is, when the original input is left out', async () => {
    const run = await runControl([a, nested([look], { ...after('a'), rules: { input_scope: 'dependencies' } })])
    expect(run.steps['sub']?.output).toMatchObject({ input: { k: [1] } })
  })

  it('one key of the first answer', async () => {
    const run = await runControl([a, nested([look], { ...after('a'), rules: { input_key: 'k' } })])
    expect(run.steps['sub']?.output).toMatchObject({ input: [1] })
    const wrong = await runControl([a, nested([look], { ...after('a'), rules: { input_key: 'no' } })])
    expect(wrong.steps['sub']).toMatchObject({ status: 'failed', code: 'input_key_missing' })
  })

  it('images that came with the input stay beside the text', async () => {
    const input = { text: 'what is it?', images: [{ media_type: 'image/png', data: 'aaaa' }] }
    const run = await runControl([a, nested([look], after('a'))], { input })
    expect(run.steps['sub']?.output).toMatchObject({ input: { images: input.images, input } })
  })
})

describe('dispatch', () => {
  const dispatch = (ensemble: string, more: Partial<GraphStep> = {}): GraphStep => ({
    id: 'go',
    kind: 'dispatch',
    spec: { ensemble },
    ...more,
  })

  it('runs the ensemble that an expression names, and the journal holds which', async () => {
    const pick = act('pick', '{"route": "two"}')
    const ensembles = { one: [act('x', '1')], two: [act('y', 'input.dependencies.pick.route')] }
    const run = await runControl([pick, dispatch('steps.pick.output.route', after('pick'))], {
      ensembles,
      cuts: () => [],
    })
    expect(run.steps['go']).toEqual({ status: 'succeeded', output: 'two' })
    expect(Object.keys(run.steps)).toEqual(['pick', 'go/y', 'go'])
    expect(run.asked).toEqual(['two'])
  })

  it.each([['"nowhere"'], ['"__proto__"'], ['""'], ['7'], ['input.missing']])('fails closed for %s', async (name) => {
    const run = await runControl([dispatch(name)], { ensembles: { one: [act('x', '1')] }, input: {} })
    const code = name === 'input.missing' ? 'condition_failed' : 'ensemble_missing'
    expect(run.steps).toEqual({ go: expect.objectContaining({ status: 'failed', code }) })
  })

  it('one that dispatches to itself ends at the limit of depth', async () => {
    const run = await runControl([dispatch('"self"')], { ensembles: { self: [dispatch('"self"')] } })
    expect(run.steps['go/go/go/go/go/go']).toMatchObject({ status: 'failed', code: 'ensemble_too_deep' })
    expect(Object.keys(run.steps)).toHaveLength(6)
    expect(run.status).toBe('failed')
  })

  it('through items and rounds too', async () => {
    const items: GraphStep = {
      id: 'e',
      kind: 'each',
      spec: { over: '[1]', step: dispatch('"self"') as unknown as Json },
    }
    const body = { name: 'b', steps: [items] } as unknown as Json
    const rounds: GraphStep = { id: 'r', kind: 'loop', spec: { body, max_iterations: 1 } }
    const run = await runControl([rounds], { ensembles: { self: [rounds] } })
    expect(Object.values(run.steps).map(({ code }) => code)).toContain('ensemble_too_deep')
    expect(run.status).toBe('failed')
  })
})
