import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Event } from '../events/event.ts'
import { hashEvent, NO_HASH } from '../events/hash.ts'
import { planned, SampleJournal } from '../events/views/sample-events.ts'
import { examineTail, quarantineTail } from './quarantine.ts'
import { collect, edit, providePaths } from './sqlite.fixture.ts'
import { openSqliteJournal } from './sqlite.ts'
import { checkSqliteFile } from './sqlite-check.ts'

const newPath = providePaths()
const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** A journal with one sound run of eight events. */
async function makeJournal(): Promise<string> {
  const path = newPath()
  const { journal, close } = await openSqliteJournal({ path })
  const steps = ['a', 'b'].map((id) => planned(id))
  const { events } = new SampleJournal().start(steps).begin('a').finish('a').begin('b').finish('b').end('succeeded')
  const records: Event[] = []
  for (const event of events) {
    const bare = JSON.parse(JSON.stringify(event, (key, value) => (key === 'inline' ? undefined : value)))
    const linked = { ...bare, prev: records.at(-1)?.hash ?? NO_HASH } as Event
    records.push({ ...linked, hash: hashEvent(linked, sha256) })
  }
  await journal.append([{ stream: 'run/a', expected: 'new', records }])
  await close()
  return path
}

describe('a torn end', () => {
  test.each([
    ['the last record cannot be parsed', `UPDATE records SET data = '{"cut' WHERE seq = 7`, 7, 1],
    ['the last two were altered', `UPDATE records SET data = replace(data, '"at":', '"at":1') WHERE seq >= 6`, 6, 2],
    [
      'the last is of another chain',
      `UPDATE records SET data = replace(data, '"prev":"', '"prev":"0') WHERE seq = 7`,
      7,
      1,
    ],
    ['the last are missing', 'DELETE FROM records WHERE seq >= 6', 6, 0],
  ])('I3: %s: it is moved into a file, and the run ends before it', async (_what, damage, from, records) => {
    const path = await makeJournal()
    edit(path, damage)
    expect(await examineTail(path, 'a', from)).toEqual({ from, records, sound: undefined })
    const to = join(path, '..', 'quarantine', 'a.jsonl')
    await quarantineTail(path, 'a', { from, to })
    const lines = readFileSync(to, 'utf8').split('\n').slice(0, -1)
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(Array.from({ length: records }, (_, n) => from + n))
    const { journal, close } = await openSqliteJournal({ path })
    expect(await collect(journal.read('run/a'))).toHaveLength(from - 1)
    expect(await journal.append([{ stream: 'run/a', expected: from - 1, records: ['next'] }])).toMatchObject({
      ok: true,
    })
    await close()
    expect(await checkSqliteFile(path)).toEqual([])
  })

  test('I3: damage in the middle is not cut off, for what follows is sound', async () => {
    const path = await makeJournal()
    edit(path, `UPDATE records SET data = replace(data, '"at":', '"at":1') WHERE seq = 4`)
    expect(await examineTail(path, 'a', 4)).toEqual({ from: 4, records: 4, sound: 5 })
    await expect(quarantineTail(path, 'a', { from: 4, to: join(path, '..', 'x.jsonl') })).rejects.toThrow('has changed')
    const { journal, close } = await openSqliteJournal({ path })
    expect(await collect(journal.read('run/a'))).toHaveLength(7)
    await close()
  })

  test('a file that is there is not written over, and then nothing is cut off', async () => {
    const path = await makeJournal()
    edit(path, `UPDATE records SET data = '{"cut' WHERE seq = 7`)
    await expect(quarantineTail(path, 'a', { from: 7, to: path })).rejects.toThrow('EEXIST')
    expect(await examineTail(path, 'a', 7)).toMatchObject({ records: 1 })
  })

  test('bytes that are no text are kept as they are', async () => {
    const path = await makeJournal()
    edit(path, `UPDATE records SET data = CAST(x'7bff00' AS TEXT) WHERE seq = 7`)
    const to = join(path, '..', 'a.jsonl')
    await quarantineTail(path, 'a', { from: 7, to })
    expect(JSON.parse(readFileSync(to, 'utf8'))).toMatchObject({ seq: 7, hex: '7BFF00' })
  })
})
