import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { KeptAnswer } from '../events/kept-answer.ts'
import { AnswerCache } from './cache.ts'
import { edit, providePaths } from './sqlite.fixture.ts'

const newPath = providePaths()

function open(path = newPath(), { max_bytes = 64 * 1024 * 1024 } = {}) {
  const time = { now: 1000 }
  const cache = new AnswerCache({ path, max_bytes, clock: () => time.now, wait_ms: 200 })
  onTestFinished(() => cache.close())
  const keep = (answer: string, more: Partial<KeptAnswer> = {}) =>
    cache.keep({
      key: 'k',
      kind: 'model',
      answer,
      made: time.now,
      source: 'x/m',
      target: 't',
      run: 'r1',
      step: 'a',
      ...more,
    })
  const find = async (run: string, step = 'a', { key = 'k', since = 0 } = {}) =>
    (await cache.find({ key, since, run, step }))?.answer
  return { cache, path, time, keep, find }
}

test('an answer is given to other runs, with all that belongs to it', async () => {
  const { cache, keep, find } = open()
  expect(await find('r2')).toBeUndefined()
  await keep('yes', { labels: ['outside'], cost: 7 })
  expect(await cache.find({ key: 'k', since: 0, run: 'r2', step: 'b' })).toMatchObject({
    answer: 'yes',
    labels: ['outside'],
    cost: 7,
  })
  expect(await find('r2', 'b', { key: 'other' })).toBeUndefined()
})

test('several samples of one question are several answers: in one run each is given to one step', async () => {
  const { keep, find } = open()
  for (const step of ['a', 'b', 'c']) await keep(`from ${step}`, { step })
  expect(await find('r1', 'd')).toBeUndefined()
  expect(await find('r1', 'a')).toBe('from a')
  const given = [await find('r2', 'a'), await find('r2', 'b'), await find('r2', 'c')]
  expect(new Set(given).size).toBe(3)
  expect(await find('r2', 'd')).toBeUndefined()
  expect(await find('r2', 'b')).toBe(given[1])
})

test('a run that is over is forgotten, its answers stay', async () => {
  const { cache, keep, find } = open()
  await keep('one')
  await cache.forgetRun('r1')
  expect(await find('r1', 'b')).toBe('one')
})

test('the newest answer that is young enough serves', async () => {
  const { keep, find } = open()
  await keep('old', { made: 100 })
  await keep('new', { made: 200 })
  expect(await find('r2')).toBe('new')
  expect(await find('r3', 'a', { since: 200 })).toBe('new')
  expect(await find('r4', 'a', { since: 201 })).toBeUndefined()
})

test('the least recently used answers go first when the file is full; a far too large one is not kept', async () => {
  const max_bytes = 2 * 1024 * 1024
  const { cache, path, time, keep, find } = open(newPath(), { max_bytes })
  const bulk = 'x'.repeat(20_000)
  for (let n = 0; n < 300; n += 1) {
    time.now += 1
    await keep(bulk, { key: `key ${n}`, made: time.now })
    if (n > 20) await find(`reader ${n}`, 'a', { key: 'key 20' })
  }
  expect(await find('later', 'a', { key: 'key 20' })).toBe(bulk)
  expect(await find('later', 'a', { key: 'key 299' })).toBe(bulk)
  expect(await find('later', 'a', { key: 'key 30' })).toBeUndefined()
  await keep('x'.repeat(max_bytes / 4), { key: 'huge' })
  expect(await find('later', 'a', { key: 'huge' })).toBeUndefined()
  const [share] = await cache.describe()
  expect(share?.bytes).toBeLessThan(max_bytes)
  await cache.close()
  expect(statSync(path).size).toBeLessThan(max_bytes * 1.5)
})

test('it says what it holds and what it was good for; clear removes all of it, by age or by model', async () => {
  const { cache, path, keep, find } = open()
  await keep('SECOND THOUGHTS', { made: 10, cost: 5 })
  await keep('b', { key: 'l', made: 20, source: 'x/n' })
  await keep('c', { key: 's', made: 30, kind: 'script', source: 'm' })
  await find('r2')
  await find('r3')
  expect(await cache.describe()).toMatchObject([
    { kind: 'model', source: 'x/m', target: 't', answers: 1, hits: 2, saved: 10 },
    { hits: 0 },
    { hits: 0 },
  ])
  expect(await cache.clear({ model: 'nobody' })).toBe(0)
  expect(await cache.clear({ before: 15, model: 'x/m' })).toBe(1)
  expect(await cache.clear({ model: 'n' })).toBe(1)
  expect(await cache.clear({ model: 'm' })).toBe(0)
  expect(await cache.clear({ before: 30 })).toBe(0)
  expect(await cache.clear()).toBe(1)
  await cache.close()
  expect(readFileSync(path).includes('SECOND THOUGHTS')).toBe(false)
})

test('nobody else may read the file', async () => {
  const { path, keep } = open()
  await keep('a')
  expect(statSync(path).mode & 0o077).toBe(0)
})

test('F13 a file that is damaged is moved aside and a new one begun', async () => {
  const { path, cache, keep, find } = open()
  await keep('a')
  await cache.close()
  const whole = readFileSync(path)
  for (const broken of [
    Buffer.from('no database at all, '.repeat(400)),
    Buffer.concat([whole.subarray(0, 3000), Buffer.alloc(whole.length - 3000, 7)]),
  ]) {
    writeFileSync(path, broken)
    expect(await find('r2')).toBeUndefined()
    await keep('again')
    expect(await find('r3')).toBe('again')
    await cache.close()
  }
  expect(readdirSync(dirname(path)).filter((name) => name.includes('.damaged-')).length).toBeGreaterThan(0)
})

test('an answer that is not what was kept is not given', async () => {
  const { path, keep, find } = open()
  await keep('right')
  edit(path, `UPDATE answers SET data = replace(data, 'right', 'wrong')`)
  expect(await find('r2')).toBeUndefined()
})

test('a file of another program is left alone; no failure of the cache reaches a run', async () => {
  const path = newPath()
  mkdirSync(dirname(path), { recursive: true })
  edit(path, 'CREATE TABLE theirs (x)')
  const { cache, keep, find } = open(path)
  await keep('a')
  expect(await find('r2')).toBeUndefined()
  await expect(cache.describe()).rejects.toMatchObject({ code: 'cache_unusable' })
  const db = new DatabaseSync(path)
  expect(db.prepare('SELECT name FROM sqlite_schema').all()).toMatchObject([{ name: 'theirs' }])
  db.close()

  const folder = newPath()
  mkdirSync(folder, { recursive: true })
  const other = open(folder)
  await other.keep('a')
  expect(await other.find('r2')).toBeUndefined()
  await expect(other.cache.clear()).rejects.toMatchObject({ code: 'cache_unusable' })
})

test('a lock that is held too long is no answer, and no failure', async () => {
  const { path, keep, find } = open()
  await keep('a')
  const db = new DatabaseSync(path)
  db.exec('BEGIN EXCLUSIVE')
  expect(await find('r2')).toBeUndefined()
  db.exec('ROLLBACK')
  db.close()
  expect(await find('r2')).toBe('a')
})

test('F09 four processes share one new file', async () => {
  const path = newPath()
  const fixture = fileURLToPath(new URL('cache.fixture.ts', import.meta.url))
  const run = promisify(execFile)
  const done = await Promise.all(
    ['p0', 'p1', 'p2', 'p3'].map((name) => run(process.execPath, [fixture, path, name, '40'])),
  )
  expect(done.map(({ stdout }) => stdout.trim())).toEqual(['40', '40', '40', '40'])
  const { cache } = open(path)
  expect(await cache.describe()).toMatchObject([{ answers: 160, hits: 160 }])
})
