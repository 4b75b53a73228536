import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../serve.fixture.ts'

/** Gives vectors out of order, as servers may. */
const upstream = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { input, dimensions = 2 } = JSON.parse(Buffer.concat(chunks).toString()) as {
      input: string[]
      dimensions?: number
    }
    const data = input
      .map((text, index) => ({ index, embedding: Array.from({ length: dimensions }, () => text.length / 4) }))
      .reverse()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data, model: 'e-1', usage: { prompt_tokens: 7, total_tokens: 7 } }))
  })
})
let server: Served
let openai: OpenAI

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const root = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const config = `
model_profiles:
  p: { provider: scripted, model: rehearsal }
  far: { provider: openai-compatible, model: e, base_url: "${root}/v1" }
  near: { provider: ollama, model: e, base_url: "${root}" }
  quotes: { provider: embedded, model: extractive }
`
  const quoting = 'name: quoting\ndescription: d\nagents: [{ name: a, model_profile: quotes }]\n'
  server = await openServer(makeServedProject({ 'config.yaml': config, 'ensembles/quoting.yaml': quoting }))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})

afterAll(async () => {
  await server.close()
  upstream.close()
})

test.each(['far', 'near'])('%s gives a vector for each text, in their order, and counts its tokens', async (model) => {
  const { data, response } = await openai.embeddings
    .create({ model, input: ['ab', 'abcd'], dimensions: 3 })
    .withResponse()
  expect(data.data.map(({ embedding }) => embedding)).toEqual([
    [0.5, 0.5, 0.5],
    [1, 1, 1],
  ])
  expect(data.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 })
  const run = response.headers.get('x-llm-orc-run')
  const shown = (await (await server.ask(`/v1/runs/${run}`)).json()) as { readonly report: object }
  expect(shown.report).toMatchObject({ status: 'succeeded', totals: { usage: { calls: 1, input: 7 } } })
})

test('texts with the same words are near each other for the scripted model too, as floats and as base64', async () => {
  const input = ['the red house', 'a red house', 'quantum flux']
  const { data } = await openai.embeddings.create({ model: 'p', input })
  const plain = await openai.embeddings.create({ model: 'p', input, encoding_format: 'float' })
  expect(plain.data[0]?.embedding.length).toBe(64)
  expect(data[0]?.embedding).toEqual(plain.data[0]?.embedding)
  const near = (a: number, b: number) =>
    (data[a]?.embedding ?? []).reduce((sum, number, index) => sum + number * (data[b]?.embedding[index] ?? 0), 0)
  expect(near(0, 1)).toBeGreaterThan(near(0, 2))
})

test('an ensemble says that it gives text, and which profiles give vectors', async () => {
  const error = await openai.embeddings
    .create({ model: 'ensemble/quoting', input: 'x' })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ status: 400, code: 'bad_input', param: 'model' })
  expect(String(error)).toMatch(/gives text, not vectors.* Here are: p, far, near\./)
})

test('tokens are refused with what to do, and null asks for nothing', async () => {
  const counted = await openai.embeddings.create({ model: 'p', input: [[1, 2]] }).catch((thrown: unknown) => thrown)
  expect(counted).toMatchObject({ status: 400, param: 'input[0]' })
  expect(String(counted)).toMatch(/Tokens are not taken: let your client send texts/)
  const answer = await server.post('/v1/embeddings', {
    model: 'p',
    input: 'x',
    encoding_format: null,
    dimensions: null,
  })
  expect(answer.status).toBe(200)
})

test('what makes none says so', async () => {
  for (const [model, status, code] of [
    ['quotes', 400, 'request_refused'],
    ['ensemble/x', 404, 'model_not_found'],
  ] as const) {
    const error = await openai.embeddings.create({ model, input: 'x' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status, code })
  }
  const tokens = await server.post('/v1/embeddings', { model: 'p', input: [1, 2] })
  expect([tokens.status, await tokens.json()]).toMatchObject([400, { error: { param: 'input[0]' } }])
})
