import { randomUUID } from 'node:crypto'
import { upgradeWebSocket } from '@hono/node-server'
import { findRunId } from '../../app/run-id.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { requireCaller } from './callers.ts'
import { readCursor } from './cursor.ts'
import { describeDelta, startReading } from './events-sse.ts'
import type { CallerMeans, FaceRoutes } from './means.ts'
import { cancelAfter, readOnDisconnect } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { asOrcError, describeProblem } from './problem.ts'
import { Socket } from './socket.ts'
import { HEARTBEAT_MS } from './sse.ts'
import { readStrictObject } from './strict-json.ts'
import type { Subscription } from './subscription.ts'

/** What a reader may say about the run it reads, and the operation that does it. */
const WORDS: { readonly [type: string]: string } = {
  answer: 'runs resolve',
  approve: 'approvals give',
  cancel: 'runs cancel',
  deny: 'approvals deny',
  steer: 'runs steer',
}

/** `GET /v1/runs/{run}/ws`: the events of a run, and words to it. */
export function addRunSocket(routes: FaceRoutes): void {
  routes.get('/v1/runs/:run/ws', async (c, next) => {
    const means = requireCaller(c, 'read')
    const wish = readOnDisconnect(c)
    const run = await findRunId(means.app, c.req.param('run'))
    const last = await means.host.head(run)
    const after = readCursor(c.req.query('after'), last)
    const upgrade = upgradeWebSocket(() => {
      let socket: Socket | undefined
      let subscription: Subscription | undefined
      const over = cancelAfter(means, { run, wish })
      const leave = () => {
        socket?.leave()
        subscription?.close()
        over(socket?.closing ?? 'left')
      }
      return {
        onOpen: (_, context) => {
          const reading = startReading(means, { run, after, last })
          subscription = reading.subscription
          socket = new Socket(context, means.streams)
          if (reading.reset) void socket.say({ type: 'reset', ...reading.reset })
          void sendRun(means, socket, reading.subscription).finally(() => reading.subscription.close())
        },
        onMessage: ({ data }) => {
          if (socket) void obey(means, socket, { run, text: String(data) })
        },
        onClose: leave,
        onError: leave,
      }
    })
    const response = await upgrade(c, next)
    if (response instanceof Response) return response
    throw new OrcError({
      code: 'bad_input',
      message: 'this address is for WebSockets',
      hint: `For a stream: /v1/runs/${run}/events`,
    })
  })
}

async function sendRun({ app }: CallerMeans, socket: Socket, subscription: Subscription): Promise<void> {
  try {
    while (!socket.isOver) {
      const portion = await subscription.next(HEARTBEAT_MS)
      if (portion.type === 'end') return socket.close('ended')
      if (portion.type === 'frames')
        await socket.send(portion.page.list().map(({ seq, json }) => `{"type":"event","seq":${seq},"event":${json}}`))
      if (portion.type === 'live')
        await socket.send(
          portion.texts.map((text) => app.redact(JSON.stringify({ type: 'delta', delta: describeDelta(text) }))),
        )
      if (portion.type === 'quiet') await socket.say({ type: 'quiet' })
    }
  } catch (error) {
    await socket.say({ type: 'problem', problem: describeProblem(asOrcError(error), randomUUID()) })
    socket.close('ended')
  }
}

/** Does what a message says; the answer carries its `id`. */
async function obey(
  means: CallerMeans,
  socket: Socket,
  { run, text }: { readonly run: string; readonly text: string },
): Promise<void> {
  let id: unknown
  try {
    means.spend()
    const { type, id: given, ...fields } = readStrictObject(text)
    id = given
    const name = typeof type === 'string' && Object.hasOwn(WORDS, type) ? WORDS[type] : undefined
    if (name === undefined) {
      const hint = `Words are: ${Object.keys(WORDS).join(', ')}`
      throw new OrcError({ code: 'bad_input', message: 'a message is no word that a run takes', hint })
    }
    await perform(means, { name, input: { ...completeWord(name, fields), run } }, { detached: true })
    await socket.say({ type: 'done', ...(id === undefined ? {} : { id }) })
  } catch (error) {
    const problem = describeProblem(asOrcError(error), randomUUID())
    await socket.send([
      means.app.redact(JSON.stringify({ type: 'problem', ...(id === undefined ? {} : { id }), problem })),
    ])
  }
}

/** An answer is said to be one. */
function completeWord(name: string, fields: JsonObject): JsonObject {
  return name === 'runs resolve' ? { outcome: 'done', ...fields } : fields
}
