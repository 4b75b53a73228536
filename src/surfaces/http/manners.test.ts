import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const ECHO = `name: echo
description: Says it again.
agents:
  - { name: one, model_profile: p }
`
const PAGES = 'serve: { cors: ["https://app.example.org"] }\n'

let server: Served
beforeAll(async () => {
  server = await openServer(makeServedProject({ 'ensembles/echo.yaml': ECHO, '~/config.yaml': PAGES }))
})
afterAll(() => server.close())
const read = async (response: Response) => (await response.json()) as Record<string, unknown>

test('a wish that cannot be understood begins no run', async () => {
  for (const query of ['wait=maybe', 'wait=true&wait=false', 'wate=true'])
    expect((await server.post(`/v1/runs?${query}`, { target: 'echo', input: 'x' })).status, query).toBe(400)
  expect(await read(await server.ask('/v1/runs'))).toMatchObject({ runs: [] })
})

test('no address takes the names of files of the server, the older ones neither', async () => {
  for (const field of ['input_file', 'plan_file', 'docs', 'detach'])
    for (const path of ['/run', '/stream/run', '/v1/runs']) {
      const answer = await server.post(path, { prompt: 'x', [field]: '/etc/hostname' })
      expect(answer.status, `${path} ${field}`).toBe(400)
      expect(await read(answer)).toMatchObject({ code: 'bad_input', detail: `the field ${field} is not taken here` })
    }
})

test('what only has to be confirmed says how that is done here; older programs mean it', async () => {
  const made = await server.post('/api/profiles', { name: 'extra', provider: 'scripted', model: 'rehearsal' })
  expect(made.status).toBe(200)
  expect((await server.ask('/api/profiles/extra', { method: 'DELETE' })).status).toBe(200)
  expect(JSON.stringify(await read(await server.ask('/api/profiles')))).not.toContain('"extra"')
  const answer = await server.ask('/v1/ensembles/echo', { method: 'DELETE' })
  expect(await read(answer)).toMatchObject({ code: 'confirmation_needed', hint: 'Add confirm=true to do it.' })
})

test('older addresses answer with {error} whatever is wrong, each with the id of its request', async () => {
  const wrong = [
    server.ask('/api/ensembles', { method: 'PATCH' }),
    server.ask('/api/nothing'),
    server.ask('/api/ensembles', { headers: { origin: 'https://evil.test' } }),
  ]
  for (const answer of await Promise.all(wrong)) {
    expect(answer.headers.get('x-request-id')).toMatch(/^[\w.-]+$/)
    expect(await read(answer)).toMatchObject({ error: expect.any(String), code: expect.any(String) })
  }
})

test('a profile or script that is not there is 404 at its own address', async () => {
  expect((await server.ask('/v1/profiles/nobody?confirm=true', { method: 'DELETE' })).status).toBe(404)
  expect((await server.ask('/v1/scripts/nothing')).status).toBe(404)
})

test('pages of allowed origins may send what the newer MCP revision wants, and may change what they may', async () => {
  const answer = await fetch(`${server.url}/mcp`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.org', 'access-control-request-method': 'POST' },
  })
  expect(answer.headers.get('access-control-allow-headers')).toMatch(/mcp-method.*mcp-name/i)
  expect(answer.headers.get('access-control-allow-methods')).toContain('PUT')
})

test('whoever only looks whether it lives needs no key, by HEAD neither', async () => {
  const { key } = await makeKey(server.app, 'someone')
  expect((await fetch(`${server.url}/health`, { method: 'HEAD' })).status).toBe(200)
  expect((await fetch(`${server.url}/v1/version`, { method: 'HEAD' })).status).toBe(401)
  expect((await fetch(`${server.url}/v1/version`, { headers: bearer(key) })).status).toBe(200)
})
