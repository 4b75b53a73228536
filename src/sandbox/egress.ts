import { lookup } from 'node:dns/promises'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { allows, type EgressDecision, type HostRule, isPublicAddress, normaliseHost } from './egress-rules.ts'

export interface EgressPorts {
  readonly rules: readonly HostRule[]
  onDecision(decision: EgressDecision): void
  /** Addresses of a host name; default: the system's resolver. */
  resolve?(host: string): Promise<readonly string[]>
  /** Default: a TCP connection. */
  dial?(address: string, port: number): Socket
}

export interface Egress {
  close(): Promise<void>
}

interface Wish {
  readonly method: EgressDecision['method']
  readonly host: string
  readonly port: number
}

const DIAL_MS = 10_000
/** Connections at once through one step's proxy. */
const CONNECTIONS = 64
/** Headers that speak to a proxy, or say how this one connection is kept: they end here. */
const OURS =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|forwarded|x-forwarded-.*|via)$/i

/**
 * The only way out of a sandbox: a proxy for one step on a unix socket, which is bound into that step's namespace alone, so the socket
 * says who asks. A name is normalised once, decided on, resolved once, and that address is dialled. What a listed host does
 * with what it is sent (fronting, tunnels, uploads) is out of its sight: TLS is not opened.
 */
export async function openEgress(path: string, ports: EgressPorts): Promise<Egress> {
  const open = new Set<Duplex>()
  const keep = <S extends Duplex>(socket: S): S => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    return socket
  }
  const server = createServer(
    { maxHeaderSize: 16_384 },
    (asked, answer) => void relayRequest({ asked, answer }, ports, keep),
  )
  server.maxConnections = CONNECTIONS
  server.on('connection', keep)
  server.on('connect', (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    void openTunnel({ asked, client, head }, ports, keep)
  })
  server.on('upgrade', (_asked, socket: Duplex) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

type Keep = <S extends Duplex>(socket: S) => S

async function openTunnel(
  { asked, client, head }: { readonly asked: IncomingMessage; readonly client: Duplex; readonly head: Buffer },
  ports: EgressPorts,
  keep: Keep,
): Promise<void> {
  const address = await decide(readAuthority(asked.url ?? '', 'CONNECT'), ports)
  if (!address) return void client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  const upstream = keep(dial(address, ports))
  upstream.once('error', () => client.destroy())
  client.once('close', () => upstream.destroy())
  upstream.once('connect', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    if (head.length > 0) upstream.write(head)
    client.pipe(upstream)
    upstream.pipe(client)
  })
}

async function relayRequest(
  { asked, answer }: { readonly asked: IncomingMessage; readonly answer: ServerResponse },
  ports: EgressPorts,
  keep: Keep,
): Promise<void> {
  const [, authority = '', path] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(asked.url ?? '') ?? []
  const address = await decide(readAuthority(authority, 'HTTP'), ports)
  if (!address) return void answer.writeHead(403, { connection: 'close' }).end()
  const { host, port } = address
  const headers = Object.fromEntries(Object.entries(asked.headersDistinct).filter(([name]) => !OURS.test(name)))
  const onward = forward({
    method: asked.method ?? 'GET',
    path: path?.startsWith('/') ? path : `/${path ?? ''}`,
    headers: { ...headers, host: port === 80 ? host : `${host}:${port}`, connection: 'close' },
    createConnection: () => keep(dial(address, ports)),
  })
  onward.on('response', (response) => {
    const back = Object.entries(response.headersDistinct).filter(([name]) => !OURS.test(name))
    answer.writeHead(response.statusCode ?? 502, Object.fromEntries(back) as { [name: string]: string[] })
    response.pipe(answer)
  })
  onward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()))
  asked.pipe(onward)
}

/** The host as it was sent and its port; a user name, a path or anything else beside them makes it no authority. */
function readAuthority(text: string, method: Wish['method']): Wish {
  const [, host, port] = /^([^:@/\s]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  return { method, host: host ?? text.slice(0, 253), port: Number(port ?? (method === 'HTTP' ? 80 : 0)) }
}

type Chosen = Wish & { readonly address: string }

/** The address to dial, after the one decision on this wish has been told. */
async function decide(wish: Wish, ports: EgressPorts): Promise<Chosen | undefined> {
  const host = normaliseHost(wish.host)
  const say = (allowed: boolean, reason: string, address?: string): void =>
    ports.onDecision({
      ...wish,
      host: host ?? JSON.stringify(wish.host),
      allowed,
      reason,
      ...(address === undefined ? {} : { address }),
    })
  if (host === undefined) return void say(false, 'not a host name')
  if (!(wish.port > 0 && wish.port < 65_536)) return void say(false, 'no port')
  if (!allows(ports.rules, host, wish.port)) return void say(false, 'not on the list')
  const addresses = await (ports.resolve ?? resolve)(host).catch(() => [])
  const [address] = addresses
  if (address === undefined) return void say(false, 'the name has no address')
  const wrong = addresses.find((each) => !isPublicAddress(each))
  if (wrong !== undefined) return void say(false, 'the name leads to an address that is not public', wrong)
  say(true, 'on the list', address)
  return { ...wish, host, address }
}

function dial({ address, port }: Chosen, ports: EgressPorts): Socket {
  const socket = ports.dial ? ports.dial(address, port) : connect({ host: address, port, family: isIP(address) })
  const timer = setTimeout(() => socket.destroy(new Error('no answer')), DIAL_MS)
  socket.once('connect', () => clearTimeout(timer))
  socket.once('close', () => clearTimeout(timer))
  return socket
}

async function resolve(host: string): Promise<readonly string[]> {
  // A trailing dot keeps the resolver from trying the search domains of this machine.
  const found = await lookup(`${host}.`, { all: true, order: 'ipv4first' })
  return found.map(({ address }) => address)
}
