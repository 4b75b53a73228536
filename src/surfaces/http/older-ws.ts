import { upgradeWebSocket } from '@hono/node-server'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { createStreamNames, type NamedEvent } from '../../events/views/stream-names.ts'
import { readSeed } from '../seed.ts'
import { requireCaller } from './callers.ts'
import { LiveQueue } from './live-queue.ts'
import type { CallerMeans, FaceRoutes } from './means.ts'
import { cancelAfter, readOnDisconnect } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { asOrcError } from './problem.ts'
import { Socket } from './socket.ts'
import { readStrictObject } from './strict-json.ts'
import { readTexts, tellRun } from './told-run.ts'

/** Our names for what LLM Orchestra told over its WebSocket. */
const TYPES: { readonly [type: string]: string } = {
  execution_started: 'execution_start',
  agent_started: 'agent_start',
  agent_completed: 'agent_complete',
  execution_completed: 'execution_complete',
  execution_failed: 'error',
}

/** `/ws/execute`: each message `{ensemble, input}` is executed and told; `{type: "cancel"}` cancels what is under way. */
export function addOlderSocket(routes: FaceRoutes): void {
  routes.get('/ws/execute', async (c, next) => {
    const means = requireCaller(c, 'run')
    const wish = readOnDisconnect(c)
    const upgrade = upgradeWebSocket(() => {
      let socket: Socket | undefined
      const leaving = new AbortController()
      const running = new Set<string>()
      const leave = () => {
        socket?.leave()
        for (const run of running) cancelAfter(means, { run, wish })(socket?.closing ?? 'left')
        leaving.abort()
      }
      return {
        onOpen: (_, context) => {
          socket = new Socket(context, means.streams)
        },
        onMessage: ({ data }) => {
          if (socket) void take(means, socket, { text: String(data), running, signal: leaving.signal })
        },
        onClose: leave,
        onError: leave,
      }
    })
    const response = await upgrade(c, next)
    if (response instanceof Response) return response
    throw new OrcError({ code: 'bad_input', message: 'this address is for WebSockets' })
  })
}

interface Taking {
  readonly text: string
  readonly running: Set<string>
  readonly signal: AbortSignal
}

async function take(means: CallerMeans, socket: Socket, { text, running, signal }: Taking): Promise<void> {
  try {
    means.spend()
    const message = readStrictObject(text)
    if (message['type'] === 'cancel') {
      for (const run of running) await perform(means, { name: 'runs cancel', input: { run } }, { detached: true })
      return
    }
    const run = await begin(means, message)
    running.add(run)
    await tell(means, socket, { run, signal }).finally(() => running.delete(run))
  } catch (error) {
    const { code, message } = asOrcError(error)
    await socket.send([means.app.redact(JSON.stringify({ type: 'error', data: { error: message, code } }))])
  }
}

async function begin(means: CallerMeans, message: JsonObject): Promise<string> {
  const target = message['ensemble'] ?? message['ensemble_name'] ?? null
  const input = message['input'] ?? message['input_data']
  if (typeof target !== 'string')
    throw new OrcError({
      code: 'bad_input',
      message: 'no ensemble is named',
      hint: 'Send {"ensemble": "NAME", "input": "…"}.',
    })
  const given = input === undefined ? {} : { input: typeof input === 'string' ? input : JSON.stringify(input) }
  const begun = await perform(
    means,
    { name: 'run', input: { target, ...given, ...readSeed(message['seed']) } },
    { detached: true },
  )
  return (begun as { readonly run: string }).run
}

async function tell(
  means: CallerMeans,
  socket: Socket,
  { run, signal }: { readonly run: string; readonly signal: AbortSignal },
): Promise<void> {
  const write = ({ type, data }: NamedEvent) =>
    means.app.redact(JSON.stringify({ type: TYPES[type] ?? type, data: { run_id: run, ...data } }))
  const live = new LiveQueue()
  let sent = 0
  // One after another, each when the reader has taken the last.
  let last: Promise<unknown> = Promise.resolve()
  let saying = false
  const send = (work: () => readonly string[]) => {
    last = last.then(async () => {
      const messages = work()
      if (messages.length > 0) await socket.send(messages)
    })
    return last
  }
  const sayLive = () => {
    saying = false
    return live
      .take(sent)
      .map(({ step, delta }) => write({ type: 'agent_progress', data: { agent_name: step, text: delta.text } }))
  }
  const unlisten = means.host.listen(run, {
    text: (text) => {
      live.hear(text)
      if (saying) return
      saying = true
      void send(sayLive)
    },
  })
  try {
    const texts = new Map<string, string>()
    const names = createStreamNames(readTexts(texts))
    for await (const event of tellRun(means, run, { texts, signal })) {
      await send(() => {
        const said = sayLive()
        sent = event.seq
        return [...said, ...names.translate(event).map(write), ...sayLive()]
      })
      if (socket.isOver) return
    }
  } finally {
    unlisten()
  }
}
