import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { collect, providePaths, start } from './sqlite.fixture.ts'
import { openSqliteJournal } from './sqlite.ts'
import { checkSqliteFile } from './sqlite-check.ts'

const newPath = providePaths()

describe('several processes', () => {
  test('F09 eight of them make one new file at once and append: every record is there, none is busy', async () => {
    const path = newPath()
    const children = Array.from({ length: 8 }, (_, n) => start(path, n % 2 ? 'inbox/shared' : `run/${n}`, 60))
    for (const { lines, code } of await Promise.all(children.map((child) => child.ended))) {
      expect(lines.filter((line) => !line.startsWith('ack '))).toEqual([])
      expect(lines).toHaveLength(60)
      expect(code).toBe(0)
    }
    const { journal, blobs, close } = await openSqliteJournal({ path })
    expect(await collect(journal.read('inbox/shared'))).toHaveLength(240)
    for (const n of [0, 2, 4, 6]) expect(await collect(journal.read(`run/${n}`))).toHaveLength(60)
    expect((await blobs.get('6', hash('sha256', 'saltblob 60')))?.text).toBe('blob 60')
    await close()
    expect(await checkSqliteFile(path)).toEqual([])
  })

  test('F09 two that write the same stream never both win', async () => {
    const path = newPath()
    const both = await Promise.all([start(path, 'run/one', 40).ended, start(path, 'run/one', 40).ended])
    const acks = both.flatMap(({ lines }) => lines).filter((line) => line.startsWith('ack '))
    expect(new Set(acks.map((line) => line.split(' ')[1])).size).toBe(acks.length)
    const { journal, close } = await openSqliteJournal({ path })
    expect(await collect(journal.read('run/one'))).toHaveLength(acks.length)
    await close()
  })

  test('F01 kill -9 while appending: every acknowledged record and its blob are there', async () => {
    const path = newPath()
    let acknowledged = 0
    for (let kill = 0; kill < 5; kill++) {
      const child = start(path, 'inbox/killed', 100_000)
      await child.printed(20 + kill * 37)
      child.kill()
      const { lines } = await child.ended
      const { journal, blobs, close } = await openSqliteJournal({ path })
      const records = await collect(journal.read('inbox/killed'))
      acknowledged += lines.length
      expect(records.length).toBeGreaterThanOrEqual(acknowledged)
      // At most the one append under way was kept without having been acknowledged.
      expect(records.length).toBeLessThanOrEqual(acknowledged + 1)
      acknowledged = records.length
      const [, seq, n] = lines.at(-1)?.split(' ') ?? []
      expect(records[Number(seq) - 1]?.data).toMatchObject({ n: Number(n) })
      expect(await blobs.get('killed', hash('sha256', `saltblob ${n}`))).toBeDefined()
      await close()
    }
  })

  test('a follower sees the appends of another process', async () => {
    const path = newPath()
    const { journal, close } = await openSqliteJournal({ path })
    const seen = collect(journal.follow('run/far', 1, new AbortController().signal), 30)
    await start(path, 'run/far', 30).ended
    expect((await seen).map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
    await close()
  })

  test('a lock held for a while is waited for without blocking the event loop', async () => {
    const path = newPath()
    const { journal, close } = await openSqliteJournal({ path })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const count = setInterval(() => turns++, 5)
    setTimeout(() => other.exec('COMMIT'), 300)
    expect((await journal.append([{ stream: 'run/a', expected: 'new', records: [1] }])).ok).toBe(true)
    clearInterval(count)
    expect(turns).toBeGreaterThan(5)
    other.close()
    await close()
  })

  test('a lock held for ever ends as journal_busy', async () => {
    const path = newPath()
    const { journal, close } = await openSqliteJournal({ path, wait_ms: 60 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const append = (): Promise<unknown> => journal.append([{ stream: 'run/a', expected: 'new', records: [1] }])
    await expect(append()).rejects.toMatchObject({ code: 'journal_busy' })
    other.exec('ROLLBACK')
    expect(await append()).toMatchObject({ ok: true })
    other.close()
    await close()
  })
})

describe('a failing disk', () => {
  test.skipIf(!hasStrace())('F07 a failing sync ends in a code, never in a silent success', async () => {
    for (const when of [1, 3, 12, 20, 33]) {
      const path = newPath()
      const { lines, code } = await start(path, 'run/sync', 40, { failing_sync: when }).ended
      expect(lines.at(-1)).toBe('failed journal_failed')
      expect(code).toBe(1)
      const { journal, close } = await openSqliteJournal({ path })
      expect((await collect(journal.read('run/sync'))).length).toBeGreaterThanOrEqual(lines.length - 1)
      await close()
      expect(await checkSqliteFile(path)).toEqual([])
    }
  })

  test('F06 a full disk fails the append with a code and keeps what was acknowledged', async () => {
    const path = newPath()
    const { lines, code } = await start(path, 'run/full', 100_000, { file_limit_kib: 400 }).ended
    expect(lines.at(-1)).toBe('failed journal_failed')
    expect(code).toBe(1)
    const { journal, close } = await openSqliteJournal({ path })
    const records = await collect(journal.read('run/full'))
    expect(records.length).toBeGreaterThanOrEqual(lines.length - 1)
    expect((await journal.append([{ stream: 'run/full', expected: records.length, records: [1] }])).ok).toBe(true)
    await close()
  })
})

/** Can system calls be made to fail here? */
function hasStrace(): boolean {
  const inject = ['-f', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=1+', 'true']
  return spawnSync('strace', inject).status === 0
}
