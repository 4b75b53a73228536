/** A collector of traces: a real server that keeps what it is sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface KeptSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly ms: number
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface Collector {
  readonly url: string
  readonly spans: KeptSpan[]
  readonly requests: { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }[]
  /** Of what sent them. */
  readonly resources: Record<string, unknown>[]
  close(): void
}

/** `silent`: it takes what comes and never answers. */
export async function startCollector({ silent = false } = {}): Promise<Collector> {
  const kept: Omit<Collector, 'url' | 'close'> = { spans: [], requests: [], resources: [] }
  const server = createServer((request, response) => void take(request, response))
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    kept.requests.push({ path: request.url ?? '', headers: request.headers })
    if (silent) return
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      kept.resources.push(readAttributes(resource.attributes))
      for (const { spans } of scopeSpans) kept.spans.push(...spans.map(readSpan))
    }
    response.setHeader('content-type', 'application/json')
    response.end('{}')
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { ...kept, url: `http://127.0.0.1:${port}`, close }
}

type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]

function readSpan(span: KeptSpan & { attributes: Attributes; startTimeUnixNano: string; endTimeUnixNano: string }) {
  const { traceId, spanId, parentSpanId, name, kind, status, startTimeUnixNano, endTimeUnixNano } = span
  const ms = Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000_000n)
  const attributes = readAttributes(span.attributes)
  return { traceId, spanId, ...(parentSpanId ? { parentSpanId } : {}), name, kind, status, ms, attributes }
}

function readAttributes(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
