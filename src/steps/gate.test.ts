import { describe, expect, it } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { type Inputs, StepFailure } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import { gateStep } from './gate.ts'

const inputs: Inputs = {
  input: { topic: 'tea' },
  dependencies: [{ step: 'draft', status: 'succeeded', output: 'A draft.' }],
}

async function ask(
  answers: readonly (Json | StepFailure)[],
  spec: { question?: string; wants?: 'approval' | 'text' } = {},
) {
  const ctx = new FakeContext((_, index) => answers[index] ?? 'yes')
  const step = { id: 'check', kind: 'gate', attempt: 1, spec: { question: 'Fit?', wants: 'approval', ...spec } }
  const result = await gateStep.run(step, inputs, ctx).catch((error: unknown) => error)
  return { result, asked: ctx.asked }
}

describe('a gate', () => {
  it('asks with the question filled in, as an effect that waits for a person', async () => {
    const { asked, result } = await ask(['yes'], { question: '{{ input.topic }}: {{ steps["draft"].output }} Fit?' })
    expect(asked).toEqual([
      {
        kind: 'ask',
        name: 'gate',
        safety: 'pure',
        request: { question: 'tea: A draft. Fit?', options: ['yes', 'no'] },
      },
    ])
    expect(result).toEqual({ output: 'approved', verdict: true })
  })

  it.each(['y', 'YES', ' ok ', 'approve', true])('%j lets it go on', async (answer) => {
    expect((await ask([answer])).result).toMatchObject({ verdict: true })
  })

  it.each(['n', 'No', 'reject', false, ''])('%j ends it', async (answer) => {
    expect((await ask([answer])).result).toMatchObject({ code: 'gate_rejected', output: 'rejected' })
  })

  it('what is neither yes nor no is asked about again, but not for ever', async () => {
    const again = await ask(['perhaps', { maybe: 1 }, 'no'])
    expect(again.asked.map(({ name }) => name)).toEqual(['gate', 'gate~2', 'gate~3'])
    expect(again.asked[1]?.request).toMatchObject({ question: 'Fit?\n\nPlease answer yes or no.' })
    expect(again.result).toMatchObject({ code: 'gate_rejected' })
    const stubborn = await ask(Array<string>(9).fill('perhaps'))
    expect(stubborn.asked).toHaveLength(5)
    expect(stubborn.result).toMatchObject({ code: 'gate_rejected', message: '5 answers were neither yes nor no' })
  })

  it('one that wants text takes whatever is written', async () => {
    const { asked, result } = await ask(['Shorter, please.'], { wants: 'text' })
    expect(asked[0]?.request).toEqual({ question: 'Fit?' })
    expect(result).toEqual({ output: 'Shorter, please.', verdict: true })
    expect((await ask([{ a: 1 }], { wants: 'text' })).result).toMatchObject({ output: '{"a":1}' })
  })

  it('a question that cannot be filled, and a refused answer, are its failure', async () => {
    expect((await ask([], { question: '{{ steps.gone.output }}' })).result).toMatchObject({
      code: 'template_unresolved',
    })
    const failure = new StepFailure('resolved_as_failed', 'a person found that it failed')
    expect((await ask([failure])).result).toBe(failure)
  })
})
