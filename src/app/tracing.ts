import { readEvents } from '../engine/engine.ts'
import type { Watcher } from '../engine/world.ts'
import type { Event } from '../events/event.ts'
import type { Value } from '../events/values.ts'
import { createSpansView, findSpanValues, type Span } from '../events/views/spans.ts'
import { readInline } from '../events/views/view.ts'
import type { App } from './app.ts'
import { openSpanLine, type SpanLine } from './otlp.ts'
import { readVersion } from './package-root.ts'
import { loadContents } from './run-report.ts'
import type { TraceWish } from './trace-wish.ts'

/** ms that the end of the program waits for a collector. */
const PATIENCE_MS = 2_000

const MISSING =
  'An OTLP endpoint is configured, but OpenTelemetry is not installed, so no traces are sent. Install it with: npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources'

interface Tracing {
  readonly line: Promise<SpanLine | undefined>
  /** What is on its way to the line. */
  readonly busy: Set<Promise<void>>
  /** Something was not delivered; said once. */
  warn(why?: string): void
}

/** One line for all runs of a process, whoever they are for: all that callers see of the program shares its places. */
const lines = new WeakMap<App['paths'], Tracing>()

/** Tells a collector of one run; another run needs another one. Whatever goes wrong with it is no failure of the run. */
export function watchTraces(app: App, wish: TraceWish): Watcher {
  const tracing = lines.get(app.paths) ?? openTracing(app, wish)
  lines.set(app.paths, tracing)
  const teller = createTeller(app, wish)
  let last: Promise<void> = Promise.resolve()
  return {
    events: (events) => {
      const told = last.then(async () => {
        const line = await tracing.line
        if (!line) return
        for (const span of await teller.tell(events)) line.send(events[0]?.run ?? '', redactSpan(app, span))
      })
      const done: Promise<void> = told.catch(() => {}).finally(() => tracing.busy.delete(done))
      tracing.busy.add(done)
      last = done
    },
  }
}

/** Delivers what there is, as far as a collector takes it in time. */
export async function closeTraces(app: App): Promise<void> {
  const tracing = lines.get(app.paths)
  if (!tracing) return
  lines.delete(app.paths)
  const deliver = async () => {
    await Promise.all(tracing.busy)
    await (await tracing.line)?.close()
  }
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      tracing.warn(`nothing was taken for ${PATIENCE_MS / 1000} s`)
      resolve()
    }, PATIENCE_MS)
  })
  await Promise.race([deliver().catch(() => {}), patience])
  clearTimeout(timer)
}

/** Folds events into spans. Who takes a run up has not seen its beginning, and reads it first: of that nothing is told again. */
function createTeller(app: App, { content }: TraceWish) {
  let contents = readInline
  const view = createSpansView({ content, read: (value) => contents(value) })
  let state = view.initial()
  let seen = 0
  const fold = async (event: Event) => {
    contents = await readContents(app, event.run, findSpanValues(event))
    state = view.evolve(state, event)
    seen = event.seq
  }
  return {
    tell: async (events: readonly Event[]): Promise<readonly Span[]> => {
      const [first] = events
      if (first && seen === 0 && first.seq > 1) {
        for await (const event of readEvents(await app.openJournal(), first.run)) {
          if (event.seq >= first.seq) break
          await fold(event)
        }
        state.ended.length = 0
      }
      for (const event of events) await fold(event)
      return state.ended.splice(0)
    },
  }
}

async function readContents(app: App, run: string, values: readonly Value[]) {
  if (values.every(({ inline }) => inline)) return readInline
  const { blobs } = await app.openJournal()
  return loadContents(values, run, blobs)
}

function redactSpan(app: App, span: Span): Span {
  return JSON.parse(app.redact(JSON.stringify(span))) as Span
}

function openTracing(app: App, wish: TraceWish): Tracing {
  let warned = false
  const say = (message: string, code: string) => {
    if (!warned) process.emitWarning(message, { type: 'TelemetryWarning', code })
    warned = true
  }
  const warn = (why = 'it failed') =>
    say(`Traces cannot be delivered to ${placeOf(wish.url)}: ${app.redact(why).slice(0, 200)}`, 'telemetry_undelivered')
  const opening = openSpanLine(wish, { version: readVersion(), onFailure: (error) => warn(error?.message) })
  const line = opening.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') say(MISSING, 'telemetry_missing')
    else warn(error.message)
    return undefined
  })
  return { line, busy: new Set(), warn }
}

/** An address may hold a key. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'the endpoint'
}
