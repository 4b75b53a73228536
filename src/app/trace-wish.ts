import type { App } from './app.ts'

/** Where the spans of runs go, and what they tell. */
export interface TraceWish {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly service: string
  /** Of what they come from, beside the service. */
  readonly resource: Readonly<Record<string, string>>
  /** Also what was asked and answered. */
  readonly content: boolean
}

const SIGNAL_PATH = 'v1/traces'

/** What the variables of OpenTelemetry and the settings say together; undefined: nothing is sent, and nothing loaded. */
export function readTraceWish({ env, config }: Pick<App, 'env' | 'config'>): TraceWish | undefined {
  const said = (name: string) => env.values.get(name)?.trim() || undefined
  if (said('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || said('OTEL_TRACES_EXPORTER') === 'none') return undefined
  const { otlp_endpoint, content = false } = config.settings.telemetry ?? {}
  const base = said('OTEL_EXPORTER_OTLP_ENDPOINT') ?? otlp_endpoint
  const url = said('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base && `${base.replace(/\/+$/, '')}/${SIGNAL_PATH}`)
  if (url === undefined) return undefined
  const { 'service.name': named, ...resource } = readPairs(said('OTEL_RESOURCE_ATTRIBUTES'))
  return {
    url,
    headers: readPairs(said('OTEL_EXPORTER_OTLP_TRACES_HEADERS') ?? said('OTEL_EXPORTER_OTLP_HEADERS')),
    service: said('OTEL_SERVICE_NAME') ?? named ?? 'llm-orchestrator',
    resource,
    content,
  }
}

/** `a=1,b=two%20words`; what is not written so is left out. */
function readPairs(text = ''): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const cut = pair.indexOf('=')
    const name = pair.slice(0, cut).trim()
    return cut < 1 || name === '' ? [] : [[name, decode(pair.slice(cut + 1).trim())] as const]
  })
  return Object.fromEntries(pairs)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
