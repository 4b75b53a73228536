import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server'
import { WebSocketServer } from 'ws'
import { createAccess } from '../../app/access.ts'
import type { App } from '../../app/app.ts'
import type { HttpWish, OpenFace } from '../../app/faces.ts'
import { loadOperations } from '../../app/operations.ts'
import { createRunHost } from '../../app/run-host.ts'
import { OrcError } from '../../events/errors.ts'
import { findMisframing, refuseMisframed, refuseTunnel, wantsWebSocket } from './framing.ts'
import { guardAddress, guardsOf } from './guards.ts'
import { createHttpFace } from './server.ts'

/** ms that runs have to end when the server is told to stop. */
const GRACE_MS = 10_000
/** ms for answers and last words under way. */
const LINGER_MS = 2_000
/** ms for the headers of a request, and for all of it. */
const HEADERS_MS = 10_000
const REQUEST_MS = 60_000

export interface Listening {
  say(line: string): void
  /** ms; default 10 s. */
  readonly grace_ms?: number
  /** ms a reader may take nothing; default 5 s. */
  readonly stalled_ms?: number
  /** ms that the headers of a request may take, and all of it; default 10 s and 60 s. */
  readonly headers_ms?: number
  readonly request_ms?: number
}

/** Listens until the signal fires; then nothing new is taken, runs may end, and what is left is let go of for the next server. */
export async function listenHttp(
  app: App,
  wish: HttpWish,
  {
    signal,
    say,
    grace_ms = GRACE_MS,
    stalled_ms,
    headers_ms = HEADERS_MS,
    request_ms = REQUEST_MS,
  }: Listening & { readonly signal: AbortSignal },
): Promise<OpenFace> {
  const access = createAccess(app)
  guardAddress(wish.host, { configured: await access.isConfigured() })
  let at = { host: wish.host, port: wish.port }
  const guarded = () => guardsOf(at, app.config.settings.serve)
  const host = createRunHost(app)
  const face = createHttpFace(app, host, {
    operations: await loadOperations(),
    guarded,
    access,
    log: say,
    ...(stalled_ms === undefined ? {} : { stalled_ms }),
  })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1024 * 1024,
    perMessageDeflate: false,
    // One of them may be a key, which is never said back.
    handleProtocols: (protocols) => [...protocols].find((each) => !each.startsWith('bearer.')) ?? false,
  })
  const server = createAdaptorServer({
    fetch: (request, env) => face.fetch(request, env as object),
    overrideGlobalObjects: false,
    // The declared `on` differs in how its listener binds `this`.
    websocket: { server: sockets as unknown as WebSocketServerLike },
    createServer: ((options, take) =>
      createServer(options, (request, response) => {
        const wrong = findMisframing(request)
        if (wrong === undefined) take?.(request, response)
        else refuseMisframed(response, wrong)
      })) as typeof createServer,
    serverOptions: {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headers_ms,
      requestTimeout: request_ms,
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: Math.min(2_000, headers_ms),
      shouldUpgradeCallback: wantsWebSocket,
    },
  })
  server.on('connect', (_request: unknown, socket: Duplex) => refuseTunnel(socket))
  const closed = new Promise<void>((resolve, reject) => {
    const stop = async () => {
      const grace = host.close(grace_ms)
      server.close()
      await grace
      face.close()
      const linger = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), LINGER_MS)
      await new Promise<void>((done) => server.close(() => done()))
      clearTimeout(linger)
    }
    signal.addEventListener('abort', () => void stop().then(resolve, reject), { once: true })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListening(error, wish)))
    server.listen(wish.port, wish.host.replaceAll(/[[\]]/g, ''), resolve)
  })
  const { port } = server.address() as AddressInfo
  at = { host: wish.host, port }
  const url = `http://${wish.host.includes(':') && !wish.host.startsWith('[') ? `[${wish.host}]` : wish.host}:${port}`
  say(`Listening at ${url} (what it offers: ${url}/docs; MCP: ${url}/mcp)`)
  const { taken, left } = await host.adopt()
  if (taken.length > 0) say(`Taken up: ${taken.join(', ')}`)
  for (const { run, why } of left) say(`Left as it is: ${run}: ${why}`)
  return { url, closed }
}

function explainListening(error: NodeJS.ErrnoException, { host, port }: HttpWish): Error {
  if (error.code !== 'EADDRINUSE') return error
  const hint = `Take another: llm-orc serve --port ${port + 1}`
  return new OrcError({ code: 'address_in_use', message: `something else listens at ${host}:${port}`, hint })
}
