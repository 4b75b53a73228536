import type { App } from '../../app/app.ts'
import type { Call } from '../../app/operation.ts'
import type { McpHttp } from '../mcp/http.ts'
import type { Offer } from '../mcp/offer.ts'
import type { CallerMeans, FaceRoutes, Means } from './means.ts'
import type { Closing } from './open-streams.ts'

interface Loaded {
  readonly endpoint: McpHttp
  offerTo(means: CallerMeans): Offer
}

/** MCP at `/mcp`, in both revisions. Its packages are loaded when somebody first asks; the answer closes it. */
export function addMcp(
  routes: FaceRoutes,
  means: Means,
  whole: { readonly app: App; log(line: string): void },
): () => void {
  let loaded: Promise<Loaded> | undefined
  routes.all('/mcp', async (c) => {
    loaded ??= load(means, whole)
    const { endpoint, offerTo } = await loaded
    const caller = c.get('means')
    const { kind, name, scopes } = caller.principal
    const owner = `${kind} ${name} ${scopes.join(' ')}`
    return announce(await endpoint.fetch(c.req.raw, { offer: offerTo(caller), owner }), caller)
  })
  return () => void loaded?.then(({ endpoint }) => endpoint.close()).catch(() => {})
}

async function load(
  { host, operations, version }: Means,
  { app, log }: { readonly app: App; log(line: string): void },
): Promise<Loaded> {
  const [{ createMcpHttp }, { createOffer }] = await Promise.all([
    import('../mcp/http.ts'),
    import('../mcp/orchestra.ts'),
  ])
  const offer = (seen: App, caller?: Partial<Call>) =>
    createOffer({ app: seen, host, operations, version, ...(caller ? { caller } : {}) })
  const endpoint = createMcpHttp({ version, offer: offer(app), redact: (text) => app.redact(text), log })
  return { endpoint, offerTo: ({ app: seen, principal }) => offer(seen, { principal }) }
}

/** A stream ends when its caller would not be let in any more, and with the server. */
function announce(response: Response, { streams }: CallerMeans): Response {
  const { body } = response
  if (!body || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response
  const cut = new AbortController()
  let reason: Closing = 'ended'
  const leave = streams.open((why) => {
    reason = why
    cut.abort()
  })
  const through = new TransformStream<Uint8Array, Uint8Array>()
  // Whoever reads sees an end, not a failure.
  void body.pipeTo(through.writable, { signal: cut.signal, preventAbort: true }).then(
    () => leave('ended'),
    () => {
      leave(cut.signal.aborted ? reason : 'left')
      return through.writable.close().catch(() => {})
    },
  )
  return new Response(through.readable, response)
}
