import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Egress, openEgress } from './egress.ts'
import {
  allows,
  type EgressDecision,
  type HostRule,
  isPublicAddress,
  normaliseHost,
  readHostRule,
} from './egress-rules.ts'

const rules = (...texts: string[]) => texts.map((text) => readHostRule(text) as HostRule)

describe('hosts', () => {
  it('are plain names in one form', () => {
    expect(normaliseHost('Example.COM.')).toBe('example.com')
    for (const bad of [
      '',
      '.',
      'a..b',
      '-a.b',
      '1.2.3.4',
      '[::1]',
      '0x7f.1',
      '2130706433',
      '127.1',
      'a\0b',
      'a b',
      'a/b',
      'a@b',
      'ä.example',
      'a.b:80',
    ])
      expect([bad, normaliseHost(bad)]).toEqual([bad, undefined])
  })

  it('are allowed by equality, or below a star', () => {
    const list = rules('example.com', '*.wide.test', 'odd.test:8443')
    const ask = (host: string, port = 443) => allows(list, host, port)
    expect(['example.com', 'a.wide.test', 'a.b.wide.test'].map((host) => ask(host))).toEqual([true, true, true])
    expect(
      ['wide.test', 'notexample.com', 'a.example.com', 'example.com.evil.test', 'xwide.test'].map((host) => ask(host)),
    ).toEqual(Array(5).fill(false))
    expect([ask('example.com', 80), ask('example.com', 8443), ask('odd.test', 8443), ask('odd.test')]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  it('that are none of these are no rule', () => {
    for (const bad of ['*', '*.', 'http://a.test', 'a.test:0', 'a.test:70000', '10.0.0.1', 'a.test/x', 'u@a.test'])
      expect([bad, readHostRule(bad)]).toEqual([bad, undefined])
  })

  it('at addresses inside are not dialled', () => {
    const inside = [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
    ]
    const inside6 = [
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::a00:1',
      '2002:7f00:1::',
      'ff02::1',
      'fe80::1%eth0',
    ]
    for (const address of [...inside, ...inside6, 'localhost', ''])
      expect([address, isPublicAddress(address)]).toEqual([address, false])
    for (const address of ['93.184.216.34', '172.32.0.1', '2606:2800:220:1::1', '2606:2800::1', '::ffff:93.184.216.34'])
      expect([address, isPublicAddress(address)]).toEqual([address, true])
  })
})

describe('the proxy of one step', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'llm-orc-egress-')), 'socket')
  const decisions: EgressDecision[] = []
  const requests: IncomingMessage[] = []
  const names: { readonly [host: string]: readonly string[] } = {
    'good.test': ['198.51.100.7'],
    'inner.test': ['127.0.0.1'],
    'mixed.test': ['198.51.100.7', '10.0.0.1'],
    'meta.test': ['169.254.169.254'],
  }
  const dialled: string[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.end(`hello ${request.url}`)
  })
  let egress: Egress
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    egress = await openEgress(path, {
      rules: rules('good.test', 'inner.test', 'mixed.test', 'meta.test', 'gone.test'),
      onDecision: (decision) => decisions.push(decision),
      resolve: async (host) => names[host] ?? [],
      dial: (address, port) => {
        dialled.push(`${address}:${port}`)
        return connect((server.address() as AddressInfo).port, '127.0.0.1')
      },
    })
  })
  afterAll(async () => {
    await egress.close()
    server.close()
  })

  /** What comes back for these bytes. */
  async function say(text: string): Promise<string> {
    const socket = connect(path)
    let back = ''
    socket.on('data', (chunk) => (back += chunk.toString('latin1')))
    socket.on('error', () => {})
    const over = new Promise((resolve) => socket.once('close', resolve))
    socket.write(text, 'latin1')
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 2000).unref())])
    socket.destroy()
    return back
  }
  const get = (url: string, more = '') =>
    say(`GET ${url} HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n${more}\r\n`)

  it('fetches from a listed host, with its name rewritten and nothing for proxies passed on', async () => {
    const answer = await get(
      'http://GOOD.test./a?b=1',
      'Proxy-Authorization: secret\r\nX-Forwarded-For: me\r\nX-Own: yes\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*hello \/a\?b=1/)
    const { headers } = requests.at(-1) as IncomingMessage
    expect(headers).toMatchObject({ host: 'good.test', 'x-own': 'yes' })
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['proxy-authorization']))
    expect(headers['x-forwarded-for']).toBeUndefined()
    expect(decisions.at(-1)).toEqual({
      method: 'HTTP',
      host: 'good.test',
      port: 80,
      allowed: true,
      reason: 'on the list',
      address: '198.51.100.7',
    })
    expect(dialled.at(-1)).toBe('198.51.100.7:80')
  })

  it('opens a tunnel to a listed host', async () => {
    const answer = await say('CONNECT good.test:443 HTTP/1.1\r\nHost: good.test:443\r\n\r\nGET /in HTTP/1.0\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*hello \/in/)
    expect(decisions.at(-1)).toMatchObject({ method: 'CONNECT', port: 443, allowed: true })
  })

  it.each([
    ['http://other.test/', 'not on the list'],
    ['http://sub.good.test/', 'not on the list'],
    ['http://good.test:8080/', 'not on the list'],
    ['http://good.test.evil.test/', 'not on the list'],
    ['http://127.0.0.1/', 'not a host name'],
    ['http://[::1]/', 'not a host name'],
    ['http://2130706433/', 'not a host name'],
    ['http://good.test@127.0.0.1/', 'not a host name'],
    ['http://u:p@good.test/', 'not a host name'],
    ['http://good.test%00.evil.test/', 'not a host name'],
    ['https://good.test/', 'not a host name'],
    ['/relative', 'not a host name'],
    ['http://inner.test/', 'the name leads to an address that is not public'],
    ['http://mixed.test/', 'the name leads to an address that is not public'],
    ['http://meta.test/', 'the name leads to an address that is not public'],
    ['http://gone.test/', 'the name has no address'],
  ])('refuses %s', async (url, reason) => {
    const before = [requests.length, dialled.length]
    expect(await get(url)).toMatch(/^HTTP\/1.1 403/)
    expect(decisions.at(-1)).toMatchObject({ allowed: false, reason })
    expect([requests.length, dialled.length]).toEqual(before)
  })

  it.each([
    'inner.test:80',
    '127.0.0.1:443',
    'good.test:22',
    'good.test',
    'good.test:0',
    'good.test:443/x',
    'a@good.test:443',
    '[::1]:443',
  ])('opens no tunnel to %s', async (authority) => {
    const before = dialled.length
    expect(await say(`CONNECT ${authority} HTTP/1.1\r\nHost: good.test\r\n\r\n`)).toMatch(/^HTTP\/1.1 40[03]/)
    expect(dialled.length).toBe(before)
  })

  it('a NUL in a name is no name', async () => {
    const before = dialled.length
    expect(await say('CONNECT good.test\0.evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect(dialled.length).toBe(before)
  })
})
