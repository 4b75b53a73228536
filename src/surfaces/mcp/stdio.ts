import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { App } from '../../app/app.ts'
import type { OpenFace } from '../../app/faces.ts'
import { findNamedEnsemble } from '../../app/named-ensemble.ts'
import { loadOperations } from '../../app/operations.ts'
import { createRunHost } from '../../app/run-host.ts'
import { LastingStdio } from './lasting-stdio.ts'
import { createOffer } from './orchestra.ts'
import { createCodec, createMcpServer } from './server.ts'
import { watchOffer } from './watch.ts'

/** ms that runs have to end when the client has gone. */
const GRACE_MS = 2_000

/**
 * Serves one client over standard input and output; nothing else may write there. It ends with its input once what was asked is answered,
 * with its reader, or with the signal.
 */
export async function openMcpStdio(
  app: App,
  wish: { readonly ensemble?: string | undefined },
  how: { readonly version: string; readonly signal: AbortSignal; say(line: string): void },
): Promise<OpenFace> {
  if (wish.ensemble !== undefined) await findNamedEnsemble(app, wish.ensemble)
  const host = createRunHost(app)
  const offer = createOffer({
    app,
    host,
    operations: await loadOperations(),
    version: how.version,
    ...(wish.ensemble === undefined ? {} : { only: wish.ensemble }),
  })
  const codec = createCodec()
  const servers = new Set<ReturnType<typeof createMcpServer>>()
  const ended = Promise.withResolvers<void>()
  const log = (line: string) => how.say(line)
  const transport = new LastingStdio(process.stdin, process.stdout)
  const handle = serveStdio(
    () => {
      const server = createMcpServer({ offer, version: how.version, codec, redact: app.redact, log })
      servers.add(server)
      server.onclose = () => {
        servers.delete(server)
        // A look at what there is comes before the connection itself; it goes without ending it.
        setTimeout(() => servers.size === 0 && ended.resolve(), 100)
      }
      return server
    },
    { transport, onerror: (error) => log(app.redact(error.message)) },
  )
  const leave = transport.onclose
  transport.onclose = () => {
    leave?.()
    ended.resolve()
  }
  const unwatch = watchOffer(
    offer,
    {
      tools: () => {
        for (const server of servers) {
          void server.sendToolListChanged().catch(() => {})
          for (const uri of server.subscribed) void server.sendResourceUpdated({ uri }).catch(() => {})
        }
      },
      prompts: () => {
        for (const server of servers) void server.sendPromptListChanged().catch(() => {})
      },
    },
    () => servers.size > 0,
  )
  how.signal.addEventListener('abort', () => ended.resolve(), { once: true })
  const closed = ended.promise.then(async () => {
    unwatch()
    await handle.close()
    await host.close(GRACE_MS)
  })
  return { closed }
}
