import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { OrcError } from '../../events/errors.ts'
import { isHostForm } from './guards.ts'
import { describeProblem, PROBLEM_TYPE } from './problem.ts'

/** ms for the last words before the connection is cut. */
const LAST_WORDS_MS = 1_000

/**
 * What a proxy before this server could read otherwise than it does: there a request could hide in another. Node's parser refuses most of
 * it by itself. Undefined for a request that can be read in one way only.
 */
export function findMisframing({ httpVersion, url = '', headers, rawHeaders }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'this server speaks HTTP/1.1'
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'the only transfer coding taken is chunked'
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length !== 1) return `a request names one host, this one ${hosts.length}`
  const { host = '' } = headers
  if (!isHostForm(host)) return 'the host is no host'
  // Where the request line names a host as well, that is the one that counts (RFC 9112, 3.2.2).
  if (!url.startsWith('/') && !url.toLowerCase().startsWith(`http://${host.toLowerCase()}/`))
    return 'the request line asks for something of another server'
  return undefined
}

/** Whether the connection may become another protocol's; else the wish is passed over, as HTTP allows. */
export function wantsWebSocket(request: IncomingMessage): boolean {
  const isWish = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
  return isWish && findMisframing(request) === undefined
}

/** This server is no proxy. Nothing that comes after it on the same connection is read. */
export function refuseTunnel(socket: Duplex): void {
  const instance = randomUUID()
  const refusal = new OrcError({ code: 'method_refused', message: 'CONNECT is not taken here' })
  const text = JSON.stringify(describeProblem(refusal, instance))
  const head = [
    'HTTP/1.1 405 Method Not Allowed',
    'Allow: GET, POST, PUT, DELETE',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${instance}`,
    'Connection: close',
  ]
  // Whoever has gone already needs no answer. What is still being sent is let through to nobody, else it would cut the answer off.
  socket.on('error', () => {}).resume()
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref()
}

/** Nothing that comes after it on the same connection is read. */
export function refuseMisframed(response: ServerResponse, message: string): void {
  const instance = randomUUID()
  const details = describeProblem(new OrcError({ code: 'bad_input', message }), instance)
  response
    .writeHead(400, {
      'content-type': PROBLEM_TYPE,
      'x-content-type-options': 'nosniff',
      'x-request-id': instance,
      connection: 'close',
    })
    .end(JSON.stringify(details))
}
