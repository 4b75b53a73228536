/** F26: what becomes of a run when its client leaves, on every address that waits for one or reads one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer, makeKey } from './access.fixture.ts'
import { type HangingServer, openHangingServer } from './openai/model-server.fixture.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'

let upstream: HangingServer
let server: Served

const ensemble = (name: string) => `name: ${name}\ndescription: d\nagents:\n- {name: one, model_profile: ${name}}\n`

beforeAll(async () => {
  upstream = await openHangingServer()
  const config = `
model_profiles:
  late: { provider: scripted, model: late }
  hung: { provider: openai-compatible, model: m, base_url: "${upstream.url}" }
`
  const answers = 'rules:\n- { model: late, answer: { text: "{}", delay_ms: 250 } }\ndefault: { text: x }\n'
  const files = {
    'config.yaml': config,
    'answers.yaml': answers,
    'ensembles/late.yaml': ensemble('late'),
    'ensembles/hung.yaml': ensemble('hung'),
  }
  server = await openServer(makeServedProject(files))
})

afterAll(async () => {
  await server.close()
  await upstream.close()
  expect(server.violations).toEqual([])
})

type Leave = () => void
/** Asks, and answers with what breaks the line, once the line stands. */
type Face = (target: 'late' | 'hung', query: string) => Promise<Leave> | Leave

const JSON_TYPE = { 'content-type': 'application/json' }

function post(path: string, body: object): Leave {
  const leaving = new AbortController()
  const init = { method: 'POST', body: JSON.stringify(body), headers: JSON_TYPE, signal: leaving.signal }
  void fetch(`${server.url}${path}`, init).catch(() => {})
  return () => leaving.abort()
}

async function stream(path: string, init: RequestInit = {}): Promise<Leave> {
  const leaving = new AbortController()
  const response = await fetch(`${server.url}${path}`, { ...init, signal: leaving.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  response.text().catch(() => {})
  return () => leaving.abort()
}

async function socket(path: string, first?: object): Promise<Leave> {
  const line = new WebSocket(`${server.url.replace('http', 'ws')}${path}`)
  await new Promise((resolve, reject) => line.once('open', resolve).once('error', reject))
  if (first) line.send(JSON.stringify(first))
  return () => line.terminate()
}

async function begin(target: string): Promise<string> {
  const begun = await server.post('/v1/runs', { target, input: 'x' })
  return ((await begun.json()) as { readonly run: string }).run
}

const planOf = (target: string) => ({ prompt: 'x', model: [target], planner_model: target })
const FACES: readonly (readonly [string, Face])[] = [
  ['POST /v1/runs?wait=true', (target, query) => post(`/v1/runs?wait=true&${query}`, { target, input: 'x' })],
  ['GET /v1/runs/ID/events', async (target, query) => stream(`/v1/runs/${await begin(target)}/events?${query}`)],
  ['GET /v1/runs/ID/ws', async (target, query) => socket(`/v1/runs/${await begin(target)}/ws?${query}`)],
  ['POST /run', (target, query) => post(`/run?${query}`, planOf(target))],
  [
    'POST /stream/run',
    (target, query) =>
      stream(`/stream/run?${query}`, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(planOf(target)) }),
  ],
  [
    'POST /api/ensembles/NAME/execute',
    (target, query) => post(`/api/ensembles/${target}/execute?${query}`, { input: 'x' }),
  ],
  ['/ws/execute', (target, query) => socket(`/ws/execute?${query}`, { ensemble: target, input: 'x' })],
  ['POST /v1/batches?wait=true', (target, query) => post(`/v1/batches?wait=true&${query}`, { target, inputs: ['x'] })],
]

interface Listed {
  readonly runs: readonly { readonly id: string; readonly status: string }[]
}

async function newest(): Promise<Listed['runs'][number] | undefined> {
  return ((await (await server.ask('/v1/runs')).json()) as Listed).runs[0]
}

/** The run that was begun since. */
async function findBegun(before: string | undefined): Promise<string> {
  await expect.poll(async () => (await newest())?.id).not.toBe(before)
  return (await newest())?.id as string
}

async function endOf(run: string) {
  const last = (await readStream(await server.ask(`/v1/runs/${run}/events`))).at(-1)
  return JSON.parse(last?.data ?? '') as { readonly type: string; readonly data: { readonly status: string } }
}

describe('F26 a client that leaves', () => {
  test.each(FACES)('%s: its run goes on, as it does when nothing is said', async (_, face) => {
    for (const query of ['', 'on_disconnect=detach']) {
      const before = (await newest())?.id
      const leave = await face('late', query)
      const run = await findBegun(before)
      leave()
      const { type, data } = await endOf(run)
      expect(type).toBe('run-finished')
      // A plan of the scripted planner may be no plan; what matters is that nobody cancelled it.
      expect(data.status).not.toBe('cancelled')
    }
  })

  test.each(FACES)('%s: its run is cancelled when it wished so, and the line to the model is cut', async (_, face) => {
    const before = (await newest())?.id
    const begun = upstream.begun()
    const leave = await face('hung', 'on_disconnect=cancel')
    const run = await findBegun(before)
    const { cut } = await begun
    leave()
    await cut
    expect(await endOf(run)).toMatchObject({ type: 'run-finished', data: { status: 'cancelled' } })
  })

  test('a run that has ended is not touched by who leaves then', async () => {
    const run = await begin('late')
    await readStream(await server.ask(`/v1/runs/${run}/events?on_disconnect=cancel`))
    const leave = await socket(`/v1/runs/${run}/ws?on_disconnect=cancel`)
    leave()
    expect(await endOf(run)).toMatchObject({ data: { status: 'succeeded' } })
  })

  test('other words are refused, and so is a wish without a line', async () => {
    for (const path of ['/v1/runs/latest/events', '/v1/runs/latest/ws']) {
      const refused = await server.ask(`${path}?on_disconnect=explode`)
      expect(refused.status).toBe(400)
      expect(await refused.json()).toMatchObject({ code: 'bad_input' })
    }
    const unheld = await server.post('/v1/runs?on_disconnect=cancel', { target: 'late', input: 'x' })
    expect(unheld.status).toBe(400)
    expect(await unheld.json()).toMatchObject({ code: 'bad_input', hint: expect.stringContaining('wait=true') })
  })

  test('who may only read cannot end a run by leaving', async () => {
    const own = await openServer(
      makeServedProject({ 'ensembles/echo.yaml': ensemble('p').replace('name: p', 'name: echo') }),
    )
    try {
      const { key } = await makeKey(own.app, 'reader', { scopes: ['read'] })
      for (const path of ['/v1/runs/x/events', '/v1/runs/x/ws']) {
        const denied = await own.ask(`${path}?on_disconnect=cancel`, { headers: bearer(key) })
        expect(denied.status).toBe(403)
      }
    } finally {
      await own.close()
    }
  })

  test('a server that shuts down cancels nothing: the next one takes the run up', async () => {
    const desk = makeServedProject({
      'config.yaml': `model_profiles:\n  hung: { provider: openai-compatible, model: m, base_url: "${upstream.url}" }\n`,
      'ensembles/hung.yaml': ensemble('hung'),
    })
    const first = await openServer(desk, { grace_ms: 50 })
    const begun = upstream.begun()
    const { run } = (await (await first.post('/v1/runs', { target: 'hung', input: 'x' })).json()) as { run: string }
    await begun
    const reading = readStream(await first.ask(`/v1/runs/${run}/events?on_disconnect=cancel`))
    const line = new WebSocket(`${first.url.replace('http', 'ws')}/v1/runs/${run}/ws?on_disconnect=cancel`)
    await new Promise((resolve) => line.once('open', resolve))
    await first.close()
    expect((await reading).at(-1)).toMatchObject({ event: 'shutdown' })
    const again = upstream.begun()
    const second = await openServer(desk)
    try {
      await again
      expect(await (await second.ask(`/v1/runs/${run}`)).json()).toMatchObject({ report: { status: 'running' } })
      await second.post(`/v1/runs/${run}/cancel`, {})
    } finally {
      await second.close()
    }
  })
})
