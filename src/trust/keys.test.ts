import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inTurn } from '../config/turns.ts'
import { isKey, KeyRing, makeKey, statusOfKey } from './keys.ts'

const place = () => join(mkdtempSync(join(tmpdir(), 'llm-orc-keys-')), 'data', 'keys.json')
const about = (name: string) => ({ name, scopes: ['read'], created: 1 })

async function add(ring: KeyRing, name: string): Promise<string> {
  const { key, record } = makeKey(about(name))
  await ring.change((records) => ({ records: [...records, record], result: undefined }))
  return key
}

test('S09 a key is found by all of it, and by nothing less', async () => {
  const ring = new KeyRing(place(), inTurn)
  expect(await ring.list()).toEqual([])
  const key = await add(ring, 'ann')
  expect(isKey(key)).toBe(true)
  expect(await ring.find(key)).toMatchObject({ name: 'ann' })
  for (const wrong of [
    '',
    key.slice(0, -1),
    `${key}x`,
    key.toUpperCase(),
    ` ${key}`,
    `${key.slice(0, -1)}~`,
    key.slice(4),
  ])
    expect(await ring.find(wrong), wrong).toBeUndefined()
})

test('S09 what is kept of it is a hash, in a file of the user alone', async () => {
  const file = place()
  const key = await add(new KeyRing(file, inTurn), 'ann')
  expect(readFileSync(file, 'utf8')).not.toContain(key.slice(-43))
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
})

test('no two keys are alike', () => {
  const keys = new Set(Array.from({ length: 1_000 }, () => makeKey(about('ann')).key))
  expect(keys.size).toBe(1_000)
})

test('it is good until it expires or is revoked', () => {
  const { record } = makeKey({ ...about('ann'), expires: 100 })
  expect(statusOfKey(record, 99)).toBe('live')
  expect(statusOfKey(record, 100)).toBe('expired')
  expect(statusOfKey({ ...record, revoked: 1 }, 99)).toBe('revoked')
})

test('S09 guesses take as long as each other, near or far', async () => {
  const ring = new KeyRing(place(), inTurn)
  const key = await add(ring, 'ann')
  const near = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
  const far = makeKey(about('x')).key
  const measure = async (guess: string) => {
    const since = performance.now()
    for (let index = 0; index < 2_000; index++) await ring.find(guess)
    return performance.now() - since
  }
  await measure(far)
  const ratios: number[] = []
  for (let round = 0; round < 5; round++) ratios.push((await measure(near)) / (await measure(far)))
  const middle = ratios.toSorted((a, b) => a - b)[2] as number
  expect(middle).toBeGreaterThan(0.3)
  expect(middle).toBeLessThan(3)
})

test('processes that change the keys at the same time lose nothing of each other', async () => {
  const file = place()
  const code = `
    const { inTurn } = await import(${JSON.stringify(join(import.meta.dirname, '../config/turns.ts'))})
    const { KeyRing, makeKey } = await import(${JSON.stringify(join(import.meta.dirname, 'keys.ts'))})
    const ring = new KeyRing(${JSON.stringify(file)}, inTurn)
    for (let n = 0; n < 10; n++) {
      const { record } = makeKey({ name: process.pid + '-' + n, scopes: [], created: 1 })
      await ring.change((records) => ({ records: [...records, record], result: undefined }))
    }`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  await Promise.all([run(), run(), run()])
  expect(await new KeyRing(file, inTurn).list()).toHaveLength(30)
})

test('a lock that a dead process left is taken over', async () => {
  const file = place()
  const ring = new KeyRing(file, inTurn)
  await add(ring, 'ann')
  const lock = join(dirname(file), '.keys.json.lock')
  writeFileSync(lock, '')
  utimesSync(lock, new Date(0), new Date(0))
  await add(ring, 'bob')
  expect((await new KeyRing(file, inTurn).list()).map(({ name }) => name)).toEqual(['ann', 'bob'])
})

test.each(['', 'null', '[]', '{"version":1}', '{"version":1,"keys":[{}]}', '{"version":9,"keys":[]}'])(
  'S30 a file that holds %j is no empty one',
  async (text) => {
    const file = place()
    await add(new KeyRing(file, inTurn), 'ann')
    writeFileSync(file, text)
    const ring = new KeyRing(file, inTurn)
    await expect(ring.list()).rejects.toMatchObject({ code: 'keys_unreadable' })
    await expect(ring.find('x')).rejects.toMatchObject({ code: 'keys_unreadable' })
    await expect(add(ring, 'bob')).rejects.toMatchObject({ code: 'keys_unreadable' })
    expect(readFileSync(file, 'utf8')).toBe(text)
  },
)
