import type { ModelTelemetry, TelemetryAnswer, TelemetryRequest } from '../events/routing.ts'
import { upcast } from '../events/upcast.ts'
import {
  type CallSample,
  HORIZON_MS,
  summariseCalls,
  type TelemetryState,
  telemetryView,
} from '../events/views/telemetry.ts'
import type { Journal } from '../journal/journal.ts'

/** The newest runs say enough, and looking at them is quick. */
const MOST_RUNS = 300
/** Of a run that is longer, only the newest events are read. */
const MOST_EVENTS = 20_000
/** Steps that start together look once. */
const FRESH_MS = 250

interface Seen {
  upTo: number
  readonly state: TelemetryState
}

export interface TelemetryPorts {
  readonly journal: Pick<Journal, 'list' | 'read'>
  clock(): number
  /** Whether calls to a model are refused at the moment. */
  isOpen?(provider: string, model: string): boolean
}

/** How models have done, from the user's own journals. Disposable: each event is read once in this process, however often it is asked. */
export class Telemetry {
  readonly #ports: TelemetryPorts
  readonly #runs = new Map<string, Seen>()
  #looked = Number.NEGATIVE_INFINITY
  #looking: Promise<void> = Promise.resolve()

  constructor(ports: TelemetryPorts) {
    this.#ports = ports
  }

  async tell({ models, capability }: TelemetryRequest): Promise<TelemetryAnswer> {
    this.#looking = this.#looking.catch(() => undefined).then(() => this.#look())
    await this.#looking
    const now = this.#ports.clock()
    const samples = this.#samplesOf(new Set(models))
    const told = models.map((model): [string, ModelTelemetry] => {
      const summary = summariseCalls(samples.get(model) ?? [], { now, capability })
      const slash = model.indexOf('/')
      const open = this.#ports.isOpen?.(model.slice(0, slash), model.slice(slash + 1))
      return [model, open ? { ...summary, open } : summary]
    })
    return { models: Object.fromEntries(told) }
  }

  #samplesOf(wanted: ReadonlySet<string>): ReadonlyMap<string, CallSample[]> {
    const found = new Map([...wanted].map((model) => [model, [] as CallSample[]]))
    for (const { state } of this.#runs.values())
      for (const sample of state.samples) found.get(`${sample.provider}/${sample.model}`)?.push(sample)
    return found
  }

  async #look(): Promise<void> {
    const { journal, clock } = this.#ports
    const now = clock()
    if (now - this.#looked < FRESH_MS) return
    const runs = await journal.list({ prefix: 'run/', limit: MOST_RUNS })
    const listed = new Set(runs.map(({ stream }) => stream))
    for (const stream of this.#runs.keys()) if (!listed.has(stream)) this.#runs.delete(stream)
    for (const { stream, last, updated } of runs) if (now - updated <= HORIZON_MS) await this.#readOn(stream, last)
    this.#looked = now
  }

  async #readOn(stream: string, last: number): Promise<void> {
    const seen = this.#runs.get(stream) ?? { upTo: Math.max(0, last - MOST_EVENTS), state: telemetryView.initial() }
    this.#runs.set(stream, seen)
    if (last <= seen.upTo) return
    try {
      for await (const { data } of this.#ports.journal.read(stream, seen.upTo + 1, last)) {
        const event = upcast(data)
        telemetryView.evolve(seen.state, event)
        seen.upTo = event.seq
      }
    } catch {
      // A damaged run is for `runs doctor`; what was read of it until then counts.
      seen.upTo = last
    }
  }
}

const known = new WeakMap<TelemetryPorts['journal'], Telemetry>()

/** One for each journal in this process. */
export function openTelemetry(ports: TelemetryPorts): Telemetry {
  let telemetry = known.get(ports.journal)
  if (!telemetry) known.set(ports.journal, (telemetry = new Telemetry(ports)))
  return telemetry
}
