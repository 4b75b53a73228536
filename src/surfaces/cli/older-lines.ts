import type { Event } from '../../events/event.ts'
import { stringifyClean } from '../../events/views/clean.ts'
import { toExecution } from '../../events/views/execution.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { createStreamNames, type NamedEvent } from '../../events/views/stream-names.ts'

/** LLM Orchestra's JSON stream: one named event per line, the result last. */
export interface OlderLines {
  event(event: Event): void
  /** The last line, with outputs that were too long to stand in an event. */
  finish(report: RunReport): void
  stop(): void
}

const TICK_MS = 100

export function createOlderLines(write: (line: string) => void): OlderLines {
  const names = createStreamNames()
  const tell = (named: NamedEvent) => write(`${stringifyClean(named)}\n`)
  let end: NamedEvent | undefined
  const ticker = setInterval(() => {
    const tick = names.describeProgress(Date.now())
    if (tick) tell(tick)
  }, TICK_MS)
  ticker.unref()
  return {
    event: (event) => {
      for (const named of names.translate(event)) {
        if (named.type === 'execution_completed' || named.type === 'execution_failed') end = named
        else tell(named)
      }
    },
    finish: (report) => {
      const { ensemble, status, results, metadata } = toExecution(report)
      if (end?.type === 'execution_failed') tell(end)
      else
        tell({
          type: end?.type ?? 'execution_paused',
          data: { ensemble, ...end?.data, results: { ...results } as never, metadata, status },
        })
    },
    stop: () => clearInterval(ticker),
  }
}
