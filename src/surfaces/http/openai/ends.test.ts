/** How answers over this face end otherwise than well: clients that leave, answers that break off, budgets, questions to people. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../serve.fixture.ts'
import { type HangingServer, openHangingServer } from './model-server.fixture.ts'

const ANSWERS = `
rules:
  - { model: shaky, calls: 1, answer: { text: "one two three", between_ms: 30, truncate_after: 2 } }
  - { model: shaky, answer: { text: "four five six" } }
  - { model: steady, calls: 1, answer: { text: "one two three", between_ms: 30, truncate_after: 2 } }
  - { model: steady, answer: { text: "one two three" } }
  - { model: slow, answer: { text: "at last", delay_ms: 1500 } }
  - { contains: shout, answer: { tool_calls: [ { name: bash, arguments: { command: echo hi } } ] } }
default: { text: "{{input}}", usage: { input: 10, output: 5 } }
`
const ASKS = `name: asks
description: calls what a person has to allow
agents:
- {name: one, model_profile: p, tools: [bash]}
`
const POOR = `name: poor
description: may not ask even once
budget: { max_tokens: 1 }
agents:
- {name: one, model_profile: p}
`
let upstream: HangingServer
let server: Served
let openai: OpenAI

beforeAll(async () => {
  upstream = await openHangingServer()
  const config = `
model_profiles:
  p: { provider: scripted, model: rehearsal }
  shaky: { provider: scripted, model: shaky }
  steady: { provider: scripted, model: steady }
  slow: { provider: scripted, model: slow }
  far: { provider: openai-compatible, model: m, base_url: "${upstream.url}" }
`
  const files = {
    'config.yaml': config,
    'answers.yaml': ANSWERS,
    'ensembles/asks.yaml': ASKS,
    'ensembles/poor.yaml': POOR,
  }
  server = await openServer(makeServedProject(files))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})

afterAll(async () => {
  await server.close()
  await upstream.close()
  expect(server.log.filter((line) => line.includes('Error'))).toEqual([])
})

const said = (content: string) => [{ role: 'user' as const, content }]

async function readAll(
  model: string,
): Promise<{ readonly text: string; readonly error: unknown; readonly run: string }> {
  const { data: stream, response } = await openai.chat.completions
    .create({ model, messages: said('x'), stream: true })
    .withResponse()
  let text = ''
  let error: unknown
  try {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  } catch (thrown) {
    error = thrown
  }
  return { text, error, run: response.headers.get('x-llm-orc-run') ?? '' }
}

async function statusOf(run: string): Promise<string> {
  const shown = (await (await server.ask(`/v1/runs/${run}`)).json()) as { readonly report: { readonly status: string } }
  return shown.report.status
}

describe('I14 F25 a client that leaves', () => {
  test.each([true, false])('cancels its run, and the line to the model is cut (stream: %s)', async (stream) => {
    const leaving = new AbortController()
    const begun = upstream.begun()
    const asked = openai.chat.completions
      .create({ model: 'far', messages: said('x'), stream }, { signal: leaving.signal })
      .withResponse()
    asked.catch(() => {})
    const { cut } = await begun
    const answer = stream ? await asked : undefined
    const left = performance.now()
    leaving.abort()
    expect((await cut) - left).toBeLessThan(250)
    if (answer) {
      const run = answer.response.headers.get('x-llm-orc-run') as string
      await expect.poll(() => statusOf(run), { timeout: 5_000 }).toBe('cancelled')
    }
  })
})

describe('an answer that breaks off after it was shown', () => {
  test('goes on where its second try says the same', async () => {
    expect(await readAll('steady')).toMatchObject({ text: 'one two three', error: undefined })
  })

  test('is an error where it says something else, and the run has the answer', async () => {
    const { text, error, run } = await readAll('shaky')
    expect(text).toBe('one two')
    expect(error).toMatchObject({ code: 'answer_restarted' })
    expect(await statusOf(run)).toBe('succeeded')
  })
})

test('a slow answer: the stream stands before it comes', async () => {
  const begun = performance.now()
  const { data: stream } = await openai.chat.completions
    .create({ model: 'slow', messages: said('x'), stream: true })
    .withResponse()
  const stood = performance.now() - begun
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  expect(text).toBe('at last')
  expect(stood).toBeLessThan(0.9 * (performance.now() - begun))
})

test('a profile under a budget that finishes gracefully still answers in its own form', async () => {
  const config =
    'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n' +
    'budgets: { run: { max_calls: 3, on_limit: finish, model: p } }\n'
  const answers = 'default: { tool_calls: [ { id: c, name: look, arguments: {} } ] }\n'
  const own = await openServer(makeServedProject({ 'config.yaml': config, 'answers.yaml': answers }))
  try {
    const client = new OpenAI({ baseURL: `${own.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const tools = [{ type: 'function' as const, function: { name: 'look' } }]
    const { choices } = await client.chat.completions.create({ model: 'p', messages: said('x'), tools })
    expect(choices).toMatchObject([{ finish_reason: 'tool_calls', message: { tool_calls: [{ id: 'c' }] } }])
  } finally {
    await own.close()
  }
})

test.each([true, false])('a budget that is used up is no reason to call again (stream: %s)', async (stream) => {
  const error = await openai.chat.completions
    .create({ model: 'ensemble/poor', messages: said('x'), stream })
    .then(undefined, (thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>)
  expect(error).toMatchObject({ status: 402, code: 'budget_exhausted', type: 'insufficient_quota' })
  expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get('x-should-retry')).toBe('false')
})

test('a run that waits for a person is told so, and waits on', async () => {
  const error = await openai.chat.completions
    .create({ model: 'ensemble/asks', messages: said('shout') })
    .then(undefined, (thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>)
  expect(error).toMatchObject({ status: 409, code: 'run_rests' })
  const run = (error as InstanceType<typeof OpenAI.APIError>).headers?.get('x-llm-orc-run') as string
  expect(await statusOf(run)).not.toBe('cancelled')
})

test('no run is named before it is on disk, however long that takes', async () => {
  const data = server.env['XDG_DATA_HOME'] ?? ''
  const other = new DatabaseSync(join(data, 'llm-orchestrator', 'journal.db'))
  other.exec('BEGIN IMMEDIATE')
  let isHeld = true
  const asked = openai.chat.completions
    .create({ model: 'slow', messages: [{ role: 'user', content: 'x' }], stream: true })
    .withResponse()
    .then(({ response }) => ({ run: response.headers.get('x-llm-orc-run'), isHeld }))
  await sleep(1_300)
  isHeld = false
  other.exec('ROLLBACK')
  other.close()
  const told = await asked
  expect(told.isHeld).toBe(false)
  expect((await fetch(`${server.url}/v1/runs/${told.run}`)).status).toBe(200)
})
