import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LARGEST_BODY } from './body.ts'
import { guardAddress } from './guards.ts'
import { speakTo } from './raw.fixture.ts'
import { openServer, type Served } from './serve.fixture.ts'
import { readStrictJson, readStrictObject } from './strict-json.ts'

let server: Served

beforeAll(async () => {
  server = await openServer()
})

afterAll(async () => {
  // It still answers after all of that.
  expect((await server.ask('/health')).status).toBe(200)
  await server.close()
  expect(server.violations).toEqual([])
})

const JSON_TYPE = { 'content-type': 'application/json' }
const send = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE) => {
  const response = await server.ask('/v1/runs', { method: 'POST', body, headers })
  const { code } = (await response.json()) as { readonly code: string }
  return [response.status, code]
}

describe('B10 bodies', () => {
  afterEach(async () => {
    expect((await server.ask('/health')).status).toBe(200)
  })

  test.each([
    ['nothing', '', 400, 'bad_input'],
    ['no JSON', '{"prompt":', 400, 'body_invalid'],
    ['something behind it', '{"prompt":"x"} x', 400, 'body_invalid'],
    ['two of them', '{"prompt":"x"}{}', 400, 'body_invalid'],
    ['a list', '[]', 400, 'body_invalid'],
    ['a text', '"x"', 400, 'body_invalid'],
    ['null', 'null', 400, 'body_invalid'],
    ['a key twice', '{"prompt":"x","prompt":"y"}', 400, 'body_invalid'],
    ['a key twice, once escaped', '{"prompt":"x","prom\\u0070t":"y"}', 400, 'body_invalid'],
    ['a number beyond all numbers', '{"max_concurrent":1e400}', 400, 'body_invalid'],
    ['a great depth', `{"prompt":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400, 'body_invalid'],
    ['a great depth without an end', `{"prompt":${'{"a":'.repeat(10_000)}`, 400, 'body_invalid'],
    ['a prototype', '{"__proto__":{"polluted":true}}', 400, 'body_invalid'],
    ['a constructor', '{"a":{"constructor":{"prototype":{"polluted":true}}}}', 400, 'body_invalid'],
    ['an unfinished text', `{"prompt":"${'\\'.repeat(9_999)}`, 400, 'body_invalid'],
  ])('%s', async (_, body, status, code) => {
    expect(await send(body)).toEqual([status, code])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('bytes that are no UTF-8', async () => {
    expect(await send(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))).toEqual([400, 'body_invalid'])
  })

  test('one byte too many, declared or not', async () => {
    const body = `{"prompt":"${'x'.repeat(LARGEST_BODY)}"}`
    expect(await send(body)).toEqual([413, 'body_too_large'])
    const chunks = new Blob([body]).stream()
    const streamed = await fetch(`${server.url}/v1/runs`, {
      method: 'POST',
      body: chunks,
      duplex: 'half',
      headers: JSON_TYPE,
    } as RequestInit)
    expect(streamed.status).toBe(413)
    await streamed.body?.cancel()
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'S07 the type %s, which a page may send unasked',
    async (type) => {
      expect(await send('{"prompt":"x"}', { 'content-type': type })).toEqual([415, 'media_type_refused'])
    },
  )

  test('no type at all', async () => {
    const answer = await speak(
      'POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 415/)
  })
})

describe('S06 S07 S08 other pages', () => {
  test.each([
    ['evil.test', 403],
    ['evil.test:8765', 403],
    ['127.0.0.1.evil.test', 403],
    ['localhost.evil.test', 403],
    ['169.254.169.254', 403],
    ['[::2]', 403],
    ['127.0.0.1@evil.test', 400],
    ['localhost', 200],
    ['LOCALHOST', 200],
    ['[::1]', 200],
    ['localhost:1', 403],
    ['[::1]:9', 403],
    ['localhost.', 403],
    ['2130706433', 403],
    ['0x7f.1', 403],
    ['127.1', 403],
    ['0.0.0.0', 403],
    ['[::ffff:127.0.0.1]', 400],
    ['localhost%00.evil.test', 400],
    ['localhost:80:80', 400],
    ['localhost:x', 400],
  ])('the host %s', async (host, status) => {
    expect(await speak(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    )
  })

  test('an address in the request line does not stand for the host', async () => {
    const answer = await speak('GET http://127.0.0.1/health HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 (400|403) /)
  })

  test.each(['https://evil.test', 'null', 'http://localhost:1', 'file://', ''])('the origin %j', async (origin) => {
    const answer = await speak(
      `GET /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: ${origin}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('a page of the server itself may ask; one that a browser calls another’s may not', async () => {
    const host = new URL(server.url).host
    const own = `GET /v1/runs HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${server.url}\r\nConnection: close\r\n\r\n`
    expect(await speak(own)).toMatch(/^HTTP\/1\.1 200 /)
    for (const site of ['cross-site', 'same-site']) {
      const other = `GET /v1/runs HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Site: ${site}\r\nConnection: close\r\n\r\n`
      expect(await speak(other)).toMatch(/^HTTP\/1\.1 403 /)
    }
  })

  test.each(['0.0.0.0', '::', '192.168.1.1', 'example.com', '127.0.0.1.evil.test', ''])(
    'it does not listen at %j',
    (host) => {
      expect(() => guardAddress(host, { configured: false })).toThrow(expect.objectContaining({ code: 'bind_refused' }))
    },
  )
})

test('a request id is taken when it is harmless, and made when it is not', async () => {
  const given = await server.ask('/health', { headers: { 'x-request-id': 'a-1.b_2' } })
  expect(given.headers.get('x-request-id')).toBe('a-1.b_2')
  const refused = await server.ask('/health', { headers: { 'x-request-id': '<script>' } })
  expect(refused.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
})

test('strict JSON reads what is JSON, exactly', () => {
  const text = '{"a":[1,-2.5e3,"\\u00e9\\"{}[]: 1e999",true,null],"b":{"a":{}}}'
  expect(readStrictJson(text)).toEqual(JSON.parse(text))
  expect(readStrictObject(' {"x":"1e400"} ')).toEqual({ x: '1e400' })
})

test('S19 an object of very many keys is refused before it is made; inside of a field they are the user’s own', async () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]))
  expect(() => readStrictObject(JSON.stringify(many(1_001)))).toThrow(expect.objectContaining({ code: 'body_invalid' }))
  expect(readStrictObject(JSON.stringify({ input: many(5_000) }))).toHaveProperty('input.k4999')
  const refused = (await (await server.post('/v1/runs', many(500))).json()) as { readonly problems: readonly object[] }
  expect(refused.problems).toHaveLength(20)
})

/** What comes back until the other side closes. */
async function speak(text: string): Promise<string> {
  return (await speakTo(server.url, text)).text
}
