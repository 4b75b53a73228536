import { expect, test } from 'vitest'
import { createMemoryJournal } from './memory.ts'
import { Register } from './register.ts'

const openRegisters = (count: number) => {
  const { journal } = createMemoryJournal()
  return { journal, registers: Array.from({ length: count }, () => new Register<number>(journal, 'governor/key')) }
}

test('of two who change the same record one wins', async () => {
  const { registers } = openRegisters(2)
  const [one, two] = registers as [Register<number>, Register<number>]
  expect(await one.look()).toBeUndefined()
  expect(await two.look()).toBeUndefined()
  expect(await one.swap(1)).toBe(true)
  expect(await two.swap(2)).toBe(false)
  expect(await two.look()).toBe(1)
  expect(await two.swap(2)).toBe(true)
  expect(await one.swap(3)).toBe(false)
  expect(await one.look()).toBe(2)
})

test('no change is lost between many, over many streams', async () => {
  const { journal, registers } = openRegisters(5)
  await Promise.all(
    registers.map(async (register) => {
      for (let done = 0; done < 200; ) {
        const now = (await register.look()) ?? 0
        if (await register.swap(now + 1)) done += 1
      }
    }),
  )
  for (const register of registers) expect(await register.look()).toBe(1_000)
  const streams = await journal.list({ prefix: 'governor/' })
  expect(streams).toMatchObject([{ stream: 'governor/key/4', last: 1_000 - 3 * 256 }])
})

test('whoever slept while the stream was dropped finds the newest', async () => {
  const { registers } = openRegisters(2)
  const [awake, asleep] = registers as [Register<number>, Register<number>]
  await awake.swap(0)
  expect(await asleep.look()).toBe(0)
  for (let n = 1; n <= 600; n += 1) await awake.swap(n)
  expect(await asleep.swap(-1)).toBe(false)
  expect(await asleep.look()).toBe(600)
  expect(await asleep.swap(601)).toBe(true)
  expect(await awake.look()).toBe(601)
})

test('an old stream that was left behind is taken away', async () => {
  const { journal, registers } = openRegisters(1)
  await journal.append([{ stream: 'governor/key/1', expected: 'new', records: [1] }])
  await journal.append([{ stream: 'governor/key/2', expected: 'new', records: [2] }])
  expect(await registers[0]?.look()).toBe(2)
  expect(await journal.list({ prefix: 'governor/' })).toHaveLength(1)
})
