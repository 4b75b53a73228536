import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer, type MadeKey, makeKey, revoke, SEEN_MS } from './access.fixture.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'
import { API } from './server.ts'

const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const SLOW = 'name: slow\ndescription: d\nagents:\n- {name: one, script: "sleep 3; echo {}"}\n'
const FILES = { 'ensembles/echo.yaml': ECHO, 'ensembles/slow.yaml': SLOW }
let server: Served
let boss: MadeKey
let ann: MadeKey
let bob: MadeKey

beforeAll(async () => {
  server = await openServer(makeServedProject(FILES))
  boss = await makeKey(server.app, 'boss', { scopes: ['admin'] })
  ann = await makeKey(server.app, 'ann', { scopes: ['read', 'run', 'write', 'approve'] })
  bob = await makeKey(server.app, 'bob', { scopes: ['read', 'run', 'write', 'approve'] })
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
  expect(server.log.join('\n')).not.toMatch(/orc_[\da-f]{16}_/)
})

const json = async (response: Response) => (await response.json()) as { readonly [field: string]: never }
const ask = (path: string, key: string, init: RequestInit = {}) =>
  server.ask(path, { ...init, headers: { ...bearer(key), ...(init.headers as Record<string, string>) } })
const run = async (key: string, body: object = { target: 'echo', input: 'x' }, query = '?wait=true') =>
  server.post(`/v1/runs${query}`, body, bearer(key))
const begin = async (key: string, body?: object) =>
  ((await json(await run(key, body))) as unknown as { run: string }).run

describe('S09 keys', () => {
  test('without one there is nothing but health, and what says how to come in', async () => {
    for (const path of [
      '/v1/version',
      '/docs',
      '/v1/openapi.json',
      '/metrics',
      '/v1/errors',
      '/v1/models',
      '/nothing',
    ]) {
      const response = await server.ask(path)
      expect(response.status, path).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="llm-orc"')
    }
    expect(await json(await server.ask('/health'))).toEqual({ status: 'ok', version: API.info.version })
    expect((await server.ask('/.well-known/oauth-protected-resource')).status).toBe(200)
  })

  test('a key opens what it has the right to', async () => {
    expect((await ask('/v1/version', ann.key)).status).toBe(200)
    expect((await server.ask('/v1/version', { headers: { 'x-api-key': ann.key } })).status).toBe(200)
    const denied = await ask('/v1/keys', ann.key)
    expect(denied.status).toBe(403)
    expect(denied.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect(await json(denied)).toMatchObject({ code: 'access_denied' })
    expect((await ask('/v1/keys', boss.key)).status).toBe(200)
  })

  test('each right opens its own operations only', async () => {
    const reader = await makeKey(server.app, 'reader', { scopes: ['read'] })
    const runner = await makeKey(server.app, 'runner', { scopes: ['run'] })
    expect((await run(reader.key)).status).toBe(403)
    expect((await run(runner.key)).status).toBe(200)
    expect((await ask('/v1/runs', runner.key)).status).toBe(403)
    expect((await ask('/metrics', runner.key)).status).toBe(403)
    // Saying yes beforehand is saying yes.
    expect((await run(runner.key, { target: 'slow', input: 'x', allow: ['*'] })).status).toBe(403)
    expect((await ask('/v1/batches/x/cancel', reader.key, { method: 'POST' })).status).toBe(403)
  })

  test('it is kept as a hash, in a file of the user alone', () => {
    const file = join(server.app.paths.data, 'keys.json')
    const text = readFileSync(file, 'utf8')
    for (const { key } of [boss, ann, bob]) expect(text).not.toContain(key.slice(-43))
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('never in an address', async () => {
    expect((await server.ask(`/v1/version?key=${ann.key}`)).status).toBe(401)
    expect((await server.ask(`/v1/version?access_token=${ann.key}`)).status).toBe(401)
  })

  test('its name is taken, unless both are to be good for a while', async () => {
    await expect(makeKey(server.app, 'ann')).rejects.toMatchObject({ code: 'key_exists' })
    const old = await makeKey(server.app, 'turner')
    const fresh = await makeKey(server.app, 'turner', { rotate: '1h' })
    expect((await ask('/v1/version', old.key)).status).toBe(200)
    expect((await ask('/v1/version', fresh.key)).status).toBe(200)
    await makeKey(server.app, 'turner', { rotate: '0m' })
    expect((await ask('/v1/version', old.key)).status).toBe(401)
    expect((await ask('/v1/version', fresh.key)).status).toBe(401)
  })

  test('S09 revoked, it is refused within a second, on open streams, too', async () => {
    const leaver = await makeKey(server.app, 'leaver', { scopes: ['read', 'run', 'approve'] })
    const begun = await run(leaver.key, { target: 'slow', input: 'x', allow: ['*'] }, '')
    const { run: id } = (await json(begun)) as unknown as { run: string }
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/runs/${id}/ws`, {
      headers: bearer(leaver.key),
    })
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    const stream = readStream(await ask(`/v1/runs/${id}/events`, leaver.key))
    const since = performance.now()
    await revoke(server.app, 'leaver')
    expect((await stream).at(-1)).toMatchObject({ event: 'revoked' })
    expect(await closed).toBe(1008)
    expect(performance.now() - since).toBeLessThan(2_000)
    expect((await ask('/v1/version', leaver.key)).status).toBe(401)
  })

  test('S09 who guesses has to wait, and locks out nobody', async () => {
    const guess = (index: number) => `orc_${ann.id}_${String(index).padStart(43, 'x')}`
    const statuses: number[] = []
    for (let index = 0; index < 200; index++) statuses.push((await ask('/v1/version', guess(index))).status)
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(11)
    const waiting = await ask('/v1/version', guess(0))
    expect(waiting.status).toBe(429)
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask('/v1/version', ann.key)).status).toBe(200)
  })

  test.each(['', 'Bearer', 'Bearer ', 'Basic YTpi', 'DPoP x', `bearer`, 'Bearer a b', 'Bearer orc_', 'Bearer null'])(
    'the header %j is no key',
    async (authorization) => {
      expect([401, 429]).toContain((await server.ask('/v1/version', { headers: { authorization } })).status)
    },
  )
})

describe('S12 runs of others', () => {
  test('are not there, on any route of the document', async () => {
    const id = await begin(ann.key)
    const begun = await json(
      await server.post('/v1/batches?wait=true', { target: 'echo', inputs: ['secret of ann'] }, bearer(ann.key)),
    )
    const { batch } = begun as unknown as { batch: string }
    const words: Record<string, string> = {
      run: id,
      batch,
      ask: 'x',
      sha256: 'a'.repeat(64),
      ensemble: 'echo',
      execution: 'latest',
    }
    const fill = (path: string) => path.replaceAll(/\{(\w+)\}/g, (_, word: string) => words[word] ?? 'x')
    const marks = [id, batch, 'secret of ann']
    let asked = 0
    for (const [path, methods] of Object.entries(API.paths))
      for (const method of Object.keys(methods)) {
        if (
          !/\{(run|batch|execution)\}/.test(path) &&
          !/^\/v1\/(runs|batches|usage|artifacts|approvals|recovery)/.test(path)
        )
          continue
        const init = {
          method: method.toUpperCase(),
          headers: { ...bearer(bob.key), 'content-type': 'application/json' },
        }
        const body = method === 'post' ? { body: '{}' } : {}
        const stop = AbortSignal.timeout(5_000)
        const response = await fetch(`${server.url}${fill(path)}`, { ...init, ...body, signal: stop })
        const text = await response.text()
        asked += 1
        // What was asked for may be named in the refusal.
        for (const mark of marks) if (response.ok) expect(text, `${method} ${path}`).not.toContain(mark)
        if (/\{(run|batch)\}/.test(path)) expect([400, 404], `${method} ${path} ${text}`).toContain(response.status)
      }
    expect(asked).toBeGreaterThan(20)
    expect((await ask(`/v1/runs/${id}`, bob.key)).status).toBe(404)
    expect((await ask(`/v1/runs/${id.slice(0, -1)}`, bob.key)).status).toBe(404)
    expect((await ask('/v1/runs/latest', bob.key)).status).toBe(404)
    expect((await ask(`/v1/runs/${id}/events`, bob.key)).status).toBe(404)
    expect((await ask(`/v1/batches/${batch}/events`, bob.key)).status).toBe(404)
    expect((await ask(`/v1/runs/${id}/cancel`, bob.key, { method: 'POST' })).status).toBe(404)
  })

  test('are their owner’s and the administrator’s', async () => {
    const id = await begin(ann.key)
    expect((await ask(`/v1/runs/${id}`, ann.key)).status).toBe(200)
    expect((await ask(`/v1/runs/${id}`, boss.key)).status).toBe(200)
    const [first] = await readStream(await ask(`/v1/runs/${id}/events`, ann.key))
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ data: { principal: 'ann' } })
    const { runs } = (await json(await ask('/v1/runs', bob.key))) as unknown as { runs: readonly { id: string }[] }
    expect(runs.map((each) => each.id)).not.toContain(id)
    const artifacts = await json(await ask('/v1/artifacts', ann.key))
    expect(JSON.stringify(artifacts)).toContain('echo')
    expect(await json(await ask('/v1/artifacts', bob.key))).toEqual({ artifacts: [] })
    expect((await ask('/v1/artifacts/echo', bob.key)).status).toBe(404)
  })

  test('a socket opens for the owner only', async () => {
    const id = await begin(ann.key)
    const open = (key: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/runs/${id}/ws`, { headers: bearer(key) })
        socket.once('open', () => resolve(101))
        socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
        socket.on('error', () => {})
      })
    expect(await open(ann.key)).toBe(101)
    expect(await open(bob.key)).toBe(404)
  })
})

describe('S17 files of the server', () => {
  test.each(['/etc/passwd', '../../secret', '~/x.yaml', 'a/../../b', './x.yaml', 'C:\\x', '..\\x', 'x\0y'])(
    'are not to be named: %j',
    async (target) => {
      expect([400, 403, 404]).toContain((await run(ann.key, { target, input: 'x' })).status)
      const named = await ask(`/v1/ensembles/${encodeURIComponent(target)}`, ann.key)
      expect([400, 403, 404]).toContain(named.status)
    },
  )
  test.each(['/etc/passwd', 'bundle.zip', '../x'])('nor as a bundle: %j', async (file) => {
    expect((await ask(`/v1/runs/${encodeURIComponent(file)}/replay`, ann.key)).status).toBe(403)
  })
})

describe('S18 fields nobody knows', () => {
  test('are refused on every route that changes something', async () => {
    let asked = 0
    for (const [path, methods] of Object.entries(API.paths)) {
      const described = methods['post']
      if (!described?.['x-operation']) continue
      for (const extra of ['isAdmin', 'principal', 'scopes', 'constructor', '__proto__']) {
        const body = `{${JSON.stringify(extra)}: true}`
        const headers = { ...bearer(boss.key), 'content-type': 'application/json' }
        const response = await fetch(`${server.url}${path.replaceAll(/\{\w+\}/g, 'x')}`, {
          method: 'POST',
          body,
          headers,
        })
        if (path === '/v1/keys/create' && extra === 'scopes') expect(response.status).toBe(400)
        expect([400, 404], `${path} ${extra}`).toContain(response.status)
        await response.body?.cancel()
        asked += 1
      }
    }
    expect(asked).toBeGreaterThan(100)
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
  })
})

describe('S20 what one key may take', () => {
  test('so many requests a minute', async () => {
    const busy = await makeKey(server.app, 'busy', { max_requests_per_minute: 5 })
    const statuses: number[] = []
    for (let index = 0; index < 10; index++) statuses.push((await ask('/v1/version', busy.key)).status)
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200])
    expect(statuses.slice(6)).toEqual([429, 429, 429, 429])
    expect((await ask('/v1/version', ann.key)).status).toBe(200)
  })

  test('so many runs at once, also when they come together', async () => {
    const narrow = await makeKey(server.app, 'narrow', { scopes: ['read', 'run', 'approve'], max_concurrent: 2 })
    const slow = { target: 'slow', input: 'x', allow: ['*'] }
    const answers = await Promise.all(Array.from({ length: 8 }, () => run(narrow.key, slow, '')))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 429, 429, 429, 429, 429, 429])
    expect(
      (await server.post('/v1/batches', { target: 'echo', inputs: ['x'], concurrency: 1 }, bearer(narrow.key))).status,
    ).toBe(429)
    const begun = await Promise.all(answers.filter(({ status }) => status === 202).map(json))
    for (const { run: id } of begun as unknown as { run: string }[])
      await ask(`/v1/runs/${id}/cancel`, narrow.key, { method: 'POST' })
    expect((await run(narrow.key)).status).toBe(200)
  })

  test('so much money a day', async () => {
    const settings = `${readFileSync(join(server.cwd, '.llm-orc', 'config.yaml'), 'utf8')}budgets: { keys: { poor: { max_calls: 1 } } }\n`
    server.write('config.yaml', settings)
    await sleep(SEEN_MS)
    const poor = await makeKey(server.app, 'poor')
    expect(await json(await run(poor.key))).toMatchObject({ report: { status: 'succeeded' } })
    expect(await json(await run(poor.key))).toMatchObject({ report: { status: 'exhausted' } })
    expect(await json(await run(ann.key))).toMatchObject({ report: { status: 'succeeded' } })
  })
})

describe('S22 what comes back', () => {
  test('never holds a key, whatever fails', async () => {
    const { key } = ann
    const paths = [
      `/${key}`,
      `/v1/runs/${key}`,
      `/v1/runs?limit=${key}`,
      `/v1/ensembles/${key}`,
      `/v1/errors/${key}`,
      `/api/ensembles/${key}`,
    ]
    const answers = await Promise.all(paths.map((path) => fetch(`${server.url}${path}`, { headers: bearer(key) })))
    const bodies = await Promise.all([
      server.post('/v1/runs', { target: key }, bearer(key)),
      server.post('/v1/runs', { [key]: 1 }, bearer(key)),
      server.post('/v1/chat/completions', { model: key, messages: [] }, bearer(key)),
      run(key, { target: 'echo', input: `my key is ${key}` }),
      ask('/v1/version', key, { headers: { 'x-request-id': key } }),
    ])
    for (const response of [...answers, ...bodies]) {
      const text = await response.text()
      expect(text, response.url.replace(key, 'KEY')).not.toContain(key)
      expect(text).not.toContain(key.slice(22))
    }
  })

  test('every answer has a request id', async () => {
    for (const [path, key] of [
      ['/health', ''],
      ['/v1/version', ''],
      ['/v1/version', ann.key],
      ['/nothing', ann.key],
      ['/v1/keys', ann.key],
    ] as const)
      expect((await ask(path, key)).headers.get('x-request-id')).toMatch(/^[\w.-]+$/)
  })
})

// Last: it spoils the file of keys.
describe('S30 what cannot be decided', () => {
  test('a file of keys that cannot be read lets nobody in', async () => {
    const file = join(server.app.paths.data, 'keys.json')
    const before = readFileSync(file, 'utf8')
    for (const broken of [
      '',
      '{',
      '[]',
      '{"version":2,"keys":[]}',
      '{"version":1,"keys":[{"id":1}]}',
      before.slice(0, -20),
    ]) {
      writeFileSync(file, broken)
      await sleep(SEEN_MS)
      expect((await ask('/v1/version', boss.key)).status, broken.slice(0, 20)).toBe(503)
      expect((await server.ask('/v1/version')).status).toBe(503)
      expect((await server.ask('/health')).status).toBe(200)
    }
    writeFileSync(file, before)
    chmodSync(file, 0o600)
    await sleep(SEEN_MS)
    expect((await ask('/v1/version', boss.key)).status).toBe(200)
  })
})
