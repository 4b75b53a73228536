import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTurn } from './turns.ts'

test('changes of one file wait for each other, those of others do not; a failure stops nobody', async () => {
  const told: string[] = []
  const change = (file: string, name: string, ms: number) =>
    inTurn(file, async () => {
      await sleep(ms)
      told.push(name)
      if (name === 'bad') throw new Error(name)
      return name
    })
  const all = await Promise.allSettled([
    change('a', 'slow', 60),
    change('a', 'bad', 5),
    change('a', 'third', 0),
    change('b', 'other', 0),
  ])
  expect(told).toEqual(['other', 'slow', 'bad', 'third'])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
})
