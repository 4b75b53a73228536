import { describe, expect, it } from 'vitest'
import { act, after, runControl } from '../../test/fixtures/control.ts'
import type { GraphStep } from '../graph/step-graph.ts'

const when = (expression: string, ...on: readonly string[]): GraphStep => ({
  id: 'b/when',
  kind: 'condition',
  spec: { expression },
  ...after(...on),
})
const gated = (...on: readonly string[]): GraphStep => {
  const { after: edges = [] } = after(...on)
  return act('b', '"ran"', { after: [...edges, { step: 'b/when', on: 'verdict' }] })
}

describe('condition', () => {
  it.each([
    ['steps.a.output.route == "code"', true],
    ['steps.a.output.route == "prose"', false],
    ['steps.a.status == "succeeded" && input == "the input"', true],
    ['steps.a.output.score > 0.5', true],
    ['steps.a.output.list', false],
    ['steps.a.output.route', true],
    ['steps.a.output.zero', false],
  ])('%s', async (expression, holds) => {
    const steps = [
      act('a', '"{\\"route\\": \\"code\\", \\"score\\": 0.7, \\"list\\": [], \\"zero\\": 0}"'),
      when(expression, 'a'),
      gated('a'),
    ]
    const run = await runControl(steps)
    expect(run.steps['b/when']).toMatchObject({ status: 'succeeded', verdict: holds })
    expect(run.steps['b']).toEqual(
      holds ? { status: 'succeeded', output: 'ran' } : { status: 'skipped', reason: 'condition' },
    )
    expect(run.status).toBe('succeeded')
  })

  it('an expression without a value is a failure that says why, and opens nothing', async () => {
    const run = await runControl([act('a', '"words"'), when('steps.a.output.route == 1', 'a'), gated('a')])
    expect(run.steps['b/when']).toMatchObject({ status: 'failed', code: 'condition_failed' })
    expect(run.steps['b/when']?.message).toMatch(/^when: "steps.a.output.route == 1": /)
    expect(run.steps['b']).toEqual({ status: 'skipped', reason: 'condition' })
  })

  it('sees that a step failed', async () => {
    const steps = [act('a', '1', { fails: 'true' }), when('steps.a.status == "failed"', 'a'), gated('a')]
    const run = await runControl(steps)
    expect(run.steps['b']).toMatchObject({ status: 'succeeded' })
    expect(run.status).toBe('partial')
  })
})
