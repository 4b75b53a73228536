/**
 * A process to be killed: drives the run `run-1` in the journal given, from its start or from wherever it stands.
 * Each effect leaves a line in a log when it touches its world; each event leaves a line on stdout after it is on disk.
 */
import { hash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import type { EffectOrder, EffectOutcome, Executor } from '../../src/engine/effect.ts'
import { OrcError } from '../../src/events/errors.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'
import { driveRun } from './drive.ts'
import { type Crash, createReach, guardExecutor, guardJournal } from './points.ts'
import { answerModel, createAskingPolicy, createSendExecutor } from './tools.ts'
import type { Workflow } from './workflows.ts'

export interface Victim {
  readonly path: string
  readonly log: string
  readonly workflow: Workflow
  readonly crash?: Crash
  /** Where the payment server listens. */
  readonly payments?: string
  /** ms by which the wall clock jumps once `after` events are shown. */
  readonly jump?: { readonly ms: number; readonly after: number }
}

const { path, log, workflow, crash, payments, jump } = JSON.parse(process.argv[2] ?? '{}') as Victim
const reach = createReach(crash)
let shown = 0
let skew = 0
if (jump) {
  // A jumping wall clock, as the whole process would see it; the monotonic one goes on.
  const now = Date.now
  Date.now = () => now() + skew
}

/** Notes what it was asked and answers; the first tries fail as the request says. */
const note = async (order: EffectOrder): Promise<EffectOutcome> => {
  const { fails, size } = order.request as { readonly fails?: number; readonly size?: number }
  appendFileSync(log, `${order.safety} ${order.key} ${process.pid}\n`)
  reach('touched')
  await new Promise((resolve) => setTimeout(resolve, 1 + (order.key.length % 4)))
  if (order.tries <= (fails ?? 0)) return { ok: false, code: 'flaky', message: 'not now', touched: 'yes', retry: true }
  if (order.step.startsWith('agent-')) return { ok: true, answer: answerModel(order.request) }
  return { ok: true, answer: `answer to ${order.key}${'.'.repeat(size ?? 0)}` }
}

const send = createSendExecutor(async (key) => {
  appendFileSync(log, `unsafe ${key} ${process.pid}\n`)
  reach('touched')
  await new Promise((resolve) => setTimeout(resolve, 1 + (key.length % 4)))
})

/** Asks the payment server; when the line breaks nobody knows whether it was paid. */
const pay = async (order: EffectOrder): Promise<EffectOutcome> => {
  try {
    const asked = fetch(`${payments}/pay`, { method: 'POST', body: order.idempotency_key })
    asked.catch(() => {})
    // Time enough for the request to leave, and sometimes for the deed.
    await new Promise((resolve) => setTimeout(resolve, 3))
    reach('touched')
    return { ok: true, answer: await (await asked).text() }
  } catch (error) {
    return {
      ok: false,
      code: 'line_broken',
      message: 'no answer',
      detail: String(error),
      touched: 'maybe',
      retry: false,
    }
  }
}

const guard = (kind: string, run: Executor['run']): Executor => guardExecutor({ kind, run }, reach)

try {
  const { journal, blobs, close } = await openSqliteJournal({ path })
  const end = await driveRun(
    { journal: guardJournal(journal, reach), blobs },
    {
      workflow,
      executors: {
        model: guard('model', note),
        script: guard('script', note),
        payment: guard('payment', pay),
        tool: guardExecutor(send, reach),
        steer: {
          kind: 'steer',
          run: async ({ request }) => ({ ok: true, answer: { messages: [], ...(request as object) } }),
        },
      },
      policy: createAskingPolicy((text) => hash('sha256', text)),
      watcher: {
        events: (events) => {
          const lines = events.map((event) => {
            const of = 'key' in event.data ? event.data.key : 'step' in event.data ? event.data.step : ''
            return `${event.seq} ${event.hash} ${performance.now().toFixed(1)} ${event.type} ${of}\n`
          })
          process.stdout.write(lines.join(''))
          shown += events.length
          if (jump && shown >= jump.after) skew = jump.ms
        },
      },
    },
  )
  process.stdout.write(`end ${end === 'held' ? 'held' : end.outcome}\n`)
  await close()
} catch (error) {
  process.stdout.write(`end ${error instanceof OrcError ? error.code : `broken ${String(error)}`}\n`)
  process.exitCode = 1
}
