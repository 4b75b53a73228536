/** S09: who guesses keys, and what is open under a key that is revoked. `SECURITY=full` sends all 10,000 guesses over HTTP. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createAccess } from '../../app/access.ts'
import { bearer, type MadeKey, makeKey, revoke } from './access.fixture.ts'
import { type HangingServer, openHangingServer } from './openai/model-server.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const GUESSES = 10_000
const SENT = process.env.SECURITY === 'full' ? GUESSES : 1_000
/** Ten at once, and what comes back in the time that all of it takes at the most. */
const MOST_HEARD = 10 + 10

let upstream: HangingServer
let server: Served
let ann: MadeKey

beforeAll(async () => {
  upstream = await openHangingServer()
  server = await openServer(
    makeServedProject({
      'config.yaml': `model_profiles:\n  hung: { provider: openai-compatible, model: m, base_url: "${upstream.url}" }\n`,
      'ensembles/hung.yaml': 'name: hung\ndescription: d\nagents:\n- {name: one, model_profile: hung}\n',
    }),
  )
  ann = await makeKey(server.app, 'ann', { scopes: ['read', 'run'] })
})

afterAll(async () => {
  await server.close()
  await upstream.close()
  expect(server.log.join('\n')).not.toContain(ann.key.slice(22))
})

const HEX = '0123456789abcdef'
/** Near and far: another end of the right key, its beginning with other letters, other ids, no keys at all. */
function guess(index: number): string {
  const tail = ann.key.slice(22)
  const at = index % 43
  const near = tail.slice(0, at) + (tail[at] === 'A' ? 'B' : 'A') + tail.slice(at + 1)
  const filler = String(index).padStart(43, 'x')
  const id = ann.id.slice(0, -1) + HEX[(HEX.indexOf(ann.id.at(-1) ?? '0') + 1 + (index % 15)) % 16]
  return (
    [`orc_${ann.id}_${near}`, `orc_${ann.id}_${filler}`, `orc_${id}_${tail}`, `orc_${filler}`, `a.b.${index}`][
      index % 5
    ] ?? ''
  )
}

describe('S09 guesses', () => {
  test(`${GUESSES} of them: ten are heard a minute, no other address suffers, the right key always opens`, async () => {
    const access = createAccess(server.app)
    const from = (remote: string, credential: string) => access.authenticate({ credential, remote, local_name: false })
    const codes = new Map<string, number>()
    for (let index = 0; index < GUESSES; index += 1) {
      const answer = await from('10.1.1.1', guess(index))
      expect(answer.ok).toBe(false)
      if (answer.ok) continue
      codes.set(answer.problem.code, (codes.get(answer.problem.code) ?? 0) + 1)
      if (answer.problem.code === 'access_limited') expect(answer.retry_after_s).toBeGreaterThan(0)
      if (index % 1_000 === 999) {
        expect(await from('10.1.1.1', ann.key)).toMatchObject({ ok: true, principal: { name: 'ann' } })
        expect(await from(`10.1.2.${index / 1_000}`, guess(index))).toMatchObject({
          problem: { code: 'credentials_refused' },
        })
      }
    }
    expect([...codes.keys()].toSorted()).toEqual(['access_limited', 'credentials_refused'])
    expect(codes.get('credentials_refused')).toBeLessThanOrEqual(MOST_HEARD)
  })

  test(`${SENT} over HTTP: 429 with the time to wait, and nothing of them is kept or told`, {
    timeout: 120_000,
  }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    const { port } = new URL(server.url)
    const send = (key: string) =>
      new Promise<{ readonly status: number; readonly wait: string | undefined; readonly text: string }>(
        (resolve, reject) => {
          const asked = request(
            { agent, host: '127.0.0.1', port, path: '/v1/version', headers: bearer(key) },
            (response) => {
              let text = ''
              response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
              response.once('end', () =>
                resolve({ status: response.statusCode ?? 0, wait: response.headers['retry-after'], text }),
              )
            },
          )
          asked.once('error', reject).end()
        },
      )
    let heard = 0
    for (let index = 0; index < SENT; index += 50) {
      const keys = Array.from({ length: Math.min(50, SENT - index) }, (_, n) => guess(index + n))
      const answers = await Promise.all(keys.map(send))
      for (const [n, { status, wait, text }] of answers.entries()) {
        expect([401, 429]).toContain(status)
        if (status === 401) heard += 1
        else expect(Number(wait)).toBeGreaterThan(0)
        expect(text).not.toContain(keys[n])
      }
    }
    agent.destroy()
    expect(heard).toBeLessThanOrEqual(MOST_HEARD)
    expect((await server.ask('/v1/version', { headers: bearer(ann.key) })).status).toBe(200)
    const kept = readFileSync(join(server.app.paths.data, 'keys.json'), 'utf8')
    expect(kept).not.toContain(ann.key.slice(22))
    expect(server.log.join('\n')).not.toMatch(/orc_[\da-f]{16}_/)
  })
})

describe('S09 what is open under a key', () => {
  const STREAMS = [
    'events of a run',
    'a socket of a run',
    'events of a batch',
    'a plan as it goes',
    'the socket of older programs',
    'a chat as it is written',
  ]

  test(`is closed when the key is revoked: ${STREAMS.length} kinds of streams`, async () => {
    const leaver = await makeKey(server.app, 'leaver', { scopes: ['read', 'run'] })
    const headers = { ...bearer(leaver.key), 'content-type': 'application/json' }
    const post = (path: string, body: object) =>
      fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
    const { run } = (await (await post('/v1/runs', { target: 'hung', input: 'x' })).json()) as { readonly run: string }
    const { batch } = (await (await post('/v1/batches', { target: 'hung', inputs: ['x'] })).json()) as {
      readonly batch: string
    }
    const read = (response: Response) => {
      expect(response.status).toBe(200)
      return response.text().catch(() => 'cut')
    }
    const socket = async (path: string, first?: object) => {
      const line = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers: bearer(leaver.key) })
      const closed = new Promise<number>((resolve) => line.once('close', resolve))
      await new Promise((resolve, reject) => line.once('open', resolve).once('error', reject))
      if (first) line.send(JSON.stringify(first))
      return closed
    }
    // Each promise is the end of one stream; it must not be awaited here.
    const ends = [
      { end: read(await fetch(`${server.url}/v1/runs/${run}/events`, { headers })) },
      { end: socket(`/v1/runs/${run}/ws`) },
      { end: read(await fetch(`${server.url}/v1/batches/${batch}/events`, { headers })) },
      { end: read(await post('/stream/run', { prompt: 'x', model: ['hung'], planner_model: 'hung' })) },
      { end: socket('/ws/execute', { ensemble: 'hung', input: 'x' }) },
      {
        end: read(
          await post('/v1/chat/completions', {
            model: 'hung',
            messages: [{ role: 'user', content: 'x' }],
            stream: true,
          }),
        ),
      },
    ]
    expect(ends).toHaveLength(STREAMS.length)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await revoke(server.app, 'leaver')
    const since = performance.now()
    const said = await Promise.all(
      ends.map(async ({ end }) => [await end, Math.round(performance.now() - since)] as const),
    )
    console.log(STREAMS.map((name, index) => `${name}: closed after ${said[index]?.[1]} ms`).join('\n'))
    for (const [index, [last, ms]] of said.entries()) {
      expect(ms, STREAMS[index]).toBeLessThan(3_000)
      if (typeof last === 'number') expect(last, STREAMS[index]).toBe(1008)
    }
    expect(said[0]?.[0]).toContain('event: revoked')
    // This address has guessed too much to be told more.
    expect([401, 429]).toContain((await fetch(`${server.url}/v1/version`, { headers })).status)
  })
})
