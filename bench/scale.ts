/**
 * One run of 10^3 to 10^6 events through the real engine into the SQLite journal, then its verification, each in a process of
 * its own: what an event costs must not depend on how many there were before, and neither may the memory of the verification.
 */
import { join } from 'node:path'
import { createNodeWorld } from '../src/app/node-world.ts'
import { readEvent, readEvents, startRun, verifyRun } from '../src/engine/engine.ts'
import type { StepKind } from '../src/engine/step.ts'
import { takeLease } from '../src/journal/lease.ts'
import { openSqliteJournal } from '../src/journal/sqlite.ts'
import { inFolder, startNode } from './processes.ts'
import { type Measured, startClocks } from './work.ts'

/** Of a step: its start and end, and for each of its effects the intent, the answer and a note. */
const EFFECTS = 32
const EVENTS_PER_STEP = 2 + 3 * EFFECTS
/** Steps at once, so that their intents share commits. */
const AT_ONCE = 100

const busy: StepKind = {
  kind: 'busy',
  version: 1,
  run: async (step, _inputs, ctx) => {
    for (let n = 0; n < EFFECTS; n++) {
      const answer = await ctx.effect({ kind: 'echo', safety: 'idempotent', request: { step: step.id, n } })
      ctx.record('note-written', { n }, answer)
    }
    return { output: step.id }
  },
}

interface ScaleOrder {
  readonly what: 'write' | 'verify'
  readonly folder: string
  readonly events: number
}

async function write({ folder, events }: ScaleOrder): Promise<Measured> {
  const store = await openSqliteJournal({ path: join(folder, 'journal.db') })
  const world = createNodeWorld()
  const terms = { owner: { id: 'scale' }, ttl_ms: 60_000, clock: world.clock }
  const taken = await takeLease(store.journal, 'run-1', terms)
  if (!taken.ok) throw new Error('the lease is held')
  const steps = Array.from({ length: Math.ceil(events / EVENTS_PER_STEP) }, (_, i) => ({
    id: `s${i}`,
    kind: 'busy',
    spec: {},
  }))
  const echo = {
    kind: 'echo',
    run: async ({ request }: { request: unknown }) => ({ ok: true, answer: request }) as const,
  }
  const clocks = startClocks()
  const run = await startRun(
    { world, journal: store.journal, blobs: store.blobs, kinds: { busy }, executors: { echo: echo as never } },
    {
      run: 'run-1',
      graph: { name: 'scale', steps },
      input: null,
      seed: 'scale',
      run_key: 'scale',
      limits: { max_concurrent: AT_ONCE },
      target: { kind: 'graph', name: 'scale' },
      started_by: 'code',
    },
    taken.lease,
  )
  const end = await run.ended
  if (end.outcome !== 'finished' || end.status !== 'succeeded') throw new Error(JSON.stringify(end))
  const measured = clocks()
  await store.close()
  return measured
}

async function verify({ folder }: ScaleOrder): Promise<Measured> {
  const store = await openSqliteJournal({ path: join(folder, 'journal.db') })
  const clocks = startClocks()
  const verdict = await verifyRun(readEvents(store, 'run-1'), {
    world: createNodeWorld(),
    blobs: store.blobs,
    kinds: { busy },
    run: 'run-1',
    eventAt: (seq) => readEvent(store, 'run-1', seq),
  })
  if (!verdict.equal || !verdict.finished) throw new Error(JSON.stringify(verdict))
  const measured = clocks()
  await store.close()
  return { ...measured, events: verdict.events }
}

async function measure(order: ScaleOrder): Promise<Measured> {
  const { ended, lines } = startNode([import.meta.filename, JSON.stringify(order)])
  const code = await ended
  const last = lines.at(-1)
  if (code !== 0 || last === undefined) throw new Error(`${order.what} of ${order.events} events ended with ${code}`)
  return JSON.parse(last) as Measured
}

/** A Markdown table, one line a size. */
export async function measureScale(sizes: readonly number[]): Promise<string> {
  const lines = [
    '| events | write: CPU an event | wall an event | peak memory | verify: CPU an event | wall an event | peak memory |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ]
  for (const size of sizes) {
    process.stderr.write(`\r\u001b[Kscale: ${size.toLocaleString('en')} events`)
    const [written, verified] = await inFolder(async (folder) => {
      const first = await measure({ what: 'write', folder, events: size })
      return [first, await measure({ what: 'verify', folder, events: size })] as const
    })
    const { events = 1 } = verified
    const us = (ms = 0) => `${((ms * 1000) / events).toFixed(1)} us`
    const cells = [written, verified].flatMap(({ cpu_ms, wall_ms, memory_mb = 0 }) => [
      us(cpu_ms),
      us(wall_ms),
      `${memory_mb.toFixed(0)} MiB`,
    ])
    lines.push(`| ${[events.toLocaleString('en'), ...cells].join(' | ')} |`)
  }
  process.stderr.write('\r\u001b[K')
  return lines.join('\n')
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2] ?? '{}') as ScaleOrder
  process.stdout.write(`${JSON.stringify(await (order.what === 'write' ? write(order) : verify(order)))}\n`)
}
