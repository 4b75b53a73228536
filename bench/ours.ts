/** Ours, through the real path: agent steps, model executor, openai-compatible provider, engine, SQLite journal on disk. */
import { join } from 'node:path'
import { createNodeWorld } from '../src/app/node-world.ts'
import { describeOwner, isOwnerDead } from '../src/app/owner.ts'
import { createModelExecutor } from '../src/effects/model.ts'
import { type Run, type RunPlan, readEvents, resumeRun, startRun } from '../src/engine/engine.ts'
import type { StepKind } from '../src/engine/step.ts'
import type { EnginePorts, Watcher } from '../src/engine/world.ts'
import type { Event } from '../src/events/event.ts'
import type { AgentSpec } from '../src/graph/agent-spec.ts'
import type { GraphStep, StepGraph } from '../src/graph/step-graph.ts'
import { takeLease } from '../src/journal/lease.ts'
import { createMemoryJournal } from '../src/journal/memory.ts'
import { openSqliteJournal } from '../src/journal/sqlite.ts'
import { createOpenAICompatible } from '../src/providers/openai-compatible.ts'
import { agentStep } from '../src/steps/agent.ts'
import { clockMicros } from './server.ts'
import { checkNumbers, Delays, liveHeap, type Measured, numberIn, type Order, type Shape, startClocks } from './work.ts'

const order = JSON.parse(process.argv[2] ?? '{}') as Order

const path = join(order.folder, 'journal.db')
const store = order.durable ? await openSqliteJournal({ path }) : { ...createMemoryJournal(), close: async () => {} }
const world = createNodeWorld()
const provider = createOpenAICompatible({ name: 'bench', base_url: `${order.url}/v1`, connections: 1000 })
const noop: StepKind = { kind: 'noop', version: 1, run: async () => ({ output: null }) }

function portsWith(watcher: Watcher): EnginePorts {
  return {
    world,
    journal: store.journal,
    blobs: store.blobs,
    kinds: { agent: agentStep, noop },
    executors: {
      model: createModelExecutor({ provider: () => provider, clock: world.clock, wake: world.wake, cost: () => 0 }),
    },
    watcher,
  }
}

async function drive(id: string, graph: StepGraph, watcher: Watcher): Promise<Run> {
  const terms = { owner: describeOwner(), ttl_ms: 15_000, clock: Date.now, isDead: isOwnerDead }
  const taken = await takeLease(store.journal, id, terms)
  if (!taken.ok) throw new Error('the lease is held')
  const ports = portsWith(watcher)
  const { lease } = taken
  const plan: RunPlan = {
    run: id,
    graph,
    input: 'n=1',
    seed: 'bench',
    run_key: 'bench',
    target: { kind: 'graph', name: graph.name },
    started_by: 'code',
  }
  const run =
    order.resume && id === 'run-1' ? await resumeRun(ports, id, { lease }) : await startRun(ports, plan, lease)
  if ('seq' in run) throw new Error(run.message)
  return run
}

async function finish(run: Run): Promise<void> {
  const end = await run.ended
  if (end.outcome !== 'finished' || end.status !== 'succeeded') throw new Error(JSON.stringify(end))
}

function makeGraph({ layers, wide }: Shape, manner = order.manner): StepGraph {
  const steps: GraphStep[] = []
  for (let layer = 0; layer < layers; layer++) {
    const before = layer === 0 ? [] : Array.from({ length: wide }, (_, i) => `${layer - 1}.${i}`)
    for (let i = 0; i < wide; i++) {
      const spec = {
        agent: 'bench',
        title: 'bench',
        system: '',
        candidates: [{ provider: 'bench', model: 'bench', base_url: `${order.url}${manner}/v1` }],
        instruct: `n=${i}`,
        blocks: before.map((step) => ({ step, label: step })),
      } satisfies AgentSpec
      const after = before.map((step) => ({ step, on: 'always' as const }))
      steps.push({ id: `${layer}.${i}`, kind: 'agent', spec: spec as unknown as GraphStep['spec'], after })
    }
  }
  return { name: 'bench', steps }
}

/** The answers of the last layer, as the journal keeps them. */
class Outputs {
  readonly #last: string
  readonly #numbers: number[] = []

  constructor({ layers, wide }: Shape) {
    this.#last = `${layers - 1}.`
    this.#numbers.length = wide
  }

  take(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type !== 'step-finished' || !event.data.step.startsWith(this.#last)) continue
      this.#numbers[Number(event.data.step.slice(this.#last.length))] = numberIn(event.data.output.inline?.text)
    }
  }

  get numbers(): readonly number[] {
    return this.#numbers
  }
}

/** Loads what is loaded on first use, and opens a connection, as the limit does before its clock starts. */
async function warmUp(): Promise<void> {
  await finish(await drive('warm-up', makeGraph({ layers: 1, wide: 1 }, ''), {}))
}

async function runGraph(): Promise<void> {
  const outputs = new Outputs(order.shape)
  await finish(await drive('run-1', makeGraph(order.shape), { events: (events) => outputs.take(events) }))
  checkNumbers(order.shape, outputs.numbers)
}

async function measureGraph(): Promise<Measured> {
  await warmUp()
  const clocks = startClocks()
  await runGraph()
  const measured = clocks()
  return { ...measured, ms_per_step: (measured.wall_ms ?? 0) / (order.shape.layers * order.shape.wide) }
}

async function measureHeap(): Promise<Measured> {
  await warmUp()
  const before = liveHeap()
  const clocks = startClocks()
  const running = runGraph()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const kb_per_agent = (liveHeap() - before) / 1024 / order.shape.wide
  await running
  return { kb_per_agent, memory_mb: clocks().memory_mb ?? 0 }
}

async function measureStreams(): Promise<Measured> {
  const delays = new Delays(clockMicros)
  const outputs = new Outputs(order.shape)
  const clocks = startClocks()
  const watcher: Watcher = {
    events: (events) => outputs.take(events),
    delta: (_step, _attempt, { text }) => delays.take(text),
  }
  await finish(await drive('run-1', makeGraph(order.shape), watcher))
  const { wall_ms = 0, ...more } = clocks()
  checkNumbers(order.shape, outputs.numbers)
  return { wall_ms, us_per_chunk: (wall_ms * 1000) / delays.chunks, ...more, ...delays.measured() }
}

async function measureEngine(): Promise<Measured> {
  const steps = order.shape.wide
  const graph = {
    name: 'wide',
    steps: Array.from({ length: steps }, (_, i) => ({ id: `s${i}`, kind: 'noop', spec: {} })),
  }
  const clocks = startClocks()
  await finish(await drive('run-1', graph, {}))
  const measured = clocks()
  const us_per_step = ((measured.wall_ms ?? 0) * 1000) / steps
  const steps_per_cpu_s = (steps * 1000) / (measured.cpu_ms ?? 1)
  return { ...measured, us_per_step, steps_per_s: 1e6 / us_per_step, steps_per_cpu_s }
}

/** Tells of each answer once it is on disk. */
async function crash(): Promise<Measured> {
  const graph = makeGraph(order.shape)
  const outputs = new Outputs(order.shape)
  const events = (shown: readonly Event[]) => {
    outputs.take(shown)
    for (const event of shown) if (event.type === 'effect-done') process.stdout.write(`kept ${event.data.key}\n`)
  }
  const run = await drive('run-1', graph, { events })
  await finish(run)
  const all: Event[] = []
  for await (const event of readEvents(store, 'run-1')) all.push(event)
  outputs.take(all)
  checkNumbers(order.shape, outputs.numbers)
  return {}
}

function measure(): Promise<Measured> {
  switch (order.work.split('-')[0]) {
    case 'W2heap':
      return measureHeap()
    case 'W6':
    case 'W6flat':
      return measureStreams()
    case 'W7':
      return measureEngine()
    case 'W8':
    case 'W8fan':
      return crash()
    default:
      return measureGraph()
  }
}

process.stdout.write(`${JSON.stringify(await measure())}\n`)
await store.close()
// Idle connections would hold the process.
process.exit(0)
