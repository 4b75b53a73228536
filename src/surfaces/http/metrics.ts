import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { RunHost } from '../../app/run-host.ts'
import type { Event } from '../../events/event.ts'

type Labels = { readonly [name: string]: string }

/** Counters of this process since it began, and what it measures when it is asked. Nothing is read from the journal. */
export class Metrics {
  readonly #counters = new Map<string, Map<string, number>>()
  readonly #lag = monitorEventLoopDelay({ resolution: 20 })

  constructor() {
    this.#lag.enable()
  }

  /** Counts what runs do from now on. */
  attend(host: RunHost): () => void {
    return host.listen(undefined, {
      events: (_, events) => {
        for (const event of events) this.#countEvent(event)
      },
    })
  }

  add(name: string, amount: number, labels: Labels = {}): void {
    const series = this.#counters.get(name) ?? new Map<string, number>()
    this.#counters.set(name, series)
    const key = printLabels(labels)
    series.set(key, (series.get(key) ?? 0) + amount)
  }

  countRequest(method: string, status: number): void {
    this.add('llm_orc_http_requests_total', 1, { method, status: String(status) })
  }

  countClosed(why: string): void {
    this.add('llm_orc_streams_closed_total', 1, { reason: why })
  }

  /** The text format of Prometheus. */
  print(gauges: { readonly running: number; readonly streams: number }): string {
    const lines: string[] = []
    const gauge = (name: string, help: string, value: number) =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`)
    for (const [name, help] of Object.entries(COUNTERS)) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`)
      const series = this.#counters.get(name)
      if (!series) lines.push(`${name} 0`)
      else for (const [labels, value] of series) lines.push(`${name}${labels} ${value}`)
    }
    gauge('llm_orc_runs_running', 'Runs under way in this process.', gauges.running)
    gauge('llm_orc_streams_open', 'Open event streams and sockets.', gauges.streams)
    gauge(
      'llm_orc_event_loop_lag_seconds',
      'The 99th percentile of the delay of the event loop since the last scrape.',
      seconds(this.#lag.percentile(99)),
    )
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss())
    this.#lag.reset()
    return `${lines.join('\n')}\n`
  }

  close(): void {
    this.#lag.disable()
  }

  #countEvent(event: Event): void {
    switch (event.type) {
      case 'run-started':
      case 'run-forked':
        return this.add('llm_orc_runs_started_total', 1)
      case 'run-paused':
        return this.add('llm_orc_runs_rested_total', 1)
      case 'run-finished':
        return this.add('llm_orc_runs_finished_total', 1, { status: event.data.status })
      case 'effect-done':
        this.add('llm_orc_effects_total', 1, { outcome: 'done' })
        return this.#countUsage(event.data)
      case 'effect-failed':
        this.add('llm_orc_effects_total', 1, { outcome: 'failed' })
        return this.#countUsage(event.data)
    }
  }

  #countUsage(data: object): void {
    const { usage, cost } = data as {
      readonly usage?: { readonly input?: number; readonly output?: number }
      readonly cost?: number
    }
    if (usage?.input !== undefined) this.add('llm_orc_tokens_total', usage.input, { direction: 'input' })
    if (usage?.output !== undefined) this.add('llm_orc_tokens_total', usage.output, { direction: 'output' })
    if (cost !== undefined) this.add('llm_orc_cost_dollars_total', cost / 1e9)
  }
}

const COUNTERS: { readonly [name: string]: string } = {
  llm_orc_runs_started_total: 'Runs that began in this process.',
  llm_orc_runs_rested_total: 'Times a run came to rest because somebody is asked.',
  llm_orc_runs_finished_total: 'Runs that ended in this process, by status.',
  llm_orc_effects_total: 'Calls of models, tools and scripts, by outcome.',
  llm_orc_tokens_total: 'Tokens, by direction.',
  llm_orc_cost_dollars_total: 'What model calls cost, in dollars.',
  llm_orc_http_requests_total: 'Requests, by method and status.',
  llm_orc_streams_closed_total: 'Event streams and sockets that are over, by reason.',
}

function seconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0
}

function printLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, '_')}"`)
  return parts.length > 0 ? `{${parts.join(',')}}` : ''
}
