import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createRandom } from '../../events/random.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'
import { readWithCuts, writeRecord } from './storm.fixture.ts'

const ECHO = 'name: echo\ndescription: d\nagents:\n- {name: one, model_profile: p}\n'
const ASKS = `name: asks
description: d
agents:
- { name: deploy, script: 'echo gone' }
`
const POLICY = `rules:
- { tool: 'script(echo gone)', decision: ask }
`
let server: Served

beforeAll(async () => {
  const upstream = await openUpstream()
  server = await openServer(
    makeServedProject({
      'config.yaml': `model_profiles:
  p: { provider: scripted, model: rehearsal }
  hung: { provider: openai-compatible, model: fake, base_url: "${upstream}" }
`,
      'ensembles/echo.yaml': ECHO,
      'ensembles/hung.yaml': 'name: hung\ndescription: d\nagents:\n- {name: one, model_profile: hung}\n',
      'ensembles/asks.yaml': ASKS,
      'policy.yaml': POLICY,
    }),
    { stalled_ms: 500 },
  )
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
})

/** When the upstream saw its connections open and close. */
const upstreamSeen = { opened: 0, closed: 0, closedAt: 0 }

async function openUpstream(): Promise<string> {
  const upstream = createServer((request, response) => {
    request.resume()
    upstreamSeen.opened += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const word = { id: '1', model: 'fake', choices: [{ index: 0, delta: { content: 'first words ' } }] }
    // Again and again, for whoever begins to listen later.
    const speaking = setInterval(() => response.write(`data: ${JSON.stringify(word)}\n\n`), 50)
    response.on('close', () => {
      clearInterval(speaking)
      upstreamSeen.closed += 1
      upstreamSeen.closedAt = performance.now()
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  upstream.unref()
  return `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`
}

async function begin(target: string): Promise<string> {
  const begun = await server.post('/v1/runs', { target, input: 'x' })
  return ((await begun.json()) as { run: string }).run
}

describe('sockets', () => {
  test('tell the same events as the stream, and close when the run has ended', async () => {
    const run = await begin('echo')
    const messages = await listen(`/v1/runs/${run}/ws`)
    const told = messages.flatMap(({ type, event }) => (type === 'event' ? [event] : []))
    const streamed = await readStream(await server.ask(`/v1/runs/${run}/events`))
    expect(told).toEqual(streamed.filter(({ id }) => id).map(({ data }) => JSON.parse(data)))
    const rest = await listen(`/v1/runs/${run}/ws?after=3`)
    expect(rest[0]).toMatchObject({ type: 'event', seq: 4 })
  })

  test('F25 I14 cancel closes the connection to the model', async () => {
    const run = await begin('hung')
    await expect.poll(() => upstreamSeen.opened).toBe(1)
    const socket = new WebSocket(`${server.url}/v1/runs/${run}/ws`.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    const messages: { readonly type: string; readonly id?: unknown }[] = []
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    const asked = performance.now()
    socket.send(JSON.stringify({ type: 'cancel', id: 7, reason: 'enough' }))
    await new Promise((resolve) => socket.once('close', resolve))
    await expect.poll(() => upstreamSeen.closed).toBe(1)
    expect(upstreamSeen.closedAt - asked).toBeLessThan(250)
    const events = await readStream(await server.ask(`/v1/runs/${run}/events`))
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ type: 'run-finished', data: { status: 'cancelled' } })
  })

  test('live text arrives while the model still speaks, without a number', async () => {
    const run = await begin('hung')
    const events = await readStream(await server.ask(`/v1/runs/${run}/events`), ({ event }) => event === 'delta')
    const delta = events.at(-1)
    expect(delta?.id).toBeUndefined()
    expect(JSON.parse(delta?.data ?? '')).toMatchObject({
      step: 'one',
      type: 'text',
      text: expect.stringContaining('first'),
    })
    await server.post(`/v1/runs/${run}/cancel`, {})
  })

  test('words that cannot be obeyed are told as problems, and the line stays', async () => {
    const run = await begin('hung')
    const socket = new WebSocket(`${server.url}/v1/runs/${run}/ws`.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    const problems: string[] = []
    const answered = new Promise<void>((resolve) =>
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as { type: string; problem?: { code: string } }
        if (message.type === 'problem') problems.push(message.problem?.code ?? '')
        if (message.type === 'done') resolve()
      }),
    )
    for (const text of [
      'no json',
      '{"type":"explode"}',
      '{"type":"approve","ask":"nothing"}',
      '{"type":"steer","text":5}',
      '{"type":"steer","text":"be kind","id":1}',
    ])
      socket.send(text)
    await answered
    expect(problems.toSorted()).toEqual(['bad_input', 'bad_input', 'body_invalid', 'not_found'])
    socket.send('{"type":"cancel"}')
    await new Promise((resolve) => socket.once('close', resolve))
  })

  test.each(['approve', 'deny'] as const)('a run that rests goes on when somebody says %s', async (word) => {
    const run = await begin('asks')
    const socket = new WebSocket(`${server.url}/v1/runs/${run}/ws`.replace('http', 'ws'))
    const events: { readonly type: string; readonly data: { readonly status?: string } }[] = []
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; event?: (typeof events)[number] }
      if (message.event) events.push(message.event)
      if (message.event?.type === 'run-paused') socket.send(JSON.stringify({ type: word, ask: 'deploy', id: 'x' }))
    })
    await new Promise((resolve) => socket.once('close', resolve))
    expect(events.map(({ type }) => type)).toContain(word === 'approve' ? 'approval-given' : 'approval-denied')
    expect(events.at(-1)).toMatchObject({
      type: 'run-finished',
      data: { status: word === 'approve' ? 'succeeded' : 'failed' },
    })
  })

  test('a page of another origin gets none', async () => {
    const run = await begin('echo')
    const refused = new WebSocket(`${server.url}/v1/runs/${run}/ws`.replace('http', 'ws'), {
      origin: 'https://evil.test',
    })
    const error = await new Promise<Error>((resolve) => refused.once('error', resolve))
    expect(error.message).toContain('403')
    const missing = new WebSocket(`${server.url}/v1/runs/nothing/ws`.replace('http', 'ws'))
    expect((await new Promise<Error>((resolve) => missing.once('error', resolve))).message).toContain('404')
  })

  test('LLM Orchestra: an ensemble is executed and told under its names', async () => {
    const socket = new WebSocket(`${server.url}/ws/execute`.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    const types: string[] = []
    const told: string[] = []
    const ended = new Promise<void>((resolve) =>
      socket.on('message', (data) => {
        const { type, data: about } = JSON.parse(String(data)) as { type: string; data: { agent_name?: string } }
        types.push(type)
        if (about.agent_name !== undefined) told.push(`${about.agent_name} ${type}`)
        if (type === 'execution_complete' || type === 'error') resolve()
      }),
    )
    socket.send(JSON.stringify({ ensemble: 'echo', input: 'hello' }))
    await ended
    const kinds = [...new Set(types)]
    expect(kinds).toContain('agent_start')
    expect(kinds).toContain('agent_complete')
    expect(types.at(-1)).toBe('execution_complete')
    const agents = new Set(told.map((each) => each.split(' ')[0]))
    for (const agent of agents) {
      const own = told.flatMap((each) => (each.startsWith(`${agent} `) ? [each.split(' ')[1]] : []))
      expect([own[0], own.at(-1)]).toEqual(['agent_start', 'agent_complete'])
    }
    socket.close()
  })
})

interface SocketMessage {
  readonly type: string
  readonly seq?: number
  readonly event?: unknown
}

/** Everything a socket says until it is closed. */
function listen(path: string): Promise<readonly SocketMessage[]> {
  const messages: SocketMessage[] = []
  const socket = new WebSocket(`${server.url}${path}`.replace('http', 'ws'))
  return new Promise((resolve, reject) => {
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    socket.on('close', () => resolve(messages))
    socket.on('error', reject)
  })
}

describe('many readers and slow ones', () => {
  test('F27 I21 clients that come and go get every event once, while the run grows', async () => {
    const { journal } = await server.app.openJournal()
    const count = 5_000
    const written = writeRecord(journal, 'storm', { count, bytes: 400, pause_ms: 5 })
    const url = `${server.url}/v1/runs/storm/events`
    await expect
      .poll(async () => (await fetch(url, { method: 'GET', headers: { accept: 'application/json' } })).status)
      .toBe(200)
    const random = createRandom('storm')
    const clients = await Promise.all(Array.from({ length: 20 }, () => readWithCuts(url, { random, longest: 1_500 })))
    await written
    expect(clients.map(({ received }) => received)).toEqual(clients.map(() => count))
    expect(clients.every(({ gaps, duplicates }) => gaps === 0 && duplicates === 0)).toBe(true)
    expect(clients.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThan(60)
    await expect.poll(() => openStreams()).toBe(0)
  })

  test('F28 I22 a reader that takes nothing is cut off and the reason counted', async () => {
    const { journal } = await server.app.openJournal()
    await writeRecord(journal, 'stalled', { count: 8_000, bytes: 2_000 })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.write(`GET /v1/runs/stalled/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    socket.pause()
    await expect
      .poll(async () => readMetric('llm_orc_streams_closed_total{reason="overflow"}'), { timeout: 10_000 })
      .toBe(1)
    expect(await openStreams()).toBe(0)
    socket.resume()
    await closed
  })

  test('F28 the same for a socket', async () => {
    const socket = new WebSocket(`${server.url}/v1/runs/stalled/ws`.replace('http', 'ws'))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.pause()
    await expect
      .poll(async () => readMetric('llm_orc_streams_closed_total{reason="overflow"}'), { timeout: 10_000 })
      .toBe(2)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    await closed
  })

  test('a client that comes back from too far behind is told to begin anew', async () => {
    const { limitBacklog } = await import('./cursor.ts')
    expect(limitBacklog(5, 200_006)).toBe(6)
    expect(limitBacklog(0, 1_000_000)).toBe(0)
    expect(limitBacklog(900_000, 1_000_000)).toBe(900_000)
  })
})

async function readMetric(name: string): Promise<number | undefined> {
  const text = await (await server.ask('/metrics')).text()
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

const openStreams = () => readMetric('llm_orc_streams_open')
