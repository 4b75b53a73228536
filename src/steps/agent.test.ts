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
  options: { num_ctx: 9000 },
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
        need: { input_tokens: 28, output_tokens: 8192, least_output: 256, open: true },
      },
    ])
    expect(ctx.recorded).toEqual([
      { type: 'step-routed', facts: { profile: 'large', provider: 'openai', model: 'big', reason: 'configured' } },
      {
        type: 'context-built',
        facts: { effect: 'model', messages: 2, tokens: 28, method: 'bounded', prefix: 0, of: { system: 10, user: 10 } },
      },
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
    expect(request).toMatchObject({ base_url: 'http://localhost:1', options: { num_ctx: 9000 } })
    expect(request.messages[0]?.content).toEqual([{ type: 'text', text: 'be brief' }])
    expect(ctx.recorded[2]?.facts).toEqual({
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
    expect(ctx.recorded[2]?.facts).toMatchObject({ because: 'empty_answer' })
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
    expect(ctx.recorded[2]).toEqual({
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

  describe('typed output', () => {
    const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } }
    const textOf = (ctx: FakeContext, call: number) => {
      const request = ctx.asked[call]?.request as unknown as ModelRequest
      return request.messages.map(({ role, content }) => [role, content[0]])
    }

    it('is the JSON of the answer, cut out of its prose and mended; the provider is asked for it', async () => {
      const ctx = new FakeContext(() => say("Sure:\n```json\n{n: 3, // three\n'x': [1,],}\n```\nDone."))
      expect(await agentStep.run(view({ output_schema: schema }), hello, ctx)).toEqual({ output: { n: 3, x: [1] } })
      expect(ctx.asked[0]?.request).toMatchObject({ response_schema: schema })
      expect(textOf(ctx, 0).at(-1)).toEqual([
        'user',
        { type: 'text', text: expect.stringMatching(/^hello\n\n## Form of the answer\n\n.*"integer"/s) },
      ])
      expect(ctx.recorded.at(-1)).toEqual({ type: 'note-written', facts: { about: 'json', repaired: true } })
    })

    it('a model that gives another form is asked again with the faults named', async () => {
      const answers = ['no idea', '{"n": "three"}', '{"n": 3}']
      const ctx = new FakeContext((_, index) => say(answers[index] ?? ''))
      expect(await agentStep.run(view({ output_schema: schema }), hello, ctx)).toEqual({ output: { n: 3 } })
      expect(ctx.asked.map(({ name }) => name)).toEqual(['model', 'model~1', 'model~2'])
      const said = textOf(ctx, 2)
      expect(said.map(([role]) => role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user'])
      expect(said[3]?.[1]).toMatchObject({ text: expect.stringContaining('there is no JSON object or list in it') })
      expect(said[5]?.[1]).toMatchObject({ text: expect.stringContaining('n should be integer, not string') })
    })

    it('gives up after so many attempts for each model', async () => {
      const ctx = new FakeContext(() => say('never'))
      const failure = await failureOf(agentStep.run(view({ output_schema: schema, output_attempts: 2 }), hello, ctx))
      expect(failure.code).toBe('output_invalid')
      expect(failure.message).toContain('large gave no valid output after 2 answers: there is no JSON')
      expect(ctx.asked).toHaveLength(4)
      expect(ctx.recorded.findLast(({ type }) => type === 'step-routed')?.facts).toMatchObject({
        because: 'output_invalid',
      })
    })

    it('a schema of something else than an object is not sent, only said', async () => {
      const ctx = new FakeContext(() => say('[1]'))
      const list = { type: 'array', items: { type: 'integer' } }
      expect(await agentStep.run(view({ output_schema: list }), hello, ctx)).toEqual({ output: [1] })
      expect(ctx.asked[0]?.request).not.toHaveProperty('response_schema')
    })
  })

  describe('what it reads', () => {
    const dependencies = [{ step: 'p/one', status: 'succeeded', output: '{"a": {"b": "deep"}}' }] as const
    const promptOf = (ctx: FakeContext) => {
      const request = ctx.asked[0]?.request as unknown as ModelRequest
      return request.messages.map(({ content }) => (content[0] as { text: string }).text)
    }

    it('a template is the whole prompt', async () => {
      const ctx = new FakeContext(() => say('ok'))
      const template = { prompt: 'On {{ input }}: {{ steps.one.output.a.b }}', system: 'You know {{ input }}.' }
      await agentStep.run(view({ template, candidates: [small] }), { input: 'x', dependencies }, ctx)
      expect(promptOf(ctx)).toEqual(['You know x.', 'On x: deep'])
    })

    it('a template that finds no value fails before any model is asked', async () => {
      const ctx = new FakeContext(() => say('ok'))
      const run = agentStep.run(view({ template: { prompt: '{{ steps.two.output }}' } }), hello, ctx)
      expect(await failureOf(run)).toMatchObject({ code: 'template_unresolved' })
      expect(ctx.asked).toEqual([])
    })

    it('rules take a key of the first dependency, or leave the input out', async () => {
      const ctx = new FakeContext(() => say('ok'))
      await agentStep.run(view({ rules: { input_key: 'a' } }), { input: 'x', dependencies }, ctx)
      expect(promptOf(ctx).at(-1)).toBe('{"b":"deep"}')
      const other = new FakeContext(() => say('ok'))
      await agentStep.run(view({ rules: { input_scope: 'dependencies' } }), { input: 'secret', dependencies }, other)
      expect(promptOf(other).at(-1)).toContain('## Answer of one')
      expect(promptOf(other).at(-1)).not.toContain('secret')
    })
  })
})
