import { hash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { CLEAN, Course, createTally } from './course.ts'
import { type Payments, startPayments } from './payments.ts'
import { POINTS } from './points.ts'
import { prepareVictims, type Victims } from './victim.ts'
import { graphOf } from './workflows.ts'

const kills = Number(process.env.PAYMENT_KILLS ?? process.env.KILLS ?? 20)
/** A run that is to be tried in vain so often does not move. */
const LIVES = 80

let victims: Victims
let payments: Payments
beforeAll(async () => {
  victims = await prepareVictims()
  payments = await startPayments()
})
afterAll(() => {
  payments.stop()
  victims.remove()
})

test(`I8 ${kills} kills at every boundary and at random between a run and its payment server: each payment once, or asked`, {
  timeout: 60_000 + kills * 3_000,
}, async () => {
  const random = createRandom('payment kills')
  const tally = createTally()
  const seen = { payments: 0, doubtful: 0, repeatedCommits: 0, wrong: 0, silent: 0 }
  for (let turn = 0; tally.kills < kills; ) {
    const findOut = async ({ idempotency_key: key }: { idempotency_key: string }) =>
      ((await payments.ledger())[runKey(key)] ?? 0) > 0
    const run = `${tally.runs}`
    const runKey = (key: string): string => `${run} ${key}`
    const victim = { payments: `${payments.url}/${run}` }
    const course = new Course({ victims, workflow: 'payments', tally, victim, findOut })
    for (let life = 0; life < LIVES && tally.kills < kills; life++) {
      const crash = {
        point: POINTS[turn++ % POINTS.length] as (typeof POINTS)[number],
        n: 1 + Math.floor(random() * 4),
      }
      // Every boundary by turns, and between two of them any time.
      const how = turn % 3 === 0 ? { violence: { killAfter: random() * 60 } } : { crash }
      if ((await course.live(how)) === 'finished') break
    }
    const events = await course.finish()
    const ledger = await payments.ledger()
    for (const step of graphOf('payments').steps.filter(({ spec }) => spec.kind === 'payment')) {
      const key = `${step.id}/payment`
      const commits = ledger[runKey(hash('sha256', `run-1/${key}`))] ?? 0
      const of = events.filter((event) => 'key' in event.data && event.data.key === key)
      const intents = of.filter(({ type }) => type === 'effect-intended').length
      const denied = of.filter(({ type }) => type === 'effect-failed').length
      seen.payments += 1
      if (commits > 1) seen.repeatedCommits += 1
      // Each further intent follows the word of a person that the one before did not happen.
      if (intents > denied + 1) seen.silent += 1
      const done = of.some(({ type }) => type === 'effect-done')
      const doubtful = of.some((event) => event.type === 'effect-failed' && event.data.touched === 'maybe')
      // A broken line is written down as what it is: the payment may have been made.
      if (doubtful) seen.doubtful += 1
      else if (commits !== (done ? 1 : 0)) seen.wrong += 1
    }
  }
  console.log(`payments: ${JSON.stringify({ ...tally, ...seen })}`)
  expect(tally).toMatchObject(CLEAN)
  expect(seen).toMatchObject({ repeatedCommits: 0, silent: 0, wrong: 0 })
})
