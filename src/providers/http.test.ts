import { afterEach, describe, expect, test } from 'vitest'
import { openRawServer, type RawAnswer } from './contract-server.fixture.ts'
import { openHttp } from './http.ts'
import { until } from './provider.contract.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function open(answer: RawAnswer, connections = 4) {
  const server = await openRawServer(answer)
  const http = openHttp({ connections })
  opened.push(http, server)
  return { server, http }
}

const reply = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`

describe('http', () => {
  test('the fetch shape: method, headers, body there; status, headers, text back; no compression asked for', async () => {
    let seen = ''
    const { http, server } = await open((socket, head) => {
      seen = head
      socket.write(reply('grüß'))
    })
    const answer = await http.fetch(`${server.url}/p?q=1`, { method: 'POST', headers: { 'X-B': 'c' }, body: '{}' })
    expect([answer.status, answer.ok, answer.headers.get('x-a'), await answer.text()]).toEqual([
      200,
      true,
      '1, 2',
      'grüß',
    ])
    expect(seen).toMatch(/^POST \/p\?q=1 HTTP\/1\.1\r\n/)
    expect(seen).toMatch(/x-b: c\r\n/i)
    expect(seen).toMatch(/accept-encoding: identity\r\n/)
  })

  test('redirects are answers', async () => {
    const { http, server } = await open((socket) =>
      socket.write('HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n'),
    )
    expect((await http.fetch(server.url)).status).toBe(302)
  })

  test('a stream is delivered as it comes, and cancelling it closes the socket', async () => {
    const { http, server } = await open((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nfirst'),
    )
    const reader = (await http.fetch(server.url)).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
    await reader?.cancel()
    await until(() => server.open.size === 0)
  })

  test('connections are used again and never exceed the limit', async () => {
    let most = 0
    const { http, server } = await open((socket) => {
      most = Math.max(most, server.open.size)
      setTimeout(() => socket.write(reply('x')), 2)
    }, 3)
    const all = await Promise.all(Array.from({ length: 30 }, async () => (await http.fetch(server.url)).text()))
    expect(all.join('')).toBe('x'.repeat(30))
    expect(most).toBeLessThanOrEqual(3)
  })

  test('an abort while waiting in line, for the answer or in its body is reported with how far it came', async () => {
    const { http, server } = await open(
      (socket, head) => head.includes('/body') && socket.write('HTTP/1.1 200 OK\r\n\r\nx'),
      1,
    )
    const control = new AbortController()
    const send = (path: string) =>
      http.send({ url: server.url + path, method: 'GET', headers: {}, signal: control.signal })
    const first = send('/silent')
    const second = send('/line')
    await until(() => server.open.size === 1)
    setTimeout(() => control.abort(), 30)
    await expect(first).rejects.toMatchObject({ kind: 'aborted', touched: 'maybe' })
    await expect(second).rejects.toMatchObject({ kind: 'aborted', touched: 'no' })
    const late = new AbortController()
    const { body } = await http.send({ url: `${server.url}/body`, method: 'GET', headers: {}, signal: late.signal })
    await body.read()
    late.abort()
    await expect(body.read()).rejects.toMatchObject({ kind: 'aborted', touched: 'yes' })
    await until(() => server.open.size === 0)
  })

  test('a slow reader slows the server down', async () => {
    let written = 0
    const { http, server } = await open((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const block = Buffer.alloc(256 * 1024)
      const feed = () => {
        if (socket.destroyed || written === 64 * 1024 * 1024) return void socket.end()
        written += block.length
        socket.write(block, feed)
      }
      feed()
    })
    const { body } = await http.send({ url: server.url, method: 'GET', headers: {} })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).toBeLessThan(32 * 1024 * 1024)
    let read = 0
    for (let bytes = await body.read(); bytes; bytes = await body.read()) read += bytes.byteLength
    expect(read).toBe(64 * 1024 * 1024)
  })

  test('addresses and headers that cannot be sent are refused before anything is', async () => {
    const { http, server } = await open(() => {})
    for (const url of ['file:///etc/passwd', 'nonsense', '']) {
      await expect(http.send({ url, method: 'GET', headers: {} })).rejects.toMatchObject({
        kind: 'invalid',
        touched: 'no',
      })
    }
    await expect(http.send({ url: server.url, method: 'GET', headers: { a: 'b\r\nc: d' } })).rejects.toMatchObject({
      kind: 'invalid',
      touched: 'no',
    })
  })
})
