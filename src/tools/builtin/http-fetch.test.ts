import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JsonObject } from '../../events/values.ts'
import { httpFetchTool } from './http-fetch.ts'
import { makeYard } from './ports.fixture.ts'

interface Site {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly port: number
  readonly seen: IncomingMessage[]
}

/** A server on loopback, which is where nobody may look who was not told to. */
async function serve(answer: (asked: IncomingMessage, reply: ServerResponse) => void): Promise<Site> {
  const seen: IncomingMessage[] = []
  const server = createServer((asked, reply) => {
    seen.push(asked)
    answer(asked, reply)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, port, seen }
}

const plain = (text: string) => (_asked: IncomingMessage, reply: ServerResponse) =>
  void reply.setHeader('content-type', 'text/plain; charset=utf-8').end(text)

interface How {
  readonly private_hosts?: readonly string[]
  readonly resolve?: (host: string) => Promise<readonly string[]>
  readonly signal?: AbortSignal
}

async function fetchIt(args: JsonObject, { signal, ...ports }: How = {}) {
  const { call } = await makeYard()
  return call(httpFetchTool, args, { ports, ...(signal ? { signal } : {}) })
}

describe('S05 addresses that are not of the open internet', () => {
  const hosts = (port: number) => [
    `127.0.0.1:${port}`,
    `127.1:${port}`,
    `127.0.1:${port}`,
    `2130706433:${port}`,
    `0x7f000001:${port}`,
    `0x7f.1:${port}`,
    `0177.0.0.1:${port}`,
    `017700000001:${port}`,
    `127.0.0.1.:${port}`,
    `127。0。0。1:${port}`,
    `①②⑦.0.0.1:${port}`,
    `0.0.0.0:${port}`,
    `0:${port}`,
    `[::1]:${port}`,
    `[::]:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
    `[::ffff:7f00:1]:${port}`,
    `[::127.0.0.1]:${port}`,
    `[64:ff9b::7f00:1]:${port}`,
    `[2002:7f00:1::]:${port}`,
    `[fe80::1]:${port}`,
    `[fc00::1]:${port}`,
    `[fd00:ec2::254]`,
    '169.254.169.254',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    'localhost',
    `LOCALHOST:${port}`,
    `localhost.:${port}`,
  ]

  test('35 ways to say so: none is asked', async () => {
    const site = await serve(plain('canary'))
    const all = hosts(site.port)
    expect(all).toHaveLength(35)
    for (const host of all) {
      const outcome = await fetchIt({ url: `http://${host}/` })
      expect(outcome, host).toMatchObject({ ok: false, touched: 'no' })
      if (!outcome.ok) expect(['address_refused', 'fetch_failed'], host).toContain(outcome.code)
    }
    expect(site.seen).toHaveLength(0)
  })

  test.each([['127.0.0.1'], ['169.254.169.254'], ['::1'], ['fd00::1'], ['10.1.2.3'], ['::ffff:192.168.1.1']])(
    'a name that means %s, alone or among others',
    async (address) => {
      for (const resolve of [async () => [address], async () => ['93.184.216.34', address]]) {
        const outcome = await fetchIt({ url: 'http://innocent.example/' }, { resolve })
        expect(outcome).toMatchObject({ ok: false, code: 'address_refused', touched: 'no' })
      }
    },
  )

  test('other protocols, names and passwords, and port 0', async () => {
    for (const url of [
      'file:///etc/passwd',
      'ftp://h/',
      'javascript:1',
      'data:,x',
      'http://a:b@example.org/',
      'http://a@example.org/',
      'http://example.org:0/',
    ])
      expect(await fetchIt({ url }, { resolve: async () => ['93.184.216.34'] }), url).toMatchObject({
        ok: false,
        code: 'address_refused',
        touched: 'no',
      })
    expect(await fetchIt({ url: 'nonsense' })).toMatchObject({ code: 'bad_input' })
  })

  test('a host that somebody named is asked, under exactly that name and port', async () => {
    const site = await serve(plain('hello'))
    const other = await serve(plain('canary'))
    const private_hosts = [site.host]
    expect(await fetchIt({ url: `http://${site.host}/x` }, { private_hosts })).toEqual({
      ok: true,
      output: {
        url: `http://${site.host}/x`,
        status: 200,
        type: 'text/plain; charset=utf-8',
        content: 'hello',
        truncated: false,
      },
    })
    expect(await fetchIt({ url: `http://${other.host}/` }, { private_hosts })).toMatchObject({
      code: 'address_refused',
    })
    expect(await fetchIt({ url: `http://localhost:${site.port}/` }, { private_hosts })).toMatchObject({
      code: 'address_refused',
    })
    expect(other.seen).toHaveLength(0)
  })

  test('a name is asked for once, and what it meant then is dialled: it may mean something else later', async () => {
    const site = await serve(plain('hello'))
    const answers = [['127.0.0.1'], ['127.0.0.2'], ['10.0.0.1']]
    let asked = 0
    const resolve = async () => answers[asked++] ?? []
    const host = `pinned.example:${site.port}`
    const outcome = await fetchIt({ url: `http://${host}/` }, { resolve, private_hosts: [host] })
    expect(outcome).toMatchObject({ ok: true, output: { content: 'hello' } })
    expect(asked).toBe(1)
    expect(site.seen[0]?.headers.host).toBe(host)
  })
})

describe('S05 redirects', () => {
  test('on the same host they are followed, a few times', async () => {
    const site = await serve((asked, reply) =>
      asked.url === '/end' ? void reply.end('there') : void reply.writeHead(302, { location: '/end' }).end(),
    )
    const private_hosts = [site.host]
    expect(await fetchIt({ url: `http://${site.host}/` }, { private_hosts })).toMatchObject({
      output: { url: `http://${site.host}/end`, status: 200, content: 'there' },
    })
    const circle = await serve((_asked, reply) => void reply.writeHead(307, { location: '/' }).end())
    expect(await fetchIt({ url: `http://${circle.host}/` }, { private_hosts: [circle.host] })).toMatchObject({
      output: { status: 307 },
    })
    expect(circle.seen).toHaveLength(6)
  })

  test('to another host, port or protocol they are an answer, so that policy is asked about that one', async () => {
    const target = await serve(plain('canary'))
    for (const location of [
      `http://${target.host}/`,
      'http://169.254.169.254/',
      'file:///etc/passwd',
      `//${target.host}`,
    ]) {
      const site = await serve((_asked, reply) => void reply.writeHead(302, { location }).end())
      const outcome = await fetchIt({ url: `http://${site.host}/` }, { private_hosts: [site.host, target.host] })
      expect(outcome, location).toMatchObject({ ok: true, output: { status: 302, content: '' } })
      if (outcome.ok) expect(outcome.output).toHaveProperty('location')
    }
    expect(target.seen).toHaveLength(0)
  })

  test('a call with headers, which may be keys, follows none', async () => {
    const site = await serve((_asked, reply) => void reply.writeHead(302, { location: '/elsewhere' }).end())
    const args = { url: `http://${site.host}/`, headers: { authorization: 'Bearer canary' } }
    expect(await fetchIt(args, { private_hosts: [site.host] })).toMatchObject({ output: { status: 302 } })
    expect(site.seen.map(({ url }) => url)).toEqual(['/'])
    expect(site.seen[0]?.headers.authorization).toBe('Bearer canary')
  })
})

describe('what comes back', () => {
  test('headers that frame or route a request cannot be chosen, and no line can be smuggled in', async () => {
    const site = await serve(plain('x'))
    for (const name of ['Host', 'Transfer-Encoding', 'Connection', 'Proxy-Authorization', 'content-length'])
      expect(
        await fetchIt({ url: `http://${site.host}/`, headers: { [name]: 'x' } }, { private_hosts: [site.host] }),
      ).toMatchObject({ code: 'bad_input' })
    for (const headers of [{ a: 'b\r\nhost: evil' }, { 'a b': 'c' }, { 'a\r\nb': 'c' }])
      expect(await fetchIt({ url: `http://${site.host}/`, headers }, { private_hosts: [site.host] })).toMatchObject({
        ok: false,
      })
    expect(site.seen).toHaveLength(0)
  })

  test('HEAD, other status codes and other alphabets', async () => {
    const site = await serve((asked, reply) => {
      if (asked.method === 'HEAD') return void reply.end()
      reply.writeHead(404, { 'content-type': 'text/html; charset="iso-8859-1"' }).end(Buffer.from([0xe4]))
    })
    const private_hosts = [site.host]
    expect(await fetchIt({ url: `http://${site.host}/`, method: 'HEAD' }, { private_hosts })).toMatchObject({
      output: { status: 200, content: '' },
    })
    expect(await fetchIt({ url: `http://${site.host}/` }, { private_hosts })).toMatchObject({
      output: { status: 404, content: 'ä' },
    })
  })

  test('S19 no more is read than is kept, and nothing is unpacked', async () => {
    const flood = await serve((_asked, reply) => {
      reply.on('error', () => {})
      const more = () => {
        while (reply.write('x'.repeat(65_536)));
        reply.once('drain', more)
      }
      more()
    })
    const outcome = await fetchIt({ url: `http://${flood.host}/` }, { private_hosts: [flood.host] })
    expect(outcome).toMatchObject({ ok: true, output: { truncated: true } })
    expect(JSON.stringify(outcome).length).toBeLessThan(51_000)
    const bomb = await serve((_asked, reply) => {
      reply.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(10_000_000)))
    })
    expect(await fetchIt({ url: `http://${bomb.host}/` }, { private_hosts: [bomb.host] })).toMatchObject({
      code: 'fetch_failed',
    })
    const picture = await serve((_asked, reply) => void reply.setHeader('content-type', 'image/png').end('x'))
    expect(await fetchIt({ url: `http://${picture.host}/` }, { private_hosts: [picture.host] })).toMatchObject({
      code: 'fetch_failed',
    })
  })

  test('a server that says nothing is left when the caller stops; one that breaks off is a failure', async () => {
    const silent = createTcpServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    const signal = AbortSignal.timeout(200)
    expect(await fetchIt({ url: `http://${host}/` }, { private_hosts: [host], signal })).toMatchObject({
      code: 'aborted',
    })
    const broken = await serve((_asked, reply) => {
      reply.writeHead(200, { 'content-length': '100' }).write('x')
      setTimeout(() => reply.destroy(), 20)
    })
    expect(await fetchIt({ url: `http://${broken.host}/` }, { private_hosts: [broken.host] })).toMatchObject({
      code: 'fetch_failed',
      touched: 'maybe',
    })
    expect(await fetchIt({ url: 'http://127.0.0.1:1/' }, { private_hosts: ['127.0.0.1:1'] })).toMatchObject({
      code: 'fetch_failed',
      touched: 'no',
    })
  })
})
