import { describe, expect, it } from 'vitest'
import { act, after, runControl } from '../../test/fixtures/control.ts'
import type { Json } from '../events/values.ts'
import type { GraphStep } from '../graph/step-graph.ts'

function loop(
  body: readonly GraphStep[],
  more: { readonly [key: string]: Json },
  on: readonly string[] = [],
): GraphStep {
  const graph = { name: 'body', steps: body } as unknown as Json
  return {
    id: 'l',
    kind: 'loop',
    spec: { body: graph, max_iterations: 5, ...more },
    ...(on.length > 0 ? after(...on) : {}),
  }
}

const count = act('n', 'input + 1')
const note = (run: Awaited<ReturnType<typeof runControl>>) =>
  run.events.flatMap(({ type, data }) => (type === 'note-written' && 'facts' in data ? [data.facts] : []))

describe('loop', () => {
  it('goes on until the condition holds, each round with what was carried', async () => {
    const run = await runControl([loop([count], { until: 'steps.n.output >= 3', carry: 'steps.n.output' })], {
      input: 0,
    })
    expect(run.steps['l']).toEqual({ status: 'succeeded', output: 3, verdict: { rounds: 3, ended: 'until' } })
    expect(Object.keys(run.steps)).toEqual(['l#1/n', 'l#2/n', 'l#3/n', 'l'])
    expect(note(run)).toEqual([{ about: 'loop', rounds: 3, ended: 'until', limit: 5 }])
    expect(run.status).toBe('succeeded')
  })

  it('ends at its limit and says so when the condition never holds', async () => {
    const run = await runControl([loop([count], { until: 'false' })], { input: 0 })
    expect(run.steps['l']).toEqual({ status: 'succeeded', output: 1, verdict: { rounds: 5, ended: 'limit' } })
    expect(note(run)).toEqual([{ about: 'loop', rounds: 5, ended: 'limit', limit: 5 }])
  })

  it('without carry every round gets the input of the loop', async () => {
    const run = await runControl([loop([count], { until: 'round == 3' })], { input: 7 })
    expect(run.steps['l#3/n']?.output).toBe(8)
    expect(run.steps['l']).toMatchObject({ output: 8, verdict: { rounds: 3, ended: 'until' } })
  })

  it('expressions see steps, output, input and round', async () => {
    const until = 'round == 2 && input == "again" && output == "x" && steps.n.status == "succeeded"'
    const run = await runControl([loop([act('n', '"x"')], { until, carry: '"again"' })])
    expect(run.steps['l']).toMatchObject({ verdict: { rounds: 2, ended: 'until' } })
  })

  it('steps of a round see each other by their names; several last steps make a map', async () => {
    const body = [
      count,
      act('twice', 'steps.n.output * 2', after('n')),
      act('square', 'steps.n.output * steps.n.output', after('n')),
    ]
    const run = await runControl([loop(body, { until: 'output.twice > 5', carry: 'output.square' })], { input: 0 })
    expect(run.steps['l']).toMatchObject({ output: { twice: 10, square: 25 }, verdict: { rounds: 3, ended: 'until' } })
  })

  it('a round that fails ends it as failed', async () => {
    const run = await runControl([loop([act('n', '1', { fails: 'input == 2' })], { carry: '2' })])
    expect(run.steps['l']).toMatchObject({
      status: 'failed',
      code: 'inner_failed',
      message: 'round 2 failed: n (planned: it was planned)',
    })
    expect(run.status).toBe('failed')
  })

  it('a round that goes on over a failure leaves the loop partial', async () => {
    const body = [act('bad', '1', { fails: 'true' }), act('n', '"done"', after('bad'))]
    const run = await runControl([loop(body, { max_iterations: 2 })])
    expect(run.steps['l']).toEqual({
      status: 'succeeded',
      output: 'done',
      verdict: { rounds: 2, ended: 'limit', partial: true, failed: ['l#1/bad', 'l#2/bad'] },
    })
    expect(run.status).toBe('partial')
  })

  it('an expression without a value ends it as failed, with the output so far', async () => {
    const run = await runControl([loop([act('n', '"words"')], { until: 'steps.n.output.score > 1' })])
    expect(run.steps['l']).toMatchObject({ status: 'failed', code: 'condition_failed', output: 'words' })
    expect(run.steps['l']?.message).toMatch(/^after round 1: until: /)
  })

  it('the first round gets the answers of the dependencies with the input', async () => {
    const body = [act('n', 'input.dependencies.a.k')]
    const run = await runControl([act('a', '{"k": 3}'), loop(body, { max_iterations: 1 }, ['a'])])
    expect(run.steps['l']).toMatchObject({ output: 3 })
  })
})
