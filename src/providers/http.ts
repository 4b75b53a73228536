import type { Agent, Dispatcher } from 'undici'
import { Exchange, type HttpReply } from './http-exchange.ts'
import { HttpFailure } from './http-failure.ts'

export interface HttpRequest {
  readonly url: string
  readonly method: 'GET' | 'POST' | (string & {})
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

/** One pool of connections. Nothing is retried, redirected or decompressed, and only the caller's signal limits time. */
export interface Http {
  send(request: HttpRequest): Promise<HttpReply>
  /** The same pool in the shape vendor packages take. Request bodies are text or bytes. */
  readonly fetch: typeof globalThis.fetch
  close(): Promise<void>
}

/** `connections` (default 64) is the most sockets one server gets; more requests wait in line. Loads its client on first use. */
export function openHttp(options: { readonly connections?: number } = {}): Http {
  let agent: Promise<Agent> | undefined
  let loaded: Agent | undefined
  const openAgent = async (): Promise<Agent> => {
    const { default: Pool } = await import('undici/lib/dispatcher/agent.js')
    const pool = new Pool({
      connections: options.connections ?? 64,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 10_000 },
      // HTTP/2 would put every stream on one socket: an abort could no longer be seen as a closed connection.
      allowH2: false,
    })
    loaded = pool
    return pool
  }

  const dispatch = (pool: Agent, url: URL, request: HttpRequest): Promise<HttpReply> => {
    const exchange = new Exchange(request.signal)
    const ask: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method as Dispatcher.HttpMethod,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      body: request.body ?? null,
    }
    pool.dispatch(ask, exchange)
    return exchange.reply
  }

  // Not async once the client is loaded: a waiting request should hold no more than its exchange.
  const send = (request: HttpRequest): Promise<HttpReply> => {
    const url = URL.parse(request.url)
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      return Promise.reject(new HttpFailure('invalid', 'no', { reason: 'not an http(s) address' }))
    }
    if (request.signal?.aborted) return Promise.reject(new HttpFailure('aborted', 'no'))
    if (loaded) return dispatch(loaded, url, request)
    agent ??= openAgent()
    return agent.then((pool) => {
      if (request.signal?.aborted) throw new HttpFailure('aborted', 'no')
      return dispatch(pool, url, request)
    })
  }

  return {
    send,
    fetch: (input, init) => sendAsFetch(send, input, init),
    close: async () => {
      const open = agent
      agent = undefined
      const pool = await open
      // It may have been just loading.
      if (loaded === pool) loaded = undefined
      await pool?.destroy()
    },
  }
}

/** Statuses a `Response` may not have a body with. */
const BODILESS = new Set([101, 204, 205, 304])

async function sendAsFetch(
  send: Http['send'],
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  const sent = init?.body ?? undefined
  if (sent !== undefined && typeof sent !== 'string' && !(sent instanceof Uint8Array)) {
    throw new TypeError('this fetch takes text or bytes as a body')
  }
  const { status, headers, body } = await send({
    url: typeof input === 'string' ? input : input instanceof URL ? input.href : input.url,
    method: init?.method ?? 'GET',
    headers: Object.fromEntries(new Headers(init?.headers)),
    ...(sent !== undefined && { body: sent }),
    ...(init?.signal && { signal: init.signal }),
  })
  if (status < 200 || status > 599) {
    body.cut()
    throw new HttpFailure('malformed', 'yes', { reason: `status ${status}` })
  }
  if (BODILESS.has(status)) {
    body.release()
    return new Response(null, { status, headers })
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const bytes = await body.read()
        if (bytes) controller.enqueue(bytes)
        else controller.close()
      },
      cancel: () => body.cut(),
    },
    { highWaterMark: 0 },
  )
  return new Response(stream, { status, headers })
}
