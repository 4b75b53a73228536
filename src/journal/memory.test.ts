import { expect, test } from 'vitest'
import { describeJournal } from './journal.contract.ts'
import { createMemoryJournal } from './memory.ts'

describeJournal('the memory journal', async () => {
  const store = createMemoryJournal()
  return { ...store, another: async () => store, close: async () => {} }
})

test('a range is found without scanning: reading one record of 100,000 costs what it costs of 10', async () => {
  const { journal } = createMemoryJournal()
  const records = Array.from({ length: 100_000 }, (_, n) => n)
  await journal.append([{ stream: 'run/long', expected: 'new', records }])
  await journal.append([{ stream: 'run/short', expected: 'new', records: records.slice(0, 10) }])
  const readOften = async (stream: string, seq: number): Promise<number> => {
    // Processor time: other programs would distort the wall clock.
    const begun = process.cpuUsage()
    for (let n = 0; n < 2_000; n++)
      for await (const record of journal.read(stream, seq, seq)) expect(record.seq).toBe(seq)
    const { user, system } = process.cpuUsage(begun)
    return user + system
  }
  await readOften('run/short', 10)
  expect(await readOften('run/long', 99_999)).toBeLessThan(10 * (await readOften('run/short', 10)))
})

test('records come back as they were given, with the time of the clock', async () => {
  const { journal } = createMemoryJournal(() => 42)
  const data = { a: 1 }
  await journal.append([{ stream: 'run/a', expected: 'new', records: [data] }])
  for await (const record of journal.read('run/a')) {
    expect(record.data).toBe(data)
    expect(record.at).toBe(42)
  }
})
