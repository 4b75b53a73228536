import { expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { killUntil } from './kill.ts'

const kills = Number(process.env.KILLS ?? 6)

test(`F01 ${kills} kills -9 of a 30-step run: nothing acknowledged is lost, no answered call is repeated, one end`, {
  timeout: 30_000 + kills * 3_000,
}, async () => {
  const report = await killUntil(kills, { unsafe: false, random: createRandom('kills') })
  console.log(`kills: ${JSON.stringify(report)}`)
  expect(report).toMatchObject({ lost: 0, repeated: 0, doubled: 0, endless: 0 })
})

test(`F01 I8 ${kills} kills with an unsafe script in the run: unknown, never a repeat`, {
  timeout: 30_000 + kills * 3_000,
}, async () => {
  const report = await killUntil(kills, { unsafe: true, random: createRandom('unsafe kills') })
  console.log(`kills: ${JSON.stringify(report)}`)
  expect(report).toMatchObject({ lost: 0, repeated: 0, doubled: 0, endless: 0 })
})
