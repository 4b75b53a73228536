import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../serve.fixture.ts'

const CONFIG = `
model_profiles:
  p: { provider: scripted, model: rehearsal }
  broken: { provider: scripted, model: broken }
  late: { provider: scripted, model: late }
  caller: { provider: scripted, model: caller }
`
const ANSWERS = `
rules:
  - { model: broken, answer: { error: { code: provider_auth } } }
  - { model: late, answer: { text: "one two three", error: { code: request_refused, after: 2 } } }
  - { model: caller, after_tool: true, answer: { text: "It is 21 degrees." } }
  - { model: caller, answer: { tool_calls: [ { id: call_7, name: weather, arguments: { city: Ulm } } ] } }
  - { contains: cut, answer: { text: "and then", finish: length } }
default: { text: "{{system}}|{{input}}", chunks: 4, usage: { input: 10, output: 5 } }
`
const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
let server: Served
let openai: OpenAI

beforeAll(async () => {
  const files = { 'config.yaml': CONFIG, 'answers.yaml': ANSWERS, 'ensembles/echo.yaml': ECHO }
  server = await openServer(makeServedProject(files))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})

afterAll(async () => {
  await server.close()
  expect(server.log.filter((line) => line.includes('Error'))).toEqual([])
})

const TOOL: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
}

test('text, with instructions and usage, and the run that answered', async () => {
  const { data, response } = await openai.responses
    .create({ model: 'p', instructions: 'Be brief.', input: 'Hello' })
    .withResponse()
  expect(data.output_text).toBe('Be brief.|Hello')
  expect(data).toMatchObject({
    status: 'completed',
    store: false,
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  })
  expect(data.id).toBe(`resp_${response.headers.get('x-llm-orc-run')}`)
  const cut = await openai.responses.create({ model: 'p', input: 'cut' })
  expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
})

test.each(['p', 'ensemble/echo'])('%s streams the events that make up the whole answer', async (model) => {
  const stream = openai.responses.stream({ model, input: 'Hello there, everybody' })
  const types: string[] = []
  const numbers: number[] = []
  for await (const event of stream) {
    types.push(event.type)
    numbers.push(event.sequence_number)
  }
  expect(numbers).toEqual(numbers.map((_, index) => index))
  expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
  expect(types).toContain('response.output_text.delta')
  expect((await stream.finalResponse()).output_text).toContain('Hello there, everybody')
})

test('tool calls and their results, whole and as a stream', async () => {
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Weather in Ulm?' }]
  const first = await openai.responses.create({ model: 'caller', input, tools: [TOOL], tool_choice: 'required' })
  expect(first.output).toMatchObject([
    { type: 'function_call', call_id: 'call_7', name: 'weather', arguments: '{"city":"Ulm"}' },
  ])
  const told = await openai.responses.stream({ model: 'caller', input, tools: [TOOL] }).finalResponse()
  expect(told.output).toMatchObject(first.output as object[])
  input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]), {
    type: 'function_call_output',
    call_id: 'call_7',
    output: '21',
  })
  expect((await openai.responses.create({ model: 'caller', input, tools: [TOOL] })).output_text).toBe(
    'It is 21 degrees.',
  )
})

test('failures: at once with a status, later in the stream', async () => {
  const refused = await openai.responses.create({ model: 'broken', input: 'x', stream: true }).catch((error) => error)
  expect([refused.status, refused.code]).toEqual([502, 'provider_auth'])
  const events: OpenAI.Responses.ResponseStreamEvent[] = []
  for await (const event of await openai.responses.create({ model: 'late', input: 'x', stream: true }))
    events.push(event)
  expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'request_refused' } } })
  const kept = await openai.responses
    .create({ model: 'p', input: 'x', previous_response_id: 'resp_1' })
    .catch((error) => error)
  expect([kept.status, kept.param]).toEqual([400, 'previous_response_id'])
  const later = await openai.responses
    .create({ model: 'p', input: 'x', background: true })
    .catch((error: unknown) => error)
  expect(String(later)).toMatch(/background: this is not offered here\. POST \/v1\/runs begins/)
  const none = await openai.responses.create({ model: 'p' }).catch((error: unknown) => error)
  expect(String(none)).toMatch(/input: a text or a list is expected/)
})
