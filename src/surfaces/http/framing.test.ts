import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { speakTo } from './raw.fixture.ts'
import { openServer, type Served } from './serve.fixture.ts'

const HEADERS_MS = 400

let server: Served
let hasty: Served

beforeAll(async () => {
  server = await openServer()
  hasty = await openServer(undefined, { headers_ms: HEADERS_MS, request_ms: 2 * HEADERS_MS })
})

afterAll(async () => {
  await Promise.all([server.close(), hasty.close()])
  expect([server.violations, server.log.filter((line) => !line.startsWith('Listening'))]).toEqual([[], []])
})

const HOST = 'Host: 127.0.0.1'
/** What a smuggler would have the server take for a request of somebody else. */
const HIDDEN = `GET /v1/version HTTP/1.1\r\n${HOST}\r\n\r\n`

const line = (first: string, host = HOST) => `${first}\r\n${host}\r\n\r\n`
const get = (header: string) => `GET /health HTTP/1.1\r\n${HOST}\r\n${header}\r\n\r\n`
const post = (headers: string, body: string) =>
  `POST /v1/runs HTTP/1.1\r\n${HOST}\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`
const coded = (coding: string) => post(`Transfer-Encoding: ${coding}`, `0\r\n\r\n${HIDDEN}`)
const chunked = (body: string) => post('Transfer-Encoding: chunked', body)

/** All of them are refused, and what is behind them on the same connection is not read. */
const MISFRAMED: readonly (readonly [string, string])[] = [
  ['length and chunks', post('Content-Length: 2\r\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`)],
  ['chunks and length', post('Transfer-Encoding: chunked\r\nContent-Length: 2', '2\r\n{}\r\n0\r\n\r\n')],
  ['chunked, then as it is', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${HIDDEN}`)],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`)],
  ['chunks within', coded('chunked, identity')],
  ['nothing, then chunks', coded('identity, chunked')],
  ['packed, then chunks', coded('gzip, chunked')],
  ['nearly chunks', coded('xchunked')],
  ['an unknown coding', post('Transfer-Encoding: gzip', HIDDEN)],
  ['chunks in quotes', coded('"chunked"')],
  ['chunks behind a vertical tab', coded('\x0bchunked')],
  ['a coding with a space before its colon', post('Transfer-Encoding : chunked', `0\r\n\r\n${HIDDEN}`)],
  ['a folded coding', post('Transfer-Encoding:\r\n chunked', `0\r\n\r\n${HIDDEN}`)],
  ['two lengths', post('Content-Length: 2\r\nContent-Length: 3', '{}')],
  ['the same length twice', post('Content-Length: 2\r\nContent-Length: 2', '{}')],
  ['lengths in a list', post('Content-Length: 2, 2', '{}')],
  ['a length below nothing', post('Content-Length: -1', '{}')],
  ['a length with a sign', post('Content-Length: +2', '{}')],
  ['a length in hexadecimal', post('Content-Length: 0x2', '{}')],
  ['a length with a space inside', post('Content-Length: 2 2', '{}')],
  ['an empty length', post('Content-Length: ', '{}')],
  ['a length beyond 64 bits', post('Content-Length: 18446744073709551618', '{}')],
  ['a folded length', post('Content-Length: 2\r\n 2', '{}')],
  ['a chunk of no size', chunked('zz\r\n')],
  ['a chunk below nothing', chunked('-1\r\n')],
  ['a chunk with 0x', chunked('0x2\r\n{}\r\n0\r\n\r\n')],
  ['a chunk beyond 64 bits', chunked('ffffffffffffffffff\r\n{}\r\n0\r\n\r\n')],
  ['a chunk longer than it says', chunked('2\r\n{}garbage\r\n0\r\n\r\n')],
  ['chunks by line feeds', chunked('2\n{}\n0\n\n')],
  ['a chunk behind a space', chunked(' 2\r\n{}\r\n0\r\n\r\n')],
  ['a line feed in what a chunk adds', chunked('2;a\n{}\r\n0\r\n\r\n')],
  ['a length in the trailer', chunked('2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n')],
  ['a trailer that is none', chunked('2\r\n{}\r\n0\r\nX\r\n\r\n')],
  ['garbage behind a body', post('Content-Length: 2', '{}garbage\r\n\r\n')],
  ['two hosts', line('GET /health HTTP/1.1', `${HOST}\r\nHost: evil.test`)],
  ['two hosts, the own one last', line('GET /health HTTP/1.1', `Host: evil.test\r\n${HOST}`)],
  ['no host', 'GET /health HTTP/1.1\r\n\r\n'],
  ['no host in HTTP/1.0', 'GET /health HTTP/1.0\r\n\r\n'],
  ['an empty host', line('GET /health HTTP/1.1', 'Host:')],
  ['hosts in a list', line('GET /health HTTP/1.1', 'Host: 127.0.0.1, evil.test')],
  ['a host with a path', line('GET /health HTTP/1.1', 'Host: 127.0.0.1/x')],
  ['a host with a user', line('GET /health HTTP/1.1', 'Host: 127.0.0.1@evil.test')],
  ['S06: the address of another server', line('GET http://evil.test/health HTTP/1.1')],
  ['S06: its own address, for another host', line('GET http://127.0.0.1/health HTTP/1.1', 'Host: evil.test')],
  ['S06: its own address at another port', line('GET http://127.0.0.1:1/health HTTP/1.1')],
  ['an address of another scheme', line('GET file:///etc/passwd HTTP/1.1')],
  ['an address over TLS', line('GET https://127.0.0.1/health HTTP/1.1')],
  ['an authority', line('GET 127.0.0.1:80 HTTP/1.1')],
  ['a path without a slash', line('GET health HTTP/1.1')],
  ['a star', line('OPTIONS * HTTP/1.1')],
  ['NUL in the path', line('GET /hea\0lth HTTP/1.1')],
  ['NUL in a name', get('X\0Y: z')],
  ['NUL in a value', get('X: a\0b')],
  ['ESC in a value', get('X: a\x1bb')],
  ['a bare carriage return', get('X: a\rb')],
  ['a bare line feed', get('X: a\nY: b')],
  ['line feeds only', `GET /health HTTP/1.1\n${HOST}\n\n`],
  ['a line feed at the end', `GET /health HTTP/1.1\r\n${HOST}\r\n\n`],
  ['a folded header', get('X: a\r\n b')],
  ['a header that begins folded', `GET /health HTTP/1.1\r\n X: y\r\n${HOST}\r\n\r\n`],
  ['a space before a colon', get('X : y')],
  ['a header without a name', get(': y')],
  ['a header without a colon', get('X')],
  ['a name beyond ASCII', get('X\xe9: y')],
  ['tabs in the request line', line('GET\t/health\tHTTP/1.1')],
  ['no version', line('GET /health')],
  ['HTTP/0.9', line('GET /health HTTP/0.9')],
  ['HTTP/2 in letters', line('GET /health HTTP/2.0')],
  ['HTTP/1.11', line('GET /health HTTP/1.11')],
  ['a version in small letters', line('GET /health http/1.1')],
  ['how HTTP/2 begins', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['how TLS begins', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['no HTTP at all', 'hello\r\n\r\n'],
  ['B10: an unknown method', line('BREW /health HTTP/1.1')],
  ['B10: a method in small letters', line('get /health HTTP/1.1')],
]

describe('S32 B10 framing', () => {
  let refused = 0

  test.each(MISFRAMED)('%s: 400, and the end of the connection', async (_, text) => {
    const [heard, neighbour] = await Promise.all([speakTo(server.url, text), server.ask('/health')])
    expect(neighbour.status).toBe(200)
    expect([heard.statuses, heard.closed]).toEqual([[400], true])
    expect((await server.ask('/health')).status).toBe(200)
    refused += 1
  })

  test('none of them was taken for anything else', async () => {
    console.info(`S32: ${refused} of ${MISFRAMED.length} refused with 400 and closed`)
    expect(refused).toBe(MISFRAMED.length)
    expect(MISFRAMED.length).toBeGreaterThanOrEqual(40)
    const { runs } = (await (await server.ask('/v1/runs?all=true')).json()) as { readonly runs: readonly unknown[] }
    expect(runs).toEqual([])
  })

  test('garbage behind a whole request is refused by itself', async () => {
    const heard = await speakTo(server.url, `${line('GET /health HTTP/1.1')}garbage\r\n\r\n`)
    expect(heard.closed).toBe(true)
    expect(heard.statuses.at(-1)).toBe(400)
  })

  test('no tunnels: CONNECT is refused with an answer', async () => {
    const heard = await speakTo(server.url, `${line('CONNECT evil.test:443 HTTP/1.1', 'Host: evil.test:443')}${HIDDEN}`)
    expect([heard.statuses, heard.closed]).toEqual([[405], true])
    const [head = '', body = ''] = heard.text.split('\r\n\r\n')
    expect(head).toMatch(/^allow: /im)
    expect(JSON.parse(body)).toMatchObject({ status: 405, code: 'method_refused' })
    expect((await server.ask('/health')).status).toBe(200)
  })

  test('TRACE says nothing back', async () => {
    const heard = await speakTo(
      server.url,
      'TRACE /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Secret: 1234\r\nConnection: close\r\n\r\n',
    )
    expect(heard.statuses).toEqual([405])
    expect(heard.text).not.toContain('1234')
  })

  test('a protocol that is not spoken here is passed over, as HTTP allows', async () => {
    const wish =
      'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings, close'
    expect((await speakTo(server.url, get(wish))).statuses).toEqual([200])
    const socket = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
    const posted = post(`${socket}\r\nContent-Length: 2\r\nConnection: Upgrade, close`, '{}')
    expect((await speakTo(server.url, posted)).statuses).toEqual([400])
    const twice = line('GET /ws/execute HTTP/1.1', `${HOST}\r\nHost: evil.test\r\nConnection: Upgrade\r\n${socket}`)
    expect((await speakTo(server.url, twice)).statuses).toEqual([400])
  })

  test('its own address in the request line is its own', async () => {
    const heard = await speakTo(
      server.url,
      line('GET http://127.0.0.1/health HTTP/1.1', `${HOST}\r\nConnection: close`),
    )
    expect(heard.statuses).toEqual([200])
  })
})

describe('B10 headers', () => {
  test.each([
    ['a header of 64 KiB', `X: ${'x'.repeat(65_536)}`],
    ['1,000 headers', Array.from({ length: 1_000 }, (_, n) => `a${n}: b`).join('\r\n')],
    ['300 headers', `${Array.from({ length: 300 }, (_, n) => `a${n}: b`).join('\r\n')}\r\nConnection: close`],
  ])('%s: 431', async (_, headers) => {
    const [heard, neighbour] = await Promise.all([speakTo(server.url, get(headers)), server.ask('/health')])
    expect([heard.statuses, neighbour.status]).toEqual([[431], 200])
    expect((await server.ask('/health')).status).toBe(200)
  })

  test('an address of 64 KiB: 431', async () => {
    expect((await speakTo(server.url, line(`GET /${'x'.repeat(65_536)} HTTP/1.1`))).statuses).toEqual([431])
  })
})

describe('B10 slowness', () => {
  test.each([
    ['headers', `GET /health HTTP/1.1\r\n${HOST}\r\nX: y`],
    ['a body', post('Content-Length: 200', '{"prompt":"')],
    ['chunks', chunked('2\r\n{"\r\n')],
    ['nothing at all', ''],
  ])('%s without an end: 408, and others are served meanwhile', async (_, text) => {
    const slow = speakTo(hasty.url, text, 30_000)
    expect((await hasty.ask('/health')).status).toBe(200)
    const heard = await slow
    expect([heard.statuses, heard.closed]).toEqual([[408], true])
    expect((await hasty.ask('/health')).status).toBe(200)
  })
})
