import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, type MadeKey, makeKey, revoke } from '../http/access.fixture.ts'
import { makeServedProject, openServer, type Served } from '../http/serve.fixture.ts'
import { callTool, type Era } from './mcp.fixture.ts'

let server: Served
let ann: MadeKey
let reader: MadeKey

beforeAll(async () => {
  const ECHO = 'name: echo\ndescription: Says it again.\nagents: [{ name: one, model_profile: p }]\n'
  server = await openServer(makeServedProject({ 'ensembles/echo.yaml': ECHO }))
  ann = await makeKey(server.app, 'ann', { scopes: ['read', 'run', 'write'] })
  reader = await makeKey(server.app, 'reader', { scopes: ['read'] })
})

afterAll(async () => {
  await server.close()
  expect(server.log.join('\n')).not.toMatch(/orc_[\da-f]{16}_/)
})

async function connect(key: string, era: Era): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: era } })
  const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), {
    requestInit: { headers: bearer(key) },
  })
  await client.connect(transport)
  return client
}

const post = (body: object, headers: Record<string, string>) =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
  })
const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
const initialize = { id: 1, method: 'initialize', params }

test('without a key nobody comes in, and pages of elsewhere never do (S06, S09)', async () => {
  expect((await post(initialize, {})).status).toBe(401)
  expect((await post(initialize, { ...bearer(ann.key), origin: 'http://evil.test' })).status).toBe(403)
})

test.each<Era>(['legacy', 'auto'])('a key does what it has the right to, and no more (%s)', async (era) => {
  const client = await connect(ann.key, era)
  expect((await callTool(client, 'invoke', { ensemble_name: 'echo', input: 'tea' })).data).toMatchObject({
    status: 'completed',
  })
  expect((await callTool(client, 'ensemble_echo', { input: 'tea' })).text).toBe('tea')
  expect((await callTool(client, 'validate_ensemble', { ensemble_name: 'echo' })).data).toMatchObject({ valid: true })
  expect((await callTool(client, 'check_ensemble_runnable', { ensemble_name: 'echo' })).data).toMatchObject({
    runnable: true,
  })
  expect((await callTool(client, 'get_script', { name: 'read_file.mjs' })).failed).toBe(false)
  expect((await callTool(client, 'cleanup_artifacts', { dry_run: false })).data).toMatchObject({
    code: 'access_denied',
  })
  await client.close()
  const looking = await connect(reader.key, era)
  expect((await callTool(looking, 'list_ensembles')).failed).toBe(false)
  for (const [name, given] of [
    ['invoke', { ensemble_name: 'echo', input: 'x' }],
    ['create_ensemble', { name: 'mine', agents: [{ name: 'a', model_profile: 'p' }] }],
    ['delete_ensemble', { ensemble_name: 'echo', confirm: true }],
    ['update_profile', { name: 'p', changes: { temperature: 1 } }],
  ] as const)
    expect((await callTool(looking, name, given)).data, name).toMatchObject({ code: 'access_denied' })
  await looking.close()
})

test('a session is its owner’s alone, and ends with its key (S12)', async () => {
  const cut = await makeKey(server.app, 'cut', { scopes: ['read'] })
  const opened = await post(initialize, bearer(cut.key))
  await opened.body?.cancel()
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  expect((await post({ id: 2, method: 'ping' }, { ...session, ...bearer(reader.key) })).status).toBe(404)
  const headers = { accept: 'text/event-stream', 'mcp-protocol-version': '2025-11-25', ...session, ...bearer(cut.key) }
  const stream = await fetch(`${server.url}/mcp`, { headers })
  expect(stream.status).toBe(200)
  await revoke(server.app, cut.id)
  const reading = stream.body?.getReader()
  const ended = async () => {
    for (;;) {
      const { done } = (await reading?.read().catch(() => ({ done: true }))) ?? { done: true }
      if (done) return true
    }
  }
  await expect(ended()).resolves.toBe(true)
  expect((await post({ id: 3, method: 'ping' }, { ...session, ...bearer(cut.key) })).status).toBe(401)
})
