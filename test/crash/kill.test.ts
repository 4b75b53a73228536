import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { CLEAN } from './course.ts'
import { killUntil } from './kill.ts'
import { prepareVictims, type Victims } from './victim.ts'
import type { Workflow } from './workflows.ts'

const kills = Number(process.env.KILLS ?? 6)

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

const killAll = async (workflow: Workflow, count: number) => {
  const tally = await killUntil(count, { victims, workflow, random: createRandom(`kills of ${workflow}`) })
  console.log(`F01 ${workflow}: ${JSON.stringify(tally)}`)
  expect(tally).toMatchObject(CLEAN)
}
const timeout = 60_000 + kills * 3_000

test(
  `F01 ${kills} kills -9 of a 30-step run: nothing acknowledged is lost, no answered call is repeated, one end`,
  {
    timeout,
  },
  () => killAll('thirty', kills),
)

test(
  `F01 I8 ${Math.ceil(kills / 3)} kills with an unsafe script in the run: asked, never a repeat`,
  {
    timeout,
  },
  () => killAll('thirty-unsafe', Math.ceil(kills / 3)),
)
