import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OrcError } from '../events/errors.ts'
import { describeJournal } from './journal.contract.ts'
import { collect, edit, providePaths } from './sqlite.fixture.ts'
import { type OpenSqliteJournal, openSqliteJournal } from './sqlite.ts'
import { checkSqliteFile } from './sqlite-check.ts'

const newPath = providePaths()

describeJournal('the SQLite journal', async () => {
  const path = newPath()
  const opened = [await openSqliteJournal({ path })]
  const [first] = opened as [OpenSqliteJournal]
  return {
    ...first,
    another: async () => {
      const other = await openSqliteJournal({ path })
      opened.push(other)
      return other
    },
    close: async () => {
      for (const one of opened) await one.close()
    },
  }
})

describe('the file', () => {
  test('is opened again with everything in it; a blob without a later append is not kept', async () => {
    const path = newPath()
    const first = await openSqliteJournal({ path })
    first.blobs.put('a', 'kept', { salt: 's', text: 't' })
    await first.journal.append([{ stream: 'run/a', expected: 'new', records: [{ a: 1 }] }])
    first.blobs.put('a', 'dropped', { salt: 's', text: 't' })
    await first.close()
    const { journal, blobs, close } = await openSqliteJournal({ path })
    expect((await collect(journal.read('run/a'))).map(({ data }) => data)).toEqual([{ a: 1 }])
    expect(await blobs.get('a', 'kept')).toEqual({ salt: 's', text: 't' })
    expect(await blobs.get('a', 'dropped')).toBeUndefined()
    await close()
  })

  test('closing waits for appends under way, ends followers, and takes no more', async () => {
    const { journal, close } = await openSqliteJournal({ path: newPath() })
    const seen = collect(journal.follow('run/b', 1, new AbortController().signal))
    const answer = journal.append([{ stream: 'run/a', expected: 'new', records: [1] }])
    await close()
    await close()
    expect((await answer).ok).toBe(true)
    expect(await seen).toEqual([])
    await expect(journal.append([{ stream: 'run/a', expected: 1, records: [1] }])).rejects.toThrow('closed')
  })

  test('is for its owner alone, and so are the folder and the files beside it', async () => {
    const path = newPath()
    const { journal, close } = await openSqliteJournal({ path })
    await journal.append([{ stream: 'run/a', expected: 'new', records: [1] }])
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(join(path, '..'))) expect(statSync(join(path, '..', name)).mode & 0o777).toBe(0o600)
    await close()
  })

  test('forgets what is removed: neither the file nor its log holds the text any more', async () => {
    const path = newPath()
    const { journal, blobs, close } = await openSqliteJournal({ path })
    const records = Array.from({ length: 200 }, (_, n) => `record-secret ${n} ${'.'.repeat(500)}`)
    blobs.put('a', 'digest', { salt: 's', text: 'blob-secret' })
    await journal.append([{ stream: 'run/a', expected: 'new', records }])
    await journal.append([{ stream: 'run/b', expected: 'new', records: ['other'] }])
    await journal.remove('a')
    await close()
    const bytes = readFileSync(path)
    expect(bytes.includes('other')).toBe(true)
    expect(bytes.includes('secret')).toBe(false)
    expect(bytes.length).toBeLessThan(80_000)
  })

  test('of a newer version is refused and left as it is', async () => {
    const path = newPath()
    await (await openSqliteJournal({ path })).close()
    edit(path, 'PRAGMA user_version = 99')
    await expect(openSqliteJournal({ path })).rejects.toMatchObject({ code: 'journal_newer' })
    expect((await checkSqliteFile(path))[0]?.code).toBe('journal_newer')
  })

  test('that is something else is refused, named and left as it is', async () => {
    const path = newPath()
    mkdirSync(join(path, '..'))
    writeFileSync(path, 'not a database at all, but quite some text '.repeat(100))
    await expectRefused(path, 'journal_unreadable')
    rmSync(path)
    edit(path, 'CREATE TABLE theirs (a)')
    await expectRefused(path, 'journal_unreadable')
    rmSync(path)
    mkdirSync(path)
    await expectRefused(path, 'journal_failed')
  })

  test.skipIf(process.getuid?.() === 0)('F07 that may not be written is refused', async () => {
    const path = newPath()
    mkdirSync(join(path, '..'))
    chmodSync(join(path, '..'), 0o500)
    await expectRefused(path, 'journal_failed')
  })
})

async function expectRefused(path: string, code: string): Promise<void> {
  const error = await openSqliteJournal({ path }).catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(OrcError)
  const [problem] = (error as OrcError).problems
  expect(problem?.code).toBe(code)
  expect(problem?.message).toContain(path)
  expect(problem?.hint).toBeTruthy()
}
