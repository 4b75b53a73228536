import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { lockFile } from './file-lock.ts'
import { inTurn } from './turns.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-orc-turns-'))

test('changes of one file wait for each other, those of others do not; a failure stops nobody', async () => {
  const told: string[] = []
  const change = (file: string, name: string, ms: number) =>
    inTurn(join(folder, file), async () => {
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

test('two processes that change one file lose no change of each other', async () => {
  const file = join(folder, 'shared.yaml')
  writeFileSync(file, '# kept\nchains:\n  first: x\n')
  const edit = JSON.stringify(join(import.meta.dirname, 'edit-config.ts'))
  const code = `const { editConfig } = await import(${edit})
    for (let n = 0; n < 50; n += 1) await editConfig(${JSON.stringify(file)}, ['chains', process.argv[1] + n], 'x')`
  const write = (who: string) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, who])
  await Promise.all([write('a'), write('b')])
  const text = readFileSync(file, 'utf8')
  expect(text.match(/^ +[ab]\d+: x$/gm)).toHaveLength(100)
  expect(text).toContain('# kept')
  expect(readdirSync(folder).filter((name) => name.includes('shared'))).toEqual(['shared.yaml'])
})

test('where nothing can be written nobody waits for anybody', async () => {
  // Nobody can make a folder there, whoever they are.
  symlinkSync(join(folder, 'nowhere', 'else'), join(folder, 'gone'))
  const { promise, resolve } = Promise.withResolvers<string>()
  void inTurn(join(folder, 'gone', 'config.yaml'), async () => resolve('done'))
  expect(await Promise.race([promise, sleep(5_000, 'waits')])).toBe('done')
})

test('what a dead process held is taken over; of one that lives nothing is taken', async () => {
  const file = join(folder, 'left.yaml')
  const lock = join(folder, '.left.yaml.lock')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const change = () => inTurn(file, async () => 'done')
  const hold = (holder: object) => writeFileSync(lock, JSON.stringify({ host: hostname(), born: null, ...holder }))
  hold({ pid })
  expect(await change()).toBe('done')
  hold({ pid: process.pid, born: '1' })
  expect(await change()).toBe('done')
  // Nothing is known of other machines, but that nobody changes a file for so long.
  hold({ host: 'elsewhere', pid: 1 })
  utimesSync(lock, new Date(0), new Date(0))
  expect(await change()).toBe('done')
  hold({ pid: process.pid })
  const waiting = change()
  expect(await Promise.race([waiting, sleep(300, 'waits')])).toBe('waits')
  expect(readdirSync(folder)).toContain('.left.yaml.lock')
  spawnSync('rm', [lock])
  expect(await waiting).toBe('done')
})

test('many who find what a dead process held are let in one after the other', async () => {
  const file = join(folder, 'crowd.yaml')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const leave = () => {
    const told = JSON.stringify({ host: hostname(), pid, born: null })
    try {
      writeFileSync(join(folder, '.crowd.yaml.lock'), told, { flag: 'wx' })
    } catch {
      // Somebody is inside already.
    }
  }
  let [inside, most, left] = [0, 0, 10]
  const enter = async () => {
    const unlock = await lockFile(file)
    inside += 1
    most = Math.max(most, inside)
    await sleep(2)
    inside -= 1
    await unlock()
    if (left-- > 0) leave()
  }
  leave()
  await Promise.all(Array.from({ length: 30 }, enter))
  expect(most).toBe(1)
  expect(readdirSync(folder).filter((name) => name.includes('crowd'))).toEqual([])
})
