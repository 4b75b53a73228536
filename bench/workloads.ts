/** The work that is measured, and what is aimed at. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE, type Fake, inFolder, measureAlone, ROOT, type Side, startNode, startWorker } from './processes.ts'
import type { Measured, Order, Shape } from './work.ts'

/** One row of the table. `ratio`: ours as a multiple of the limit; `value`: ours alone. */
export interface Row {
  readonly metric: string
  readonly what: string
  readonly kind: 'ratio' | 'value'
  readonly unit: string
  readonly must?: number
  readonly stretch?: number
  /** The target is a lower bound. */
  readonly more_is_better?: true
}

export interface Workload {
  readonly id: string
  readonly rows: readonly Row[]
  measure(side: Side, with_: Means): Promise<Measured>
}

export interface Means {
  readonly fake: Fake
  /** Sizes of a smoke test: the numbers mean nothing. */
  readonly tiny: boolean
}

interface Alone {
  readonly work: string
  readonly shape: Shape
  readonly tiny: Shape
  readonly manner?: string
  /** Does the limit keep a synced line of each step? Ours always keeps a journal, unless `memory`. */
  readonly durable?: true
  readonly memory?: true
}

function alone({ work, shape, tiny, manner = '', durable, memory }: Alone) {
  return (side: Side, means: Means): Promise<Measured> => {
    const keeps = side === 'ours' ? memory !== true : durable === true
    return measureAlone(side, { work, url: means.fake.url, shape: means.tiny ? tiny : shape, manner, durable: keeps })
  }
}

const wall = (must: number, stretch: number): Row => ({
  metric: 'wall_ms',
  what: 'wall',
  kind: 'ratio',
  unit: 'ms',
  must,
  stretch,
})

/** Is there a built program? Its start is what users see; the sources start slower. */
export const PROGRAM = existsSync(join(ROOT, 'dist', 'main.js')) ? join('bin', 'llm-orc.js') : join('src', 'main.ts')

async function measureStart(side: Side, { fake }: Means): Promise<Measured> {
  return inFolder(async (folder) => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_STATE_HOME: folder,
      XDG_CACHE_HOME: CACHE,
      OPENAI_COMPATIBLE_BASE_URL: `${fake.url}/v1`,
    }
    const order: Order = {
      work: 'W5',
      url: fake.url,
      folder,
      shape: { layers: 1, wide: 1 },
      manner: '',
      durable: false,
    }
    const first =
      side === 'limit'
        ? [join('bench', 'limit.ts'), JSON.stringify(order)]
        : [PROGRAM, 'run', '-p', 'n=1', '--model', 'openai-compatible/bench', '--quiet']
    await fake.forget()
    const start = startNode(first, env)
    const code = await start.ended
    if (code !== 0) throw new Error(`the start of ${side} ended with ${code}`)
    const { first: at } = await fake.stats()
    const help = startNode(side === 'limit' ? ['-e', '0'] : [PROGRAM, '--help'], env)
    const began = performance.now()
    await help.ended
    return { first_ms: (at - start.began) / 1000, help_ms: performance.now() - began }
  })
}

/** Kills in the middle, starts again: time to the first new request, requests repeated, acknowledged answers lost. */
function measureCrash(work: string, sizes: { readonly shape: Shape; readonly tiny: Shape; readonly manner: string }) {
  return (side: Side, { fake, tiny }: Means): Promise<Measured> =>
    inFolder(async (folder) => {
      const shape = tiny ? sizes.tiny : sizes.shape
      const order: Order = { work, url: fake.url, folder, shape, manner: sizes.manner, durable: true }
      await fake.forget()
      const reached = fake.reaches(Math.floor((shape.layers * shape.wide) / 2))
      const before = startWorker(side, order)
      await reached
      before.child.kill('SIGKILL')
      await before.ended
      const { requests: asked } = await fake.stats()
      const kept = before.lines.filter((line) => line.startsWith('kept ')).length
      const after = startWorker(side, { ...order, resume: true })
      const code = await after.ended
      if (code !== 0) throw new Error(`${work} of ${side} ended with ${code}`)
      const stats = await fake.stats()
      // What was acknowledged need not be asked again; what is asked beyond the rest had been lost.
      const lost = Math.max(0, stats.requests - (shape.layers * shape.wide - kept))
      return {
        first_ms: (stats.first - after.began) / 1000,
        last_ms: (stats.last - after.began) / 1000,
        repeated: stats.repeated,
        in_flight: asked - kept,
        lost,
      }
    })
}

const crashRows: readonly Row[] = [
  { metric: 'first_ms', what: 'restart to the first new request', kind: 'ratio', unit: 'ms', must: 1.5, stretch: 1.2 },
  { metric: 'last_ms', what: 'restart to the last request', kind: 'ratio', unit: 'ms', must: 1.5, stretch: 1.2 },
  { metric: 'repeated', what: 'requests repeated', kind: 'value', unit: '' },
  { metric: 'lost', what: 'acknowledged answers lost', kind: 'value', unit: '', must: 0 },
]

/** Time of a step at the large size as a multiple of that at the small one. */
async function measureTwice(
  measure: (size: number) => Promise<Measured>,
  sizes: { small: number; large: number; metric: string },
): Promise<number> {
  const small = await measure(sizes.small)
  const large = await measure(sizes.large)
  return (large[sizes.metric] ?? 0) / (small[sizes.metric] ?? 1)
}

async function measureDurableChain(side: Side, means: Means): Promise<Measured> {
  const chain = (layers: number) => {
    const shape = { layers, wide: 1 }
    return alone({ work: 'W4', shape, tiny: shape, durable: true })(side, means)
  }
  const measured = await chain(means.tiny ? 5 : 200)
  const [small, large] = means.tiny ? [2, 5] : [50, 800]
  return { ...measured, flat: await measureTwice(chain, { small, large, metric: 'ms_per_step' }) }
}

function measureFunctions(durable: boolean) {
  return async (side: Side, means: Means): Promise<Measured> => {
    const steps = (wide: number) =>
      measureAlone(side, { work: 'W7', url: '', shape: { layers: 1, wide }, manner: '', durable })
    const measured = await steps(means.tiny ? 50 : 10_000)
    const [small, large] = means.tiny ? [20, 100] : [1_000, 100_000]
    return { ...measured, flat: await measureTwice(steps, { small, large, metric: 'us_per_step' }) }
  }
}

const functionRows = (must: number, stretch: number): readonly Row[] => [
  {
    metric: 'steps_per_s',
    what: 'steps per second at 10,000',
    kind: 'value',
    unit: '/s',
    must,
    stretch,
    more_is_better: true,
  },
  { metric: 'steps_per_cpu_s', what: 'steps per second of processor time', kind: 'value', unit: '/s' },
  { metric: 'wall_ms', what: 'wall beside a bare hash chain', kind: 'ratio', unit: 'ms' },
  { metric: 'flat', what: 'a step at 100,000 beside one at 1,000', kind: 'value', unit: 'x', must: 1.25 },
]

const small = { layers: 1, wide: 8 }

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    rows: [wall(1.8, 1.1)],
    measure: alone({ work: 'W1', shape: { layers: 200, wide: 1 }, tiny: { layers: 5, wide: 1 } }),
  },
  {
    id: 'W1memory',
    rows: [{ metric: 'wall_ms', what: 'wall, nothing synced', kind: 'ratio', unit: 'ms' }],
    measure: alone({ work: 'W1', shape: { layers: 200, wide: 1 }, tiny: { layers: 5, wide: 1 }, memory: true }),
  },
  {
    id: 'W2',
    rows: [wall(1.5, 1.05)],
    measure: alone({ work: 'W2', shape: { layers: 1, wide: 500 }, tiny: small, manner: '/latency/200' }),
  },
  {
    id: 'W2heap',
    rows: [
      {
        metric: 'kb_per_agent',
        what: 'live heap per waiting agent',
        kind: 'ratio',
        unit: 'KB',
        must: 2.5,
        stretch: 1.4,
      },
    ],
    measure: alone({ work: 'W2heap', shape: { layers: 1, wide: 500 }, tiny: small, manner: '/latency/3000' }),
  },
  {
    id: 'W3',
    rows: [wall(1.2, 1.05)],
    measure: alone({
      work: 'W3',
      shape: { layers: 10, wide: 50 },
      tiny: { layers: 3, wide: 4 },
      manner: '/latency/100',
    }),
  },
  {
    id: 'W3memory',
    rows: [{ metric: 'wall_ms', what: 'wall, nothing synced', kind: 'ratio', unit: 'ms' }],
    measure: alone({
      work: 'W3',
      shape: { layers: 10, wide: 50 },
      tiny: { layers: 3, wide: 4 },
      manner: '/latency/100',
      memory: true,
    }),
  },
  {
    id: 'W4',
    rows: [
      wall(1.8, 1.3),
      { metric: 'flat', what: 'a step at 800 beside one at 50', kind: 'value', unit: 'x', must: 1.1 },
    ],
    measure: measureDurableChain,
  },
  {
    id: 'W5',
    rows: [
      {
        metric: 'first_ms',
        what: 'process start to the first request',
        kind: 'ratio',
        unit: 'ms',
        must: 1.3,
        stretch: 0.8,
      },
      { metric: 'help_ms', what: '`--help` beside `node -e 0`', kind: 'ratio', unit: 'ms', must: 2, stretch: 1.4 },
    ],
    measure: measureStart,
  },
  {
    id: 'W6',
    rows: [
      { metric: 'p50_ms', what: 'delay of a chunk, p50', kind: 'ratio', unit: 'ms', must: 4, stretch: 2 },
      { metric: 'p99_ms', what: 'delay of a chunk, p99', kind: 'ratio', unit: 'ms', must: 4, stretch: 2 },
      { metric: 'cpu_ms', what: 'processor time', kind: 'ratio', unit: 'ms' },
    ],
    measure: alone({ work: 'W6', shape: { layers: 1, wide: 200 }, tiny: small, manner: '/chunks/200/gap/40' }),
  },
  {
    id: 'W6flat',
    rows: [wall(3, 2)],
    measure: alone({ work: 'W6flat', shape: { layers: 1, wide: 200 }, tiny: small, manner: '/chunks/200' }),
  },
  { id: 'W7', rows: functionRows(14_000, 50_000), measure: measureFunctions(false) },
  { id: 'W7durable', rows: functionRows(10_000, 20_000), measure: measureFunctions(true) },
  {
    id: 'W8',
    rows: crashRows,
    measure: measureCrash('W8', {
      shape: { layers: 100, wide: 1 },
      tiny: { layers: 8, wide: 1 },
      manner: '/latency/5',
    }),
  },
  {
    id: 'W8fan',
    rows: crashRows,
    measure: measureCrash('W8fan', { shape: { layers: 1, wide: 100 }, tiny: small, manner: '/spread/200' }),
  },
]
