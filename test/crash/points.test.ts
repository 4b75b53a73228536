import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLEAN, Course, createTally } from './course.ts'
import { CALLS, POINTS } from './points.ts'
import { prepareVictims, type Victims } from './victim.ts'
import { SMALL } from './workflows.ts'

/** Each point of each workflow, again and again through the run; the quick suite dies once at each. */
const full = Number(process.env.KILLS ?? 0) >= 50
const DEATHS = full ? 8 : 1
const workflows = full ? SMALL : (['unsafe'] as const)

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

test(`F02 kill -9 at each of ${POINTS.length} points of ${workflows.length} workflows`, {
  timeout: 600_000,
}, async () => {
  const tally = createTally()
  const counts: Record<string, number> = {}
  for (const point of POINTS) {
    counts[point] = 0
    for (const workflow of workflows) {
      const before = tally.kills
      const course = new Course({ victims, workflow, tally })
      // Some points are reached only by a run that was interrupted while it touched the world.
      if (/^(rest|resume)/.test(point)) await course.live({ crash: { point: 'touched', n: 2 } })
      const prelude = tally.kills - before
      for (let n = 1; n <= DEATHS; n++) if ((await course.live({ crash: { point, n } })) !== 'killed') break
      await course.finish()
      counts[point] += tally.kills - before - prelude
    }
  }
  console.log(`F02 kills at points: ${JSON.stringify(counts)}`)
  console.log(`F02 ${JSON.stringify(tally)}`)
  expect(tally).toMatchObject(CLEAN)
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([])
})

test('F02 kill -9 within a transaction: at the n-th write to the log, and at the n-th sync', {
  timeout: 600_000,
}, async (context) => {
  if (!hasStrace()) {
    console.warn('F02 SKIPPED: strace cannot make system calls kill here')
    context.skip()
  }
  const tally = createTally()
  const counts: Record<string, number> = {}
  for (const [point, syscall] of Object.entries(CALLS)) {
    counts[point] = 0
    for (const workflow of workflows) {
      for (const n of full ? [9, 14, 19, 27, 33] : [19]) {
        const before = tally.kills
        const course = new Course({ victims, workflow, tally })
        const when = point === 'append-unsynced' ? Math.ceil(n / 3) : n
        await course.live({
          violence: { strace: ['-e', `trace=${syscall}`, '-e', `inject=${syscall}:signal=KILL:when=${when}`] },
        })
        await course.finish()
        counts[point] += tally.kills - before
      }
    }
  }
  console.log(`F02 kills in transactions: ${JSON.stringify(counts)}`)
  console.log(`F02 ${JSON.stringify(tally)}`)
  expect(tally).toMatchObject(CLEAN)
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([])
})

function hasStrace(): boolean {
  const inject = ['-f', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=1+', 'true']
  return spawnSync('strace', inject).status === 0
}
