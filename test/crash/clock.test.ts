import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLEAN, Course, createTally } from './course.ts'
import { prepareVictims, type Shown, type Victims } from './victim.ts'

const DAY = 86_400_000
const full = Number(process.env.KILLS ?? 0) >= 50

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

test('F08 a wall clock that jumps a day either way: no timer early or late, time never goes back', {
  timeout: 120_000,
}, async () => {
  const tally = createTally()
  const seen = { timers: 0, early: 0, late: 0, back: 0 }
  for (const ms of [DAY, -DAY]) {
    for (const after of full ? [3, 10, 15, 25, 60, 90, 120] : [15]) {
      const folder = victims.newFolder()
      const path = join(folder, 'journal.db')
      const victim = { path, log: join(folder, 'touched.log'), workflow: 'waits', jump: { ms, after } } as const
      const { shown } = await victims.run(victim, { killAfter: 6_000 })
      const waits = waitsIn(shown)
      seen.timers += waits.length
      for (const { ms: waited, due } of waits) {
        // The victim tells the time of its lines, which follow the sync.
        if (waited < due - 50) seen.early += 1
        if (waited > due + 1_000) seen.late += 1
      }
      // A run that was waiting for ever is taken up by the next process, and comes to its end there.
      const course = new Course({ victims, workflow: 'waits', tally }, folder)
      const events = await course.finish()
      for (const [n, event] of events.entries()) if (event.at < (events[n - 1]?.at ?? 0)) seen.back += 1
    }
  }
  console.log(`F08 ${JSON.stringify({ ...seen, ...tally })}`)
  expect(seen).toMatchObject({ early: 0, late: 0, back: 0 })
  expect(tally).toMatchObject(CLEAN)
})

/** How long each step waited for its second attempt; one that never came waited for ever. */
function waitsIn(shown: readonly Shown[]): { readonly ms: number; readonly due: number }[] {
  return [0, 1, 2].map((n) => {
    const failed = shown.find(({ type, of }) => type === 'step-failed' && of === `wait-${n}`)?.mono ?? 0
    const again = shown.find(({ type, of }) => type === 'step-retried' && of === `wait-${n}`)?.mono ?? Infinity
    return { ms: again - failed, due: 300 + n * 100 }
  })
}
