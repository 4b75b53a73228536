import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLEAN, Course, createTally } from './course.ts'
import { prepareVictims, type Victims } from './victim.ts'

const rounds = Number(process.env.KILLS ?? 0) >= 50 ? 20 : 2

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

test(`F09 ${rounds} times four processes on one run: exactly one drives it, and none sees a busy file`, {
  timeout: 300_000,
}, async () => {
  const tally = createTally()
  const ends: Record<string, number> = {}
  let shared = 0
  for (let round = 0; round < rounds; round++) {
    const folder = victims.newFolder()
    const path = join(folder, 'journal.db')
    const log = join(folder, 'touched.log')
    const victim = { path, log, workflow: 'thirty-unsafe' } as const
    for (const { end } of await Promise.all([1, 2, 3, 4].map(() => victims.run(victim))))
      ends[end] = (ends[end] ?? 0) + 1
    const drivers = new Set(
      readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ')[2]),
    )
    if (drivers.size !== 1) shared += 1
    await new Course({ victims, workflow: 'thirty-unsafe', tally }, folder).finish()
  }
  console.log(`F09 ${rounds} runs, 4 processes each: ${JSON.stringify({ ends, shared, ...tally })}`)
  expect(Object.keys(ends).filter((end) => end !== 'finished' && end !== 'held')).toEqual([])
  expect(shared).toBe(0)
  expect(tally).toMatchObject(CLEAN)
})
