// The package from TypeScript: a step kind and an effect of one's own, a journal in memory, and a proof that the record is complete.
//   node examples/code/median.ts        (with the pinned Node; outside of this project, import from 'llm-orchestrator')
import { randomUUID } from 'node:crypto'
import {
  createMemoryJournal,
  createNodeWorld,
  createReport,
  type EnginePorts,
  type Event,
  type Executor,
  readEvents,
  StepFailure,
  type StepGraph,
  type StepKind,
  startRun,
  verifyRun,
} from '../../src/index.ts'

/** A step is an ordinary async function that awaits nothing but `ctx`: so it can be resumed, replayed and cancelled. */
const median: StepKind = {
  kind: 'median',
  version: 1,
  async run(step, _inputs, ctx) {
    const count = Number(step.spec.count)
    if (!(count > 0)) throw new StepFailure('bad_input', 'count must be above 0')
    const ask = () => ctx.effect({ kind: 'thermometer', safety: 'pure', request: { room: step.spec.room ?? '' } })
    const readings = await Promise.all(Array.from({ length: count }, ask))
    return { output: readings.map(Number).sort((a, b) => a - b)[Math.floor(count / 2)] ?? null }
  },
}

/** Sees the steps it depends on, as every step does. */
const compare: StepKind = {
  kind: 'compare',
  version: 1,
  run: async (_step, { dependencies }) => {
    const [warmest] = dependencies.toSorted((a, b) => Number(b.output) - Number(a.output))
    return { output: `${warmest?.step} is warmest with ${String(warmest?.output)} °C` }
  },
}

/** The only code that touches the world. The engine surrounds it with intent, retry and record. */
let touched = 0
const thermometer: Executor = {
  kind: 'thermometer',
  run: async (order) => {
    touched += 1
    const { room } = order.request as { readonly room: string }
    const warmth = { attic: 26, cellar: 14 }[room]
    if (warmth === undefined)
      return { ok: false, code: 'not_found', message: `no room ${room}`, touched: 'no', retry: false }
    return { ok: true, answer: warmth + Math.round(Math.random() * 10) / 10 }
  },
}

const graph: StepGraph = {
  name: 'rooms',
  steps: [
    { id: 'attic', kind: 'median', spec: { room: 'attic', count: 3 } },
    { id: 'cellar', kind: 'median', spec: { room: 'cellar', count: 3 } },
    {
      id: 'warmest',
      kind: 'compare',
      spec: {},
      after: [
        { step: 'attic', on: 'success' },
        { step: 'cellar', on: 'success' },
      ],
    },
  ],
}

const kinds = { median, compare }
const ports: EnginePorts = { world: createNodeWorld(), ...createMemoryJournal(), kinds, executors: { thermometer } }
const run = await startRun(ports, {
  run: 'rooms-1',
  graph,
  input: null,
  seed: randomUUID(),
  run_key: randomUUID(),
  target: { kind: 'graph', name: graph.name },
  started_by: 'code',
})
await run.ended

const events: Event[] = []
for await (const event of readEvents(ports, run.id)) events.push(event)
const report = createReport(events, (value) => (value.inline ? JSON.parse(value.inline.text) : undefined))
for (const agent of report.agents) console.log(`${agent.name}: ${agent.status}, ${JSON.stringify(agent.output)}`)

const before = touched
const verdict = await verifyRun(events, { ...ports, eventAt: async (seq) => events[seq - 1] })
console.log(verdict.equal ? `equal: ${verdict.events} events come out the same` : verdict.message)
console.log(`thermometer: read ${before} times in the run, ${touched - before} times in the replay`)
