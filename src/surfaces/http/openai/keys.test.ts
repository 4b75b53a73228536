/** S09 keys at this face, with the official client; and whether answers are what the OpenAPI document says. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, type MadeKey, makeKey, revoke } from '../access.fixture.ts'
import { makeServedProject, openServer, type Served } from '../serve.fixture.ts'

const CONFIG = `model_profiles:
  p: { provider: scripted, model: rehearsal }
  slow: { provider: scripted, model: sluggish }
`
const ANSWERS = `rules:
  - { model: sluggish, answer: { text: 'one two three four five six seven eight', between_ms: 500 } }
default: { text: "{{input}}" }
`

let server: Served
let runner: MadeKey
let reader: MadeKey

beforeAll(async () => {
  server = await openServer(makeServedProject({ 'config.yaml': CONFIG, 'answers.yaml': ANSWERS }))
  runner = await makeKey(server.app, 'runner', { scopes: ['read', 'run'] })
  reader = await makeKey(server.app, 'reader', { scopes: ['read'] })
})

afterAll(() => server.close())

const clientWith = (apiKey: string) => new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 })
const messages = [{ role: 'user' as const, content: 'x' }]

async function refusalOf(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => 'it was answered',
    (error: unknown) => error,
  )
}

describe('S09 a key', () => {
  test('opens what it has the right to', async () => {
    const openai = clientWith(runner.key)
    const { choices } = await openai.chat.completions.create({ model: 'p', messages })
    expect(choices[0]?.message.content).toBe('x')
    expect((await openai.embeddings.create({ model: 'p', input: 'x' })).data).toHaveLength(1)
    expect((await openai.models.list()).data.length).toBeGreaterThan(0)
  })

  test('that is wrong is an AuthenticationError, one without the right a PermissionDeniedError', async () => {
    const wrong = await refusalOf(clientWith('sk-wrong').models.list())
    expect(wrong).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(wrong).toMatchObject({ status: 401, type: 'authentication_error', code: 'credentials_refused' })
    const openai = clientWith(reader.key)
    expect((await openai.models.list()).data.length).toBeGreaterThan(0)
    for (const ask of [
      () => openai.chat.completions.create({ model: 'p', messages }),
      () => openai.chat.completions.create({ model: 'p', messages, stream: true }),
      () => openai.responses.create({ model: 'p', input: 'x' }),
      () => openai.embeddings.create({ model: 'p', input: 'x' }),
    ]) {
      const error = await refusalOf(ask())
      expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
      expect(error).toMatchObject({ code: 'access_denied', type: 'permission_error' })
    }
  })

  test('that is revoked while an answer is told ends the stream with that reason', async () => {
    const leaver = await makeKey(server.app, 'leaver', { scopes: ['read', 'run'] })
    const told = async () => {
      const stream = await clientWith(leaver.key).chat.completions.create({ model: 'slow', messages, stream: true })
      let isRevoked = false
      for await (const { choices } of stream) {
        if (isRevoked || !choices[0]?.delta.content) continue
        isRevoked = true
        await revoke(server.app, leaver)
      }
    }
    const error = await refusalOf(told())
    expect(error).toMatchObject({ type: 'authentication_error', code: 'credentials_refused' })
  })

  test('sees its own runs only, by the id that an answer carries', async () => {
    const { response } = await clientWith(runner.key).chat.completions.create({ model: 'p', messages }).withResponse()
    const path = `/v1/runs/${response.headers.get('x-llm-orc-run')}`
    expect((await server.ask(path, { headers: bearer(runner.key) })).status).toBe(200)
    expect((await server.ask(path, { headers: bearer(reader.key) })).status).toBe(404)
  })
})

test('every answer is what the document says', async () => {
  const headers = bearer(runner.key)
  const statuses = [
    await server.ask('/v1/models', { headers }),
    await server.ask('/v1/models/p', { headers }),
    await server.ask('/v1/models/none', { headers }),
    await server.post('/v1/chat/completions', { model: 'p', messages }, headers),
    await server.post('/v1/chat/completions', { model: 'p', messages, stream: true }, headers),
    await server.post('/v1/chat/completions', { model: 'none', messages }, headers),
    await server.post('/v1/responses', { model: 'p', input: 'x' }, headers),
    await server.post('/v1/responses', { model: 'p', input: 'x', stream: true }, headers),
    await server.post('/v1/embeddings', { model: 'p', input: 'x' }, headers),
    await server.post('/v1/embeddings', {}, headers),
    await server.post('/v1/chat/completions', { model: 'p', messages }),
  ].map(({ status }) => status)
  expect(statuses).toEqual([200, 200, 404, 200, 200, 404, 200, 200, 200, 400, 401])
  expect(server.violations).toEqual([])
})
