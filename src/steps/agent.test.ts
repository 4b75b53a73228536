import { describe, expect, it } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { type Inputs, StepFailure, type StepView } from '../engine/step.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { agentStep } from './agent.ts'

const large = { profile: 'large', provider: 'openai', model: 'big', temperature: 0.2, timeout_ms: 9000 }
const small = {
  provider: 'ollama',
  model: 'tiny',
  base_url: 'http://localhost:1',
  options: { num_ctx: 9 },
  system: 'be brief',
}

function view(more: JsonObject = {}): StepView {
  const spec = { agent: 'a', title: 'A', system: 'be good', candidates: [large, small], blocks: [], ...more }
  return { id: 'a', kind: 'agent', attempt: 1, spec }
}

function say(text: string, finish = 'stop'): Json {
  return {
    content: [
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text },
    ],
    finish,
    usage: {},
  }
}

const hello: Inputs = { input: 'hello', dependencies: [] }
const down = new StepFailure('provider_unreachable', 'nobody there', { detail: 'ECONNREFUSED' })

async function failureOf(promise: Promise<unknown>): Promise<StepFailure> {
  const failure = await promise.catch((error: unknown) => error)
  if (failure instanceof StepFailure) return failure
  throw new Error('the step did not fail')
}

describe('agentStep', () => {
  it('asks the first candidate, and its text is the output', async () => {
    const ctx = new FakeContext(() => say('hi'))
    expect(await agentStep.run(view(), hello, ctx)).toEqual({ output: 'hi' })
    expect(ctx.asked).toEqual([
      {
        kind: 'model',
        name: 'model',
        safety: 'billable',
        pool: 'provider:openai',
        request: {
          provider: 'openai',
          model: 'big',
          temperature: 0.2,
          timeout_ms: 9000,
          messages: [
            { role: 'system', content: [{ type: 'text', text: 'be good' }] },
            { role: 'user', content: [{ type: 'text', text: 'hello' }] },
          ],
        },
      },
    ])
    expect(ctx.recorded).toEqual([
      { type: 'step-routed', facts: { profile: 'large', provider: 'openai', model: 'big', reason: 'configured' } },
    ])
  })

  it('takes the next candidate when one fails, and says why', async () => {
    const ctx = new FakeContext((_, index) => (index === 0 ? down : say('from tiny')))
    expect(await agentStep.run(view(), hello, ctx)).toEqual({ output: 'from tiny' })
    expect(ctx.asked.map(({ name, pool }) => [name, pool])).toEqual([
      ['model', 'provider:openai'],
      ['model~1', 'provider:ollama'],
    ])
    const request = ctx.asked[1]?.request as unknown as ModelRequest
    expect(request).toMatchObject({ base_url: 'http://localhost:1', options: { num_ctx: 9 } })
    expect(request.messages[0]?.content).toEqual([{ type: 'text', text: 'be brief' }])
    expect(ctx.recorded[1]?.facts).toEqual({
      provider: 'ollama',
      model: 'tiny',
      reason: 'fallback',
      from: 'large',
      because: 'provider_unreachable',
    })
  })

  it('an empty answer falls back too', async () => {
    const ctx = new FakeContext((_, index) => (index === 0 ? say(' \n', 'length') : say('text')))
    expect(await agentStep.run(view(), hello, ctx)).toEqual({ output: 'text' })
    expect(ctx.recorded[1]?.facts).toMatchObject({ because: 'empty_answer' })
  })

  it('fails with the last code and names everyone it tried', async () => {
    const ctx = new FakeContext((_, index) => (index === 0 ? say('') : down))
    const failure = await failureOf(agentStep.run(view(), hello, ctx))
    expect(failure.code).toBe('provider_unreachable')
    expect(failure.message).toBe(
      'no model answered: large (empty_answer: large answered without text (stop)); ollama/tiny (provider_unreachable: nobody there)',
    )
    expect(failure.detail).toBe('ECONNREFUSED')
  })

  it.each(['aborted', 'calls_exhausted', 'step_diverged'])('does not fall back after %s', async (code) => {
    const ctx = new FakeContext(() => new StepFailure(code, 'over'))
    expect(await failureOf(agentStep.run(view(), hello, ctx))).toMatchObject({ code, message: 'over' })
    expect(ctx.asked).toHaveLength(1)
  })

  it('a broken program is no reason to fall back', async () => {
    const ctx = new FakeContext(() => {
      throw new TypeError('bug')
    })
    await expect(agentStep.run(view(), hello, ctx)).rejects.toThrow(TypeError)
    expect(ctx.asked).toHaveLength(1)
  })

  it('keeps an answer that was cut, with a note', async () => {
    const ctx = new FakeContext(() => say('half an', 'length'))
    expect(await agentStep.run(view(), hello, ctx)).toEqual({ output: 'half an' })
    expect(ctx.recorded[1]).toEqual({
      type: 'note-written',
      facts: { about: 'finish', finish: 'length', provider: 'openai', model: 'big' },
    })
  })

  it('reads its dependencies in labelled blocks, also those that failed', async () => {
    const ctx = new FakeContext(() => say('ok'))
    const spec = { blocks: [{ step: 'one', label: 'one (First)' }], instruct: 'Merge.' }
    const dependencies = [
      { step: 'one', status: 'succeeded', output: 'uno' },
      { step: 'two', status: 'failed', code: 'timeout', message: 'too slow' },
    ] as const
    await agentStep.run(view(spec), { input: 'count', dependencies }, ctx)
    const request = ctx.asked[0]?.request as unknown as ModelRequest
    const text = request.messages[1]?.content[0]
    expect(text).toMatchObject({ text: expect.stringContaining('## Answer of one (First)\n\n```\nuno\n```') })
    expect(text).toMatchObject({ text: expect.stringContaining('two\n\nIt failed (timeout: too slow).') })
    expect(text).toMatchObject({ text: expect.stringMatching(/Merge\.$/) })
  })

  it('sends images and files beside the text', async () => {
    const ctx = new FakeContext(() => say('a cat'))
    const input = {
      text: 'what is it?',
      images: [{ media_type: 'image/png', data: 'aaaa' }, { media_type: 'image/png' }],
      files: [{ media_type: 'text/plain', data: 'bbbb', name: 'b.txt' }],
    }
    await agentStep.run(view(), { input, dependencies: [] }, ctx)
    const request = ctx.asked[0]?.request as unknown as ModelRequest
    expect(request.messages[1]?.content).toEqual([
      { type: 'text', text: 'what is it?' },
      { type: 'file', media_type: 'image/png', data: 'aaaa' },
      { type: 'file', media_type: 'text/plain', data: 'bbbb', name: 'b.txt' },
    ])
  })

  it('other JSON as input is its text', async () => {
    const ctx = new FakeContext(() => say('ok'))
    await agentStep.run(view({ system: '' }), { input: { a: [1] }, dependencies: [] }, ctx)
    const request = ctx.asked[0]?.request as unknown as ModelRequest
    expect(request.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: '{"a":[1]}' }] }])
  })
})
