import { hash } from 'node:crypto'
import type { Span } from '../events/views/spans.ts'
import type { TraceWish } from './trace-wish.ts'

/** The line to a collector. */
export interface SpanLine {
  send(run: string, span: Span): void
  /** Resolves when everything is delivered, or given up. */
  close(): Promise<void>
}

/** What waits for a collector at most; beyond it spans are dropped. */
const MOST_WAITING = 16_384

/**
 * Loads OpenTelemetry and opens the line; rejects where its packages are missing. `onFailure` is told each time something cannot be delivered.
 * Ids are made from the run's: whoever takes a run up goes on in the same trace.
 */
export async function openSpanLine(
  { url, headers, service, resource }: TraceWish,
  { version, onFailure }: { readonly version: string; onFailure(error: Error | undefined): void },
): Promise<SpanLine> {
  const [{ ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  const otlp = new OTLPTraceExporter({ url, headers })
  const exporter: Pick<typeof otlp, 'export' | 'shutdown' | 'forceFlush'> = {
    export: (spans, done) =>
      otlp.export(spans, (result) => {
        if (result.code !== 0) onFailure(result.error)
        done(result)
      }),
    forceFlush: () => otlp.forceFlush(),
    shutdown: () => otlp.shutdown(),
  }
  let next = { trace: '', span: '' }
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ ...resource, 'service.name': service, 'service.version': version }),
    idGenerator: { generateTraceId: () => next.trace, generateSpanId: () => next.span },
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, maxQueueSize: MOST_WAITING })],
  })
  const tracer = provider.getTracer('llm-orchestrator', version)
  return {
    send: (run, { id, parent, name, client, start, end, attributes, error }) => {
      next = { trace: makeTraceId(run), span: makeSpanId(run, id) }
      const above =
        parent === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, {
              traceId: next.trace,
              spanId: makeSpanId(run, parent),
              traceFlags: 1,
            })
      const kind = client ? SpanKind.CLIENT : SpanKind.INTERNAL
      const given = Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]),
      )
      const span = tracer.startSpan(name, { startTime: start, kind, attributes: given }, above)
      if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message ?? error.code })
      span.end(end)
    },
    close: () => provider.shutdown(),
  }
}

function makeTraceId(run: string): string {
  return hash('sha256', run, 'hex').slice(0, 32)
}

function makeSpanId(run: string, span: string): string {
  return hash('sha256', `${run} ${span}`, 'hex').slice(0, 16)
}
