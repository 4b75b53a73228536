import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../serve.fixture.ts'

const CONFIG = `
model_profiles:
  p: { provider: scripted, model: rehearsal, system_prompt: Be brief. }
  broken: { provider: scripted, model: broken }
  patched: { provider: scripted, model: broken, fallback_model_profile: p }
  busy: { provider: scripted, model: busy }
  caller: { provider: scripted, model: caller }
chains:
  two: [ "Plan>/Default)-p", "Critique>/Default)-p" ]
`
const ANSWERS = `
rules:
  - { model: broken, answer: { error: { code: provider_auth } } }
  - { model: busy, answer: { error: { code: rate_limited, retry: false, retry_after_ms: 2500 } } }
  - { model: caller, after_tool: true, answer: { text: "It is 21 degrees." } }
  - { model: caller, answer: { text: "Let me look.", tool_calls: [ { id: call_7, name: weather, arguments: { city: Ulm } } ] } }
  - { contains: cut, answer: { text: "and then", finish: length } }
  - { contains: json, answer: { text: '{"a": 1}' } }
  - { contains: restart, calls: 1, answer: { text: "one two three", truncate_after: 2 } }
  - { contains: restart, answer: { text: "{{restarted}} four", between_ms: 1 } }
default: { text: "{{system}}|{{input}}", chunks: 4, usage: { input: 10, output: 5 } }
`
const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const TWO =
  'name: both\ndescription: two answers\nagents:\n- {name: one, model_profile: p}\n- {name: two, model_profile: p}\n'
let server: Served
let openai: OpenAI

beforeAll(async () => {
  const files = {
    'config.yaml': CONFIG,
    'answers.yaml': ANSWERS,
    'ensembles/echo.yaml': ECHO,
    'ensembles/both.yaml': TWO,
  }
  server = await openServer(makeServedProject(files))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 2 })
})

afterAll(async () => {
  await server.close()
  expect(server.log.filter((line) => line.includes('Error'))).toEqual([])
})

const ask = (model: string, content: string) =>
  openai.chat.completions.create({ model, messages: [{ role: 'user', content }] }).withResponse()

async function refusalOf(promise: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await Promise.resolve(promise).catch((thrown: unknown) => thrown)
  if (error instanceof OpenAI.APIError) return error
  throw new Error(`it was answered: ${JSON.stringify(error)}`)
}

describe('models', () => {
  test('every profile, chain and ensemble is one', async () => {
    const ids: string[] = []
    for await (const model of openai.models.list()) ids.push(model.id)
    expect(ids).toEqual(expect.arrayContaining(['p', 'chain/two', 'ensemble/echo', 'ensemble/both']))
    expect(await openai.models.retrieve('ensemble/echo')).toMatchObject({ id: 'ensemble/echo', object: 'model' })
    expect(await (await fetch(`${server.url}/v1/models/ensemble/echo`)).json()).toMatchObject({ id: 'ensemble/echo' })
    const { status, code } = await refusalOf(openai.models.retrieve('ensemble/none'))
    expect([status, code]).toEqual([404, 'model_not_found'])
  })
})

describe('chat completions', () => {
  test('a profile answers with the run, its usage and its own prompt', async () => {
    const { data, response } = await ask('p', 'Hello there')
    expect(data.choices).toMatchObject([
      { message: { role: 'assistant', content: 'Be brief.|Hello there' }, finish_reason: 'stop' },
    ])
    expect(data.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 })
    const run = response.headers.get('x-llm-orc-run') as string
    expect([data.id, data.system_fingerprint]).toEqual([`chatcmpl-${run}`, run])
    const shown = await (await server.ask(`/v1/runs/${run}`)).json()
    expect(JSON.stringify(shown)).toContain('Be brief.|Hello there')
  })

  test('an ensemble and a chain answer with the usage of all their agents', async () => {
    expect((await ask('ensemble/echo', 'Hello')).data.choices[0]?.message.content).toContain('Hello')
    const both = (await ask('ensemble/both', 'Hello')).data
    expect(both.choices[0]?.message.content).toMatch(/^== one ==\n.*Hello\n\n== two ==\n/s)
    expect(both.usage?.total_tokens).toBe(30)
    expect((await ask('chain/two', 'Hello')).data.usage?.total_tokens).toBe(30)
  })

  test('what was said before stands above the input of an ensemble', async () => {
    const { data } = await openai.chat.completions
      .create({
        model: 'ensemble/echo',
        messages: [
          { role: 'user', content: 'Name a colour.' },
          { role: 'assistant', content: 'Red.' },
          { role: 'user', content: 'Another.' },
        ],
      })
      .withResponse()
    const text = data.choices[0]?.message.content ?? ''
    expect(text).toContain('user:\nName a colour.\n\nassistant:\nRed.')
    expect(text.endsWith('What is asked now:\n\nAnother.')).toBe(true)
  })

  test.each(['p', 'ensemble/echo', 'ensemble/both', 'chain/two'])(
    '%s as a stream says the same as whole',
    async (model) => {
      const whole = (await ask(model, 'Hello there, everybody')).data
      const stream = await openai.chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'Hello there, everybody' }],
        stream: true,
        stream_options: { include_usage: true },
      })
      let text = ''
      let pieces = 0
      const ends: unknown[] = []
      let usage: unknown
      for await (const chunk of stream) {
        const [choice] = chunk.choices
        text += choice?.delta.content ?? ''
        if (choice?.delta.content) pieces += 1
        if (choice?.finish_reason) ends.push(choice.finish_reason)
        usage = chunk.usage ?? usage
      }
      expect(text).toBe(whole.choices[0]?.message.content)
      expect(ends).toEqual(['stop'])
      expect(usage).toEqual(whole.usage)
      if (model !== 'ensemble/both') expect(pieces).toBeGreaterThanOrEqual(1)
    },
  )

  test('tools go to a profile, calls come back, and their results are taken', async () => {
    const tools: OpenAI.Chat.ChatCompletionTool[] = [
      {
        type: 'function',
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ]
    const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Weather in Ulm?' }]
    const first = await openai.chat.completions.create({ model: 'caller', messages, tools, tool_choice: 'auto' })
    const [choice] = first.choices
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [{ id: 'call_7', type: 'function', function: { name: 'weather', arguments: '{"city":"Ulm"}' } }],
      },
    })
    if (choice) messages.push(choice.message, { role: 'tool', tool_call_id: 'call_7', content: '21' })
    const second = await openai.chat.completions.create({ model: 'caller', messages, tools })
    expect(second.choices[0]?.message.content).toBe('It is 21 degrees.')
    const streamed = await openai.chat.completions
      .stream({ model: 'caller', messages: messages.slice(0, 1), tools })
      .finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject(choice?.message.tool_calls ?? [])
  })

  test('forms of answers and endings', async () => {
    const format = { type: 'json_schema' as const, json_schema: { name: 'a', schema: { type: 'object' } } }
    const messages = [{ role: 'user' as const, content: 'json please' }]
    const { choices } = await openai.chat.completions.create({ model: 'p', messages, response_format: format })
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({ a: 1 })
    expect((await ask('p', 'cut')).data.choices[0]?.finish_reason).toBe('length')
    expect((await ask('ensemble/echo', 'cut')).data.choices[0]?.finish_reason).toBe('length')
  })

  test('an image in a part reaches the model', async () => {
    const content: OpenAI.Chat.ChatCompletionContentPart[] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ]
    for (const model of ['p', 'ensemble/echo']) {
      const { response } = await openai.chat.completions
        .create({ model, messages: [{ role: 'user', content }] })
        .withResponse()
      const run = response.headers.get('x-llm-orc-run')
      const page = await (
        await fetch(`${server.url}/v1/runs/${run}/events`, { headers: { accept: 'application/json' } })
      ).text()
      expect(page).toContain('iVBORw0KGgo=')
    }
  })

  test('a fallback answers, and its text follows no text of the one that failed', async () => {
    expect((await ask('patched', 'Hi')).data.choices[0]?.message.content).toBe('Be brief.|Hi')
  })
})

test('the same input and seed give the same events as over the other address', async () => {
  const readEvents = async (run: string) => {
    const page = await fetch(`${server.url}/v1/runs/${run}/events`, { headers: { accept: 'application/json' } })
    const { events } = (await page.json()) as {
      events: { type: string; actor: string; data: Record<string, unknown> }[]
    }
    return events.map(({ type, actor, data }) => ({ type, actor, data: withoutTimes(data) }))
  }
  const begun = await server.post('/v1/runs?wait=true', { target: 'echo', input: 'Hello', seed: '7' })
  const { run } = (await begun.json()) as { run: string }
  const { response } = await openai.chat.completions
    .create({ model: 'ensemble/echo', messages: [{ role: 'user', content: 'Hello' }], seed: 7 })
    .withResponse()
  const other = response.headers.get('x-llm-orc-run') as string
  expect(await readEvents(other)).toEqual(await readEvents(run))
})

/** Answers tell how long they took, and digests go over that. */
function withoutTimes(data: Record<string, unknown>): unknown {
  return 'answer' in data ? { ...data, answer: undefined, ms: undefined } : data
}

test('settings of the call reach the model, fields about an account do not', async () => {
  const messages = [{ role: 'user' as const, content: 'x' }]
  const { response } = await openai.chat.completions
    .create({ model: 'p', messages, temperature: 0.5, max_tokens: 9, top_p: 0.5, user: 'ann', logprobs: false })
    .withResponse()
  const run = response.headers.get('x-llm-orc-run')
  const page = await fetch(`${server.url}/v1/runs/${run}/events`, { headers: { accept: 'application/json' } })
  const { events } = (await page.json()) as {
    events: { type: string; data: { request?: { inline?: { text: string } } } }[]
  }
  const asked = events.find(({ type }) => type === 'effect-intended')?.data.request?.inline?.text ?? ''
  expect(JSON.parse(asked)).toMatchObject({ temperature: 0.5, max_tokens: 9, options: { top_p: 0.5 } })
  expect(asked).not.toContain('ann')
})

describe('errors', () => {
  test.each([
    ['ensemble/none', 404, 'model_not_found', 'invalid_request_error'],
    ['echo', 404, 'model_not_found', 'invalid_request_error'],
    ['ensemble/../../secret', 404, 'model_not_found', 'invalid_request_error'],
    ['broken', 502, 'provider_auth', 'server_error'],
  ])('%s: %i %s', async (model, status, code, type) => {
    const error = await refusalOf(ask(model, 'x'))
    expect([error.status, error.code, error.type]).toEqual([status, code, type])
  })

  test('a failed run is not repeated by the client, and says which it was', async () => {
    const before = ((await (await fetch(`${server.url}/v1/runs?all=true&limit=500`)).json()) as { runs: unknown[] })
      .runs.length
    const error = await refusalOf(ask('broken', 'x'))
    expect(error.headers?.get('x-llm-orc-run')).toMatch(/^\d{8}-/)
    const after = ((await (await fetch(`${server.url}/v1/runs?all=true&limit=500`)).json()) as { runs: unknown[] }).runs
      .length
    expect(after - before).toBe(1)
  })

  test('a limit of the provider says when to come back', async () => {
    const once = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const error = await refusalOf(
      once.chat.completions.create({ model: 'busy', messages: [{ role: 'user', content: 'x' }] }),
    )
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error.headers?.get('retry-after')).toBe('3')
  })

  test.each([
    [{ model: 'p' }, 'messages'],
    [
      {
        model: 'p',
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x.y/z.png' } }] }],
      },
      'messages[0].content[0]',
    ],
    [{ model: 'p', messages: [{ role: 'tool', tool_call_id: 'x', content: '1' }] }, 'messages[0].tool_call_id'],
    [{ model: 'p', models: ['other'], messages: [{ role: 'user', content: 'x' }] }, 'models'],
    [{ model: 'p', n: 2, messages: [{ role: 'user', content: 'x' }] }, 'n'],
    [{ model: 7, messages: [{ role: 'user', content: 'x' }] }, 'model'],
  ])('%j names %s', async (body, param) => {
    const response = await server.post('/v1/chat/completions', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param, code: 'bad_input' } })
  })

  test('tools and forms are refused for what has its own', async () => {
    const tools = [{ type: 'function', function: { name: 'a' } }]
    const messages = [{ role: 'user', content: 'x' }]
    expect((await server.post('/v1/chat/completions', { model: 'ensemble/echo', messages, tools })).status).toBe(400)
    const response_format = { type: 'json_object' }
    expect((await server.post('/v1/chat/completions', { model: 'chain/two', messages, response_format })).status).toBe(
      400,
    )
  })

  test('what is no JSON, and what there is not, are errors of the same form', async () => {
    const headers = { 'content-type': 'application/json' }
    const broken = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{', headers })
    expect(await broken.json()).toMatchObject({ error: { code: 'body_invalid', type: 'invalid_request_error' } })
    const other = await fetch(`${server.url}/v1/chat/completions`)
    expect([other.status, await other.json()]).toMatchObject([405, { error: { code: 'method_refused' } }])
    expect(other.headers.get('allow')).toBe('POST')
    // No model is missing where there is no address.
    const older = await fetch(`${server.url}/v1/completions`, { method: 'POST', body: '{}', headers })
    expect([older.status, await older.json()]).toMatchObject([404, { error: { code: 'not_found' } }])
  })
})
