import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { startRun } from '../../src/engine/engine.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { Need } from '../../src/events/money.ts'
import { createRandom } from '../../src/events/random.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import { createRoom, eventsOf, type LawOptions, planOf, resumeFrom, runToEnd } from '../laws.ts'

const SCHEDULES = process.env.LAWS === 'full' ? 1_000 : 12
const CALLERS = 64

const need = (output_tokens: number, output_price: number): Need => ({
  input_tokens: 100,
  input_cost: Math.ceil(output_price / 10_000),
  output_tokens,
  least_output: 50,
  output_price,
})
const DEAR = need(900, 4_000_000)
const CHEAP = need(400, 1_000_000)

/** Asks the dear model, then the cheap one, each perhaps twice. */
async function callBoth(ctx: StepContext): Promise<string> {
  for (const model of [DEAR, CHEAP]) {
    try {
      await ctx.effect({ kind: 'model', safety: 'billable', request: { dear: model === DEAR }, need: model })
      return 'answered'
    } catch (error) {
      if (!(error instanceof StepFailure) || error.code === 'aborted') throw error
    }
  }
  return 'gave up'
}

const caller: StepKind = { kind: 'caller', version: 1, run: async (_, __, ctx) => ({ output: await callBoth(ctx) }) }

/** Bills the worst case of every try that reached it: all that was held, whatever came of it. */
function optionsOf(seed: string): LawOptions {
  const random = createRandom(seed)
  return {
    kinds: { caller },
    seed,
    plan: {
      limits: {
        max_cost: 5_000 + Math.floor(random() * 120_000),
        tries: 2,
        calls_per_step: 6,
        backoff_ms: 5,
        backoff_cap_ms: 20,
        ...(random() < 0.3 ? { max_concurrent: 8 } : {}),
      },
    },
    executors: (world) => ({
      model: {
        kind: 'model',
        run: async ({ request, output_tokens }, { signal }) => {
          const model = (request as { dear: boolean }).dear ? DEAR : CHEAP
          await world.sleep(1 + Math.floor(random() * 40))
          const output = output_tokens ?? model.output_tokens
          const bill = {
            cost: (model.input_cost ?? 0) + Math.ceil((output * (model.output_price ?? 0)) / 1_000_000),
            usage: { input: model.input_tokens, output },
          }
          const chance = random()
          if (signal.aborted) return { ok: false, code: 'aborted', message: 'm', touched: 'yes', retry: false, ...bill }
          if (chance < 0.2) return { ok: false, code: 'flaky', message: 'm', touched: 'maybe', retry: true, ...bill }
          if (chance < 0.25) return { ok: false, code: 'refused', message: 'm', touched: 'no', retry: false }
          // Of some streams nobody tells what they used.
          return { ok: true, answer: 'x', ...(chance < 0.4 ? {} : bill) }
        },
      },
    }),
  }
}

/** What the provider bills for a record: every try that began and may have reached it, at its worst. */
function billOf(events: readonly Event[]): number {
  const held = new Map<string, number>()
  let bill = 0
  for (const event of events) {
    if (event.type === 'effect-intended' && event.data.reserved) {
      // A try that was lost with its process has been billed, too.
      bill += held.get(event.data.key) ?? 0
      held.set(event.data.key, event.data.reserved.cost)
    }
    if (event.type !== 'effect-done' && event.type !== 'effect-failed') continue
    const untouched = event.type === 'effect-failed' && event.data.touched === 'no'
    bill += untouched ? 0 : (held.get(event.data.key) ?? 0)
    held.delete(event.data.key)
  }
  // Nobody ever heard of these again.
  for (const cost of held.values()) bill += cost
  return bill
}

function check(events: readonly Event[], limit: number): void {
  expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
  const settled = events.filter((event): event is EventOf<'budget-settled'> => event.type === 'budget-settled')
  const spent = settled.reduce((sum, { data }) => sum + data.amount.cost, 0)
  expect(billOf(events)).toBeLessThanOrEqual(limit)
  expect(spent).toBe(billOf(events))
}

test(`F2 I10 I11 F24: ${SCHEDULES} schedules of ${CALLERS} callers, killed, cancelled, repeated, falling back: never billed over the limit`, async () => {
  let kills = 0
  let cancels = 0
  for (let n = 0; n < SCHEDULES; n++) {
    const seed = `crowd of callers ${n}`
    const random = createRandom(`${seed} course`)
    const options = optionsOf(seed)
    const limit = options.plan?.limits?.max_cost as number
    const steps = Array.from({ length: CALLERS }, (_, at) => ({
      id: `s${at}`,
      kind: 'caller',
      spec: {},
      ...(random() < 0.1 ? { timeout_ms: 5 + Math.floor(random() * 60) } : {}),
      ...(random() < 0.2 ? { retry: { attempts: 2 } } : {}),
      ...(random() < 0.1 ? { budget: { max_cost: 3_000 } } : {}),
    }))
    const room = createRoom(options)
    const run = await startRun(room.ports, planOf({ name: 'crowd', steps }, options))
    if (random() < 0.25) {
      cancels += 1
      room.world.wake(room.world.clock() + Math.floor(random() * 80), () => run.cancel('enough'))
    }
    await runToEnd(run, room.world)
    const events = await eventsOf(room)
    check(events, limit)
    const cut = 2 + Math.floor(random() * (events.length - 3))
    kills += 1
    check(await resumeFrom(events, { cut, room, options: optionsOf(`${seed} after`) }), limit)
  }
  console.log(
    `    ${SCHEDULES} schedules, ${kills} kills, ${cancels} cancels: billed <= limit, ledger = sum of bills in all`,
  )
}, 900_000)
