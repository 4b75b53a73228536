/**
 * A process to be killed: drives the run `run-1` in the journal given, from its start or from wherever it stands.
 * Each effect leaves a line in a log when it touches its world; each event shown leaves a line on stdout, after it is on disk.
 */
import { appendFileSync } from 'node:fs'
import { createNodeWorld } from '../../src/app/node-world.ts'
import { describeOwner, isOwnerDead } from '../../src/app/owner.ts'
import type { Executor, Safety } from '../../src/engine/effect.ts'
import { resumeRun, startRun } from '../../src/engine/engine.ts'
import type { StepKind } from '../../src/engine/step.ts'
import type { EnginePorts } from '../../src/engine/world.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { takeLease } from '../../src/journal/lease.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'

const [path = '', log = '', unsafe = ''] = process.argv.slice(2)

const call: StepKind = {
  kind: 'call',
  version: 1,
  run: async (step, inputs, ctx) => {
    const safety = step.spec.safety as Safety
    const kind = safety === 'billable' ? 'model' : 'script'
    const before = inputs.dependencies.map((dependency) => dependency.output ?? dependency.status)
    return { output: await ctx.effect({ kind, safety, request: { of: step.id, before } }) }
  },
}

const touch = (kind: string): Executor => ({
  kind,
  run: async (order) => {
    appendFileSync(log, `${order.safety} ${order.key}\n`)
    await new Promise((resolve) => setTimeout(resolve, 1 + (order.key.length % 4)))
    return { ok: true, answer: `answer to ${order.key}` }
  },
})

/** Thirty steps: a fan-out, a chain and a join, model calls and idempotent scripts by turns; one unsafe script on request. */
function makeGraph(): { name: string; steps: GraphStep[] } {
  const steps: GraphStep[] = []
  const add = (id: string, after: string[], safety: Safety = steps.length % 3 === 2 ? 'idempotent' : 'billable') =>
    steps.push({ id, kind: 'call', spec: { safety }, after: after.map((step) => ({ step, on: 'always' })) })
  for (let i = 0; i < 10; i++) add(`fan-${i}`, [])
  for (let i = 0; i < 18; i++) add(`chain-${i}`, i === 0 ? ['fan-0'] : [`chain-${i - 1}`])
  add('deed', ['chain-4'], unsafe ? 'unsafe' : 'idempotent')
  add('join', [...Array.from({ length: 10 }, (_, i) => `fan-${i}`), 'chain-17', 'deed'])
  return { name: 'thirty', steps }
}

const { journal, blobs, close } = await openSqliteJournal({ path })
const ports: EnginePorts = {
  world: createNodeWorld(),
  journal,
  blobs,
  kinds: { call },
  executors: { model: touch('model'), script: touch('script') },
  watcher: { events: (events) => process.stdout.write(events.map((event) => `${event.seq} ${event.hash}\n`).join('')) },
}
const taken = await takeLease(journal, 'run-1', {
  owner: describeOwner(),
  ttl_ms: 15_000,
  clock: Date.now,
  isDead: isOwnerDead,
})
if (!taken.ok) throw new Error('the lease is held')
const { lease } = taken
let exists = false
for await (const _ of journal.read('run/run-1', 1, 1)) exists = true
const run = exists
  ? await resumeRun(ports, 'run-1', { lease })
  : await startRun(
      ports,
      {
        run: 'run-1',
        graph: makeGraph(),
        input: 'go',
        seed: 'crash',
        run_key: 'crash',
        target: { kind: 'graph', name: 'thirty' },
        started_by: 'code',
      },
      lease,
    )
if ('seq' in run) throw new Error(run.message)
const end = await run.ended
process.stdout.write(`end ${JSON.stringify(end)}\n`)
await close()
