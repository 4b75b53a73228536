import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer, type MadeKey, makeKey, SEEN_MS } from './access.fixture.ts'
import { guardAddress, guardRequest, guardsOf } from './guards.ts'
import { speakTo } from './raw.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

let server: Served
let boss: MadeKey
let ann: MadeKey

beforeAll(async () => {
  server = await openServer(makeServedProject())
  boss = await makeKey(server.app, 'boss', { scopes: ['admin'] })
  ann = await makeKey(server.app, 'ann', { scopes: ['read', 'run'] })
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
})

const json = async (response: Response) => (await response.json()) as { readonly [field: string]: never }
const ask = (path: string, key: string, init: RequestInit = {}) =>
  server.ask(path, { ...init, headers: { ...bearer(key), ...(init.headers as Record<string, string>) } })

describe('S08 sockets of pages', () => {
  const dial = (headers: Record<string, string>, protocols: string[] = []) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/execute`, protocols, { headers })
      socket.once('open', () => {
        resolve(`open ${socket.protocol}`.trim())
        socket.close()
      })
      socket.once('unexpected-response', (_, response) => resolve(String(response.statusCode)))
      socket.on('error', () => {})
    })
  test.each(['https://evil.test', 'null', 'http://localhost:1', undefined, 'own'])('of the origin %s', async (from) => {
    const origin = from === 'own' ? server.url : from
    const headers = origin === undefined ? {} : { origin }
    const isAllowed = from === undefined || from === 'own'
    expect(await dial(headers)).toBe(isAllowed ? '401' : '403')
    expect(await dial({ ...headers, ...bearer('orc_x') })).toMatch(isAllowed ? /401|429/ : /403/)
    expect(await dial({ ...headers, ...bearer(ann.key) })).toBe(isAllowed ? 'open' : '403')
  })

  test('bring their key as a protocol, which is not said back', async () => {
    expect(await dial({ origin: server.url }, ['llm-orc', `bearer.${ann.key}`])).toBe('open llm-orc')
    expect(await dial({ origin: server.url }, ['llm-orc', 'bearer.orc_x'])).toMatch(/401|429/)
  })
})

describe('S06 S07 names and pages', () => {
  const served = guardsOf(
    { host: '0.0.0.0', port: 8765 },
    {
      allowed_hosts: ['orc.example.org', 'proxy.example.org:443'],
      cors: ['https://app.example.org'],
      public_url: 'https://pub.example.org',
    },
  )
  const judge = (host: string, headers: Record<string, string> = {}) => {
    try {
      guardRequest(new Request('http://x', { headers: { host, ...headers } }), served)
      return 'served'
    } catch {
      return 'refused'
    }
  }
  test.each([
    ['127.0.0.1:8765', 'served'],
    ['localhost', 'served'],
    ['orc.example.org:8765', 'served'],
    ['ORC.example.org', 'served'],
    ['proxy.example.org:443', 'served'],
    ['pub.example.org', 'served'],
    ['orc.example.org:1', 'refused'],
    ['proxy.example.org:8765', 'refused'],
    ['evil.test:8765', 'refused'],
    ['orc.example.org.evil.test', 'refused'],
    ['user@localhost', 'refused'],
    ['localhost:8765:8765', 'refused'],
    ['2130706433:8765', 'refused'],
    ['0x7f.1', 'refused'],
    ['[::ffff:127.0.0.1]:8765', 'refused'],
    ['', 'refused'],
  ])('the host %j is %s', (host, verdict) => {
    expect(judge(host)).toBe(verdict)
  })

  test('without access control it listens to its own machine only', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      expect(() => guardAddress(host, { configured: false })).toThrow(expect.objectContaining({ code: 'bind_refused' }))
      expect(() => guardAddress(host, { configured: true })).not.toThrow()
    }
  })

  test('pages of listed origins may ask and read, others not', async () => {
    server.write('~/config.yaml', 'serve: { cors: ["https://app.example.org"] }\n')
    await sleep(SEEN_MS)
    const preflight = (origin: string) =>
      fetch(`${server.url}/v1/runs`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
    const allowed = await preflight('https://app.example.org')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.org')
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
    expect((await preflight('https://evil.test')).headers.get('access-control-allow-origin')).toBeNull()
    const read = await ask('/v1/version', ann.key, { headers: { origin: 'https://app.example.org' } })
    expect(read.status).toBe(200)
    expect(read.headers.get('access-control-allow-origin')).toBe('https://app.example.org')
    const missing = await server.ask('/v1/version', { headers: { origin: 'https://app.example.org' } })
    expect(missing.status).toBe(401)
    expect(missing.headers.get('access-control-allow-origin')).toBe('https://app.example.org')
    expect((await ask('/v1/version', ann.key, { headers: { origin: 'https://evil.test' } })).status).toBe(403)
  })

  test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])(
    'S07 a form of the type %s changes nothing',
    async (type) => {
      const before = await json(await ask('/v1/runs?all=true', boss.key))
      for (const origin of ['https://evil.test', server.url]) {
        const headers = { ...bearer(ann.key), 'content-type': type, origin }
        const response = await server.ask('/v1/runs', {
          method: 'POST',
          body: '{"target":"echo","input":"x"}',
          headers,
        })
        expect([403, 415]).toContain(response.status)
      }
      expect(await json(await ask('/v1/runs?all=true', boss.key))).toEqual(before)
    },
  )
})

describe('S21 what a model wrote', () => {
  test('is never a page, and never a terminal’s command', async () => {
    const input = `<script>fetch('http://evil.test')</script> \u001b]52;c;x\u0007 ${'long '.repeat(2_000)}`
    const begun = await server.post('/v1/runs?wait=true', { prompt: input, model: ['p'] }, bearer(ann.key))
    const { run } = (await json(begun)) as unknown as { run: string }
    const page = await ask(`/v1/runs/${run}/events`, ann.key, { headers: { accept: 'application/json' } })
    const text = await page.text()
    expect(page.headers.get('content-type')).toBe('application/json')
    expect(text).not.toContain('\u001b')
    const { events } = JSON.parse(text) as { readonly events: readonly { data: { input?: { sha256: string } } }[] }
    const sha256 = events[0]?.data.input?.sha256 ?? ''
    const value = await ask(`/v1/runs/${run}/values/${sha256}`, ann.key)
    expect(value.status).toBe(200)
    expect(value.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(value.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(value.headers.get('x-content-type-options')).toBe('nosniff')
    const docs = await ask('/docs', ann.key)
    expect(docs.headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})

test('S19 health answers while wrong tokens and bodies come in', { timeout: 30_000 }, async () => {
  let over = false
  const attack = async () => {
    while (!over) {
      await server.ask('/v1/version', { headers: bearer('x'.repeat(8_000)) })
      const body = `{"prompt":${'['.repeat(20_000)}`
      const headers = { ...bearer(ann.key), 'content-type': 'application/json' }
      await server.ask('/v1/runs', { method: 'POST', body, headers })
    }
  }
  const attacks = [attack(), attack(), attack()]
  const times: number[] = []
  for (let index = 0; index < 20; index++) {
    const since = performance.now()
    expect((await server.ask('/health')).status).toBe(200)
    times.push(performance.now() - since)
    await sleep(20)
  }
  over = true
  await Promise.all(attacks)
  expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(1_000)
})

describe('S32 what proxies say', () => {
  test.each([
    'X-Forwarded-For: 10.0.0.1',
    'Forwarded: for=10.0.0.1;host=evil.test',
    'X-Forwarded-Host: evil.test',
    'X-Real-IP: 127.0.0.1',
  ])('%s counts for nothing', async (header) => {
    const plain = await speak(`GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\nConnection: close\r\n\r\n`)
    expect(plain).toMatch(/^HTTP\/1\.1 401 /)
    expect(plain).not.toContain('evil.test')
    const known = `Authorization: Bearer ${ann.key}\r\n`
    const keyed = await speak(
      `GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\n${known}Connection: close\r\n\r\n`,
    )
    expect(keyed).toMatch(/^HTTP\/1\.1 200 /)
  })
})

async function speak(text: string): Promise<string> {
  return (await speakTo(server.url, text)).text
}
