import { describe, expect, it } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { type Inputs, StepFailure, type StepView } from '../engine/step.ts'
import type { Message, ModelRequest } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { chatStep } from './chat.ts'
import { embedStep } from './embed.ts'

const large = {
  profile: 'large',
  provider: 'openai',
  model: 'big',
  temperature: 0.2,
  timeout_ms: 9000,
  system: 'be brief',
}
const small = { provider: 'ollama', model: 'tiny', options: { top_p: 0.5 } }
const tools = [{ name: 'look', description: 'looks', input_schema: { type: 'object' } }]

const view = (more: JsonObject = {}): StepView => ({
  id: 'large',
  kind: 'chat',
  attempt: 1,
  spec: { candidates: [large, small], ...more },
})
const say = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })
const inputs = (...messages: Message[]): Inputs => ({ input: { messages } as unknown as Json, dependencies: [] })
const answer = (content: Json, finish = 'stop'): Json => ({ content, finish, usage: {} })
const text = (said: string): Json => [{ type: 'text', text: said }]
const requests = (ctx: FakeContext) => ctx.asked.map(({ request }) => request as unknown as ModelRequest)

describe('chatStep', () => {
  it('sends the conversation as it is, under the prompt of the candidate', async () => {
    const ctx = new FakeContext(() => answer(text('hi')))
    const said = [say('user', 'a'), say('assistant', 'b'), say('user', 'c')]
    expect(await chatStep.run(view({ tools }), inputs(...said), ctx)).toEqual({ output: 'hi' })
    expect(requests(ctx)).toEqual([
      {
        provider: 'openai',
        model: 'big',
        temperature: 0.2,
        timeout_ms: 9000,
        messages: [say('system', 'be brief'), ...said],
        tools,
      },
    ])
  })

  it('leaves a system message of the caller alone', async () => {
    const ctx = new FakeContext(() => answer(text('hi')))
    await chatStep.run(view(), inputs(say('system', 'own'), say('user', 'a')), ctx)
    expect(requests(ctx)[0]?.messages).toEqual([say('system', 'own'), say('user', 'a')])
  })

  it('gives calls of tools back, and why an answer ended', async () => {
    const call = { type: 'tool-call', id: 'c1', name: 'look', arguments: '{"at": "x"' }
    const ctx = new FakeContext(() => answer([call], 'tool-calls'))
    expect((await chatStep.run(view({ tools }), inputs(say('user', 'a')), ctx)).output).toEqual({
      text: '',
      finish: 'tool-calls',
      tool_calls: [{ id: 'c1', name: 'look', arguments: '{"at": "x"' }],
    })
    const cut = new FakeContext(() => answer(text('and'), 'length'))
    const { output } = await chatStep.run(view(), inputs(say('user', 'a')), cut)
    expect(output).toEqual({ text: 'and', finish: 'length' })
  })

  it('asks the next candidate after a failure and after silence, each call under its own name', async () => {
    for (const first of [new StepFailure('provider_error', 'no'), answer(text(' '))]) {
      const ctx = new FakeContext((_, index) => (index === 0 ? first : answer(text('hi'))))
      expect(await chatStep.run(view(), inputs(say('user', 'a')), ctx)).toEqual({ output: 'hi' })
      expect(ctx.asked.map(({ name }) => name)).toEqual(['model', 'model~1'])
      expect(requests(ctx)[1]).toMatchObject({ model: 'tiny', options: { top_p: 0.5 } })
      expect(ctx.recorded.map(({ facts }) => facts['reason'])).toEqual(['configured', 'fallback'])
    }
  })
})

describe('embedStep', () => {
  const asked: StepView = { id: 'e', kind: 'embed', attempt: 1, spec: { candidate: small, dimensions: 2 } }
  const two: Inputs = { input: { texts: ['a', 'b'] }, dependencies: [] }
  const vector = { type: 'file', media_type: 'application/octet-stream', data: 'AAAAAA==' }

  it('asks once for all texts', async () => {
    const ctx = new FakeContext(() => answer([vector, vector]))
    expect((await embedStep.run(asked, two, ctx)).output).toEqual({ vectors: ['AAAAAA==', 'AAAAAA=='] })
    expect(requests(ctx)).toMatchObject([{ embed: { dimensions: 2 }, messages: [say('user', 'a'), say('user', 'b')] }])
    expect(ctx.asked[0]?.need).toMatchObject({ output_tokens: 0 })
  })

  it('fails when there are not as many vectors as texts', async () => {
    const ctx = new FakeContext(() => answer([vector]))
    await expect(embedStep.run(asked, two, ctx)).rejects.toMatchObject({ code: 'malformed_response' })
  })
})
