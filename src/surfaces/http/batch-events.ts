import { readBatch } from '../../app/batch-record.ts'
import { requireCaller } from './callers.ts'
import { readCursor } from './cursor.ts'
import { withHeartbeat } from './heartbeat.ts'
import type { CallerMeans, FaceRoutes } from './means.ts'
import { answerStream, HEARTBEAT_MS, type SseSource, writeMessage } from './sse.ts'

/** `GET /v1/batches/{batch}/events`: the batch's own stream, which names the runs. */
export function addBatchEvents(routes: FaceRoutes): void {
  routes.get('/v1/batches/:batch/events', async (c) => {
    const means = requireCaller(c, 'read')
    const { batch, last, status } = await readBatch(means.app, c.req.param('batch'))
    const after = readCursor(c.req.header('last-event-id') ?? c.req.query('after'), last)
    if (after === last && status !== 'running') return c.body(null, 204)
    return answerStream(c, await streamBatch(means, { batch, after }), means.streams)
  })
}

async function streamBatch(
  { app }: CallerMeans,
  { batch, after }: { readonly batch: string; readonly after: number },
): Promise<SseSource> {
  const leaving = new AbortController()
  const { journal } = await app.openJournal()
  async function* follow() {
    for await (const { seq, data } of journal.follow(`batch/${batch}`, after + 1, leaving.signal)) {
      const { type } = data as { readonly type: string }
      yield writeMessage({ id: seq, event: type, data: app.redact(JSON.stringify(data)) })
      if (type === 'batch-ended') return
    }
  }
  const records = withHeartbeat(follow(), HEARTBEAT_MS)
  return {
    next: async () => {
      const text = await records.next()
      return text === 'quiet' ? ': still here\n\n' : text
    },
    close: () => leaving.abort(),
  }
}
