import { hash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OrcError } from '../events/errors.ts'
import type { Entry, Journal, StoredRecord } from './journal.ts'
import { collect, edit, providePaths, start } from './sqlite.fixture.ts'
import { openSqliteJournal } from './sqlite.ts'
import { checkSqliteFile } from './sqlite-check.ts'

const newPath = providePaths()

describe('damage', () => {
  test('F05 a record that cannot be parsed and a gap are loud and name stream and number', async () => {
    const path = newPath()
    const { journal, close } = await openSqliteJournal({ path })
    for (const run of ['a', 'b', 'c', 'd'])
      await journal.append([{ stream: `run/${run}`, expected: 'new', records: [1, 2, 3, 4, 5] }])
    await close()
    const of = (run: string): string => `stream = (SELECT id FROM streams WHERE name = 'run/${run}')`
    edit(path, `UPDATE records SET data = '{"cut' WHERE seq = 3 AND ${of('a')}`)
    edit(path, `DELETE FROM records WHERE seq IN (2, 3) AND ${of('b')}`)
    edit(path, `DELETE FROM records WHERE seq >= 4 AND ${of('c')}`)
    const again = await openSqliteJournal({ path })
    const fails = async (run: string, seq: number, good: number): Promise<void> => {
      const seen: StoredRecord[] = []
      const reading = (async () => {
        for await (const record of again.journal.read(`run/${run}`)) seen.push(record)
      })()
      await expect(reading).rejects.toMatchObject({
        code: 'journal_damaged',
        message: expect.stringContaining(`Record ${seq} of run/${run}`),
      })
      expect(seen).toHaveLength(good)
    }
    await fails('a', 3, 2)
    await fails('b', 2, 1)
    await fails('c', 4, 3)
    expect(await collect(again.journal.read('run/d'))).toHaveLength(5)
    await again.close()
    expect((await checkSqliteFile(path)).map(({ code, message }) => [code, message])).toEqual([
      ['journal_damaged', 'Record 3 of run/a cannot be parsed.'],
      ['journal_damaged', 'Records 2 to 3 of run/b are missing.'],
      ['journal_damaged', 'Records 4 to 5 of run/c are missing.'],
    ])
  })

  test('the check finds blobs that do not match their digest or are missing, and finds nothing in a sound file', async () => {
    const path = newPath()
    const { journal, blobs, close } = await openSqliteJournal({ path })
    for (const text of ['one', 'two ä', 'three']) blobs.put('a', hash('sha256', `salt${text}`), { salt: 'salt', text })
    await journal.append([{ stream: 'run/a', expected: 'new', records: [1] }])
    expect(await checkSqliteFile(path)).toEqual([])
    await close()
    expect(await checkSqliteFile(path)).toEqual([])
    edit(path, `UPDATE blobs SET text = 'changed' WHERE text = 'one'; DELETE FROM blobs WHERE text = 'three'`)
    expect((await checkSqliteFile(path)).map(({ message }) => message)).toEqual([
      `The content of blob ${hash('sha256', 'saltone')} does not match its digest.`,
      `Blob ${hash('sha256', 'saltthree')} of run a is missing.`,
    ])
  })

  test('F05 any flipped byte ends in data or in a code, never in a bare error of the database', async () => {
    const source = newPath()
    const { journal, close } = await openSqliteJournal({ path: source })
    for (let n = 0; n < 20; n++) await journal.append([{ stream: 'run/a', expected: n, records: [{ n, text: 'abc' }] }])
    await close()
    const sound = readFileSync(source)
    const path = newPath()
    mkdirSync(join(path, '..'))
    for (let offset = 0; offset < sound.length; offset += offset < 100 ? 3 : 151) {
      const bytes = Buffer.from(sound)
      bytes.writeUInt8(bytes.readUInt8(offset) ^ 0xff, offset)
      writeFileSync(path, bytes)
      const failure = await useJournal(path).catch((error: unknown) => error)
      if (failure instanceof Error) expect(failure, `byte ${offset}`).toBeInstanceOf(OrcError)
      for (const name of readdirSync(join(path, '..'))) rmSync(join(path, '..', name))
    }
  })

  test('F04 a log cut anywhere gives a prefix of whole appends, and the next append is readable', async () => {
    const source = newPath()
    const child = start(source, 'run/torn', 100_000)
    await child.printed(30)
    child.kill()
    await child.ended
    const database = readFileSync(source)
    const log = readFileSync(`${source}-wal`)
    const path = newPath()
    mkdirSync(join(path, '..'))
    let longest = 0
    for (let cut = 0; cut <= log.length; cut += 4_567) {
      writeFileSync(path, database)
      writeFileSync(`${path}-wal`, log.subarray(0, cut))
      const count = await useJournal(path)
      expect(count).toBeGreaterThanOrEqual(longest)
      longest = count
      for (const name of readdirSync(join(path, '..'))) rmSync(join(path, '..', name))
    }
    expect(longest).toBeGreaterThan(10)
  })
})

/** Opens, reads all, appends one record, opens again, reads all; the number of records found first. */
async function useJournal(path: string): Promise<number> {
  let count = 0
  for (const round of [0, 1]) {
    const { journal, close } = await openSqliteJournal({ path })
    try {
      const [info] = await journal.list({ prefix: 'run/' })
      const stream = info?.stream ?? 'run/torn'
      const records = await collect(journal.read(stream))
      expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: records.length }, (_, n) => n + 1))
      if (round === 0) count = records.length
      else expect(records).toHaveLength(count + 1)
      if (round === 0) await appendOne(journal, { stream, expected: count, records: ['next'] })
    } finally {
      await close()
    }
  }
  return count
}

async function appendOne(journal: Journal, entry: Entry): Promise<void> {
  expect(await journal.append([entry])).toMatchObject({ ok: true })
}
