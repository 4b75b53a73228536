import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isPublicAddress } from '../../sandbox/egress-rules.ts'
import { Bucket } from './bucket.ts'
import { LINE_LIMIT } from './stdio-wire.ts'
import { WireFailure } from './wire.ts'

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** Events of one stream. */
const EVENTS = { burst: 5000, per_second: 200 }

export interface FetchHooks {
  /** The server answered that it wants a login. */
  beforeLogin(): Promise<void>
  /** A stream of events was broken off, which nobody who reads it can be told. */
  onFlood(failure: WireFailure): void
}

/**
 * The way to one server and to whoever it sends us to for a login. Bodies are bounded; other hosts are spoken with over TLS only, and
 * not when they are on this machine or its network, unless the server itself is.
 */
export function createServerFetch(server: URL, hooks: FetchHooks): Fetch {
  const near = isNear(server)
  return async (to, init) => {
    const url = new URL(to)
    if (url.origin !== server.origin) await assertAllowed(url, near)
    const response = await fetch(url, init)
    if (url.origin === server.origin && (response.status === 401 || response.status === 403)) await hooks.beforeLogin()
    return bound(response, hooks)
  }
}

async function assertAllowed(url: URL, near: Promise<boolean>): Promise<void> {
  const isLocal = await near
  if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:'))
    throw new WireFailure('mcp_login_refused', `the server leads to ${url.origin}, which is not spoken with over TLS`)
  if (!isLocal && (await isNear(url)))
    throw new WireFailure('mcp_login_refused', `the server leads to ${url.origin}, an address of this network`)
}

/** Is any address of the host one of this machine or of its network? A name that is not known is nobody's. */
async function isNear(url: URL): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (isIP(host)) return !isPublicAddress(host)
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.some(({ address }) => !isPublicAddress(address))
}

/** The same answer with a body that breaks off when it gets too long, or, in a stream of events, too busy. */
function bound(response: Response, { onFlood }: FetchHooks): Response {
  if (!response.body) return response
  const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
  const body = response.body.pipeThrough(isStream ? boundEvents(onFlood) : boundBytes())
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers })
}

function boundBytes(): TransformStream<Uint8Array, Uint8Array> {
  let seen = 0
  return new TransformStream({
    transform(chunk, control) {
      seen += chunk.length
      if (seen > LINE_LIMIT) control.error(tooLong())
      else control.enqueue(chunk)
    },
  })
}

function boundEvents(onFlood: FetchHooks['onFlood']): TransformStream<Uint8Array, Uint8Array> {
  const bucket = new Bucket(EVENTS)
  let held = 0
  let last = 0
  const fail = (control: TransformStreamDefaultController, failure: WireFailure) => {
    control.error(failure)
    onFlood(failure)
  }
  return new TransformStream({
    transform(chunk, control) {
      for (const byte of chunk) {
        held += 1
        if (byte === 13) continue
        if (byte === 10 && last === 10) {
          held = 0
          if (!bucket.take()) return fail(control, new WireFailure('mcp_flood', 'the server sent too many events'))
        }
        last = byte
      }
      if (held > LINE_LIMIT) fail(control, tooLong())
      else control.enqueue(chunk)
    },
  })
}

function tooLong(): WireFailure {
  return new WireFailure('mcp_flood', `the server sent a message of more than ${LINE_LIMIT} bytes`)
}
