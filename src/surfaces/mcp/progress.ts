import type { ServerContext } from '@modelcontextprotocol/server'
import type { Call } from '../../app/operation.ts'
import type { Event } from '../../events/event.ts'
import { createStreamNames, type NamedEvent } from '../../events/views/stream-names.ts'

/** ms between the lines that say that it goes on. */
const TICK_MS = 1_000

/** Tells a client how its run goes, under the names LLM Orchestra's users know: as progress where it asked for it, and as log lines. */
export function createReporter(mcp: ServerContext, redact: (text: string) => string) {
  const token = mcp.mcpReq._meta?.progressToken
  const names = createStreamNames()
  let agents = 0
  let done = 0
  let told = 0
  // One after another, and a client that is gone is no failure of the run.
  let last: Promise<unknown> = Promise.resolve()
  const send = (work: () => Promise<unknown>) => {
    last = last.then(work).catch(() => {})
  }
  const log = ({ type, data }: NamedEvent) => {
    const level = type === 'execution_failed' ? 'error' : type === 'execution_progress' ? 'debug' : 'info'
    send(() => mcp.mcpReq.log(level, JSON.parse(redact(JSON.stringify({ type, data }))), 'llm-orc'))
  }
  const progress = (message: string) => {
    if (token === undefined) return
    // It has to rise with every word.
    told = Math.max(done, told + 0.001)
    const params = {
      progressToken: token,
      progress: told,
      message: redact(message),
      ...(agents > 0 ? { total: agents + 1 } : {}),
    }
    send(() => mcp.mcpReq.notify({ method: 'notifications/progress', params }))
  }
  const tell = (named: NamedEvent) => {
    const { agent_name: agent, total_agents: total } = named.data
    if (typeof total === 'number') agents = total
    if (named.type === 'agent_completed') done += 1
    // The end is a step of its own, so that nothing rises above the whole.
    if (named.type === 'execution_completed' || named.type === 'execution_failed') done = agents + 1
    log(named)
    progress(typeof agent === 'string' ? `${named.type}: ${agent}` : named.type)
  }
  const ticker = setInterval(() => {
    const named = names.describeProgress(Date.now())
    if (!named) return
    log(named)
    progress(named.type)
  }, TICK_MS)
  ticker.unref()
  const watcher: NonNullable<Call['watcher']> = {
    events: (events: readonly Event[]) => {
      for (const event of events) for (const named of names.translate(event)) tell(named)
    },
  }
  return {
    watcher,
    /** Resolves when everything is told. */
    close: async () => {
      clearInterval(ticker)
      await last
    },
  }
}
