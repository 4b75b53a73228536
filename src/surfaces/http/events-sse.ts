import type { LiveText } from '../../app/run-host.ts'
import { findRunId } from '../../app/run-id.ts'
import { requireCaller } from './callers.ts'
import { limitBacklog, readCursor } from './cursor.ts'
import type { CallerMeans, FaceContext, FaceRoutes } from './means.ts'
import { cancelAfter, type OnDisconnect, readOnDisconnect } from './on-disconnect.ts'
import { answerStream, HEARTBEAT_MS, type SseSource, writeMessage } from './sse.ts'
import { Subscription } from './subscription.ts'

/** Events of a run: `GET /v1/runs/{run}/events`, a stream or a page. */
export function addRunEvents(routes: FaceRoutes): void {
  routes.get('/v1/runs/:run/events', async (c) => {
    const means = requireCaller(c, 'read')
    const wish = readOnDisconnect(c)
    const run = await findRunId(means.app, c.req.param('run'))
    const last = await means.host.head(run)
    const after = readCursor(c.req.header('last-event-id') ?? c.req.query('after'), last)
    if (wantsPage(c)) return answerPage(c, means, { run, after })
    if (after === last && (await hasEnded(means, run, last))) return c.body(null, 204)
    return answerStream(c, streamRun(means, { run, after, last, wish }), means.streams)
  })
}

function wantsPage(c: FaceContext): boolean {
  const accept = c.req.header('accept') ?? ''
  return accept.includes('application/json') && !accept.includes('text/event-stream')
}

async function answerPage(
  c: FaceContext,
  { frames }: CallerMeans,
  { run, after }: { readonly run: string; readonly after: number },
) {
  const page = await frames.read(run, after + 1)
  const events = page?.list().map(({ json }) => json) ?? []
  const head = `{"run":${JSON.stringify(run)},"events":[${events.join(',')}]`
  return c.body(`${head}${page ? `,"next":${page.last}` : ''}}`, 200, { 'content-type': 'application/json' })
}

async function hasEnded({ host }: CallerMeans, run: string, last: number): Promise<boolean> {
  for await (const event of host.read(run, last, last)) return event.type === 'run-finished'
  return false
}

/** What both streams and sockets begin with: where a reader goes on, and what it has missed for good. */
export function startReading(
  means: CallerMeans,
  place: { readonly run: string; readonly after: number; readonly last: number },
) {
  const from = limitBacklog(place.after, place.last)
  const subscription = new Subscription(place.run, from, means)
  const reset = from === place.after ? undefined : { reason: 'too far behind', asked: place.after, after: from }
  return { subscription, reset }
}

function streamRun(
  means: CallerMeans,
  place: { readonly run: string; readonly after: number; readonly last: number; readonly wish: OnDisconnect },
): SseSource {
  const over = cancelAfter(means, place)
  const { subscription, reset } = startReading(means, place)
  let missed = reset
  return {
    next: async () => {
      if (missed) {
        const data = JSON.stringify(missed)
        missed = undefined
        return writeMessage({ event: 'reset', data })
      }
      const portion = await subscription.next(HEARTBEAT_MS)
      if (portion.type === 'end') return undefined
      if (portion.type === 'live') return portion.texts.map((text) => writeDelta(means, text)).join('')
      if (portion.type === 'frames') return portion.page.bytes
      if ((await means.host.head(place.run)) < subscription.sent) {
        subscription.close()
        return writeMessage({
          event: 'reset',
          data: JSON.stringify({ reason: 'the run was removed', asked: subscription.sent, after: 0 }),
        })
      }
      return ': still here\n\n'
    },
    close: (why) => {
      subscription.close()
      over(why)
    },
  }
}

function writeDelta({ app }: CallerMeans, text: LiveText): string {
  return writeMessage({ event: 'delta', data: app.redact(JSON.stringify(describeDelta(text))) })
}

export function describeDelta({ step, attempt, delta }: LiveText) {
  return { step, attempt, type: delta.type, text: delta.text }
}
