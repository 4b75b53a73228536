import { randomUUID } from 'node:crypto'
import {
  createMcpHandler,
  InMemoryServerEventBus,
  isLegacyRequest,
  legacyStatelessFallback,
  type McpServerFactory,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { KeptMessages } from './kept-messages.ts'
import type { Offer } from './offer.ts'
import { createCodec, createMcpServer } from './server.ts'
import { watchOffer } from './watch.ts'

/** Sessions that are open at once; the one that was silent longest goes. */
const MOST_SESSIONS = 256
/** ms that a session may be silent. */
const IDLE_MS = 30 * 60 * 1000
/** ms after which a client whose line was cut comes back. */
const RETRY_MS = 1_000
const LARGEST_BODY = 10 * 1024 * 1024

export interface McpHttp {
  /** Host, origin and rights have been looked at; `owner` says whose a session is. */
  fetch(request: Request, given: { readonly offer: Offer; readonly owner: string }): Promise<Response>
  close(): Promise<void>
}

export interface McpHttpOptions {
  readonly version: string
  /** What is watched for changes: what anybody is offered. */
  readonly offer: Offer
  redact(text: string): string
  log(line: string): void
}

interface Session {
  readonly owner: string
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly server: ReturnType<typeof createMcpServer>
  readonly kept: KeptMessages
  used: number
  /** Requests that are being answered, streams that are open. */
  busy: number
}

/**
 * MCP over HTTP in both revisions: the newer one without any state; the older one in sessions, where a client can be asked and told of changes, or without
 * one for those that never opened any.
 */
export function createMcpHttp(options: McpHttpOptions): McpHttp {
  const { version, redact, log } = options
  const codec = createCodec()
  const bus = new InMemoryServerEventBus()
  const sessions = new Map<string, Session>()
  const make = (offer: Offer) => createMcpServer({ offer, version, codec, redact, log })
  const onerror = (error: Error) => log(redact(error.message))
  // Who asks is handed through as the packages' own means for it; they look at nothing of it.
  const identify = (offer: Offer, owner: string) => ({
    authInfo: { token: '', clientId: owner, scopes: [], extra: { offer } },
  })
  const factory: McpServerFactory = ({ authInfo }) =>
    make((authInfo?.extra?.['offer'] as Offer | undefined) ?? options.offer)
  const modern = createMcpHandler(factory, { legacy: 'reject', bus, maxRequestBodySize: LARGEST_BODY })
  const stateless = legacyStatelessFallback(factory, onerror, { maxRequestBodySize: LARGEST_BODY })

  const openSession = async (offer: Offer, owner: string): Promise<Session> => {
    const server = make(offer)
    const kept = new KeptMessages()
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: LARGEST_BODY,
      eventStore: kept,
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => void sessions.set(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const session: Session = { owner, transport, server, kept, used: performance.now(), busy: 0 }
    await server.connect(transport)
    tidy()
    return session
  }
  const tidy = () => {
    const idle = [...sessions].filter(([, { busy }]) => busy === 0).toSorted(([, a], [, b]) => a.used - b.used)
    const late = performance.now() - IDLE_MS
    const surplus = sessions.size - MOST_SESSIONS
    for (const [index, [id, session]] of idle.entries()) {
      if (index >= surplus && session.used > late) continue
      sessions.delete(id)
      void session.server.close().catch(onerror)
    }
  }
  const unwatch = watchOffer(
    options.offer,
    {
      tools: () => {
        bus.publish({ kind: 'tools_list_changed' })
        for (const { server } of sessions.values()) {
          void server.sendToolListChanged().catch(() => {})
          for (const uri of server.subscribed) void server.sendResourceUpdated({ uri }).catch(() => {})
        }
      },
      prompts: () => {
        bus.publish({ kind: 'prompts_list_changed' })
        for (const { server } of sessions.values()) void server.sendPromptListChanged().catch(() => {})
      },
    },
    () => sessions.size > 0 || bus.listenerCount > 0,
  )

  return {
    fetch: async (request, { offer, owner }) => {
      if (!(await isLegacyRequest(request, undefined, { maxRequestBodySize: LARGEST_BODY })))
        return modern.fetch(request, identify(offer, owner))
      const id = request.headers.get('mcp-session-id')
      if (id !== null) {
        const session = sessions.get(id)
        // That there is such a session is nobody else's business.
        if (session?.owner !== owner) return refuse(404, 'Session not found')
        const last = request.method === 'GET' ? request.headers.get('last-event-id') : null
        if (last !== null && last !== '' && !session.kept.has(last))
          return refuse(400, 'Nothing is kept since this event')
        return attend(session, session.transport.handleRequest(request))
      }
      if (await opensSession(request)) {
        const session = await openSession(offer, owner)
        return attend(session, session.transport.handleRequest(request))
      }
      return stateless(request, identify(offer, owner))
    },
    close: async () => {
      unwatch()
      await modern.close()
      await Promise.all([...sessions.values()].map(({ server }) => server.close().catch(onerror)))
      sessions.clear()
    },
  }
}

/** Keeps a session while it answers. */
async function attend(session: Session, answering: Promise<Response>): Promise<Response> {
  session.used = performance.now()
  session.busy += 1
  const leave = () => {
    session.used = performance.now()
    session.busy -= 1
  }
  try {
    const response = await answering
    if (!response.body) {
      leave()
      return response
    }
    const through = new TransformStream<Uint8Array, Uint8Array>()
    void response.body.pipeTo(through.writable).then(leave, leave)
    return new Response(through.readable, response)
  } catch (error) {
    leave()
    throw error
  }
}

async function opensSession(request: Request): Promise<boolean> {
  if (request.method !== 'POST') return false
  const text = await request
    .clone()
    .text()
    .catch(() => '')
  try {
    const message = JSON.parse(text) as { readonly method?: unknown } | readonly { readonly method?: unknown }[]
    return [message].flat().some((each) => (each as { readonly method?: unknown } | null)?.method === 'initialize')
  } catch {
    return false
  }
}

function refuse(status: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32_001, message }, id: null }, { status })
}
