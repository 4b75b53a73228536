import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkSqliteFile } from '../../src/journal/sqlite-check.ts'
import { CLEAN, Course, createTally } from './course.ts'
import { prepareVictims, type Victims } from './victim.ts'

const full = Number(process.env.KILLS ?? 0) >= 50

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

const command = (...words: readonly string[]): boolean => spawnSync(words[0] as string, words.slice(1)).status === 0

test('F06 a full disk of 1 MiB stops the run with a code; with space again it goes on to its end', {
  timeout: 300_000,
}, async (context) => {
  const tally = createTally()
  const rounds = full ? 20 : 2
  let stopped = 0
  let damaged = 0
  for (let round = 0; round < rounds; round++) {
    const folder = victims.newFolder()
    if (!command('mount', '-t', 'tmpfs', '-o', `size=${1024 + round * 4}k`, 'tmpfs', folder)) {
      console.warn('F06 SKIPPED: a small file system cannot be mounted here')
      return context.skip()
    }
    try {
      const course = new Course({ victims, workflow: 'heavy', tally }, folder)
      if ((await course.live()) === 'journal_failed') stopped += 1
      command('mount', '-o', 'remount,size=16m', folder)
      await course.finish()
      damaged += (await checkSqliteFile(course.path)).length
    } finally {
      command('umount', '-l', folder)
    }
  }
  console.log(`F06 ${rounds} full disks: ${JSON.stringify({ stopped, damaged, ...tally })}`)
  expect({ stopped, damaged }).toEqual({ stopped: rounds, damaged: 0 })
  expect(tally).toMatchObject(CLEAN)
})

test('F07 the disk reports errors from the n-th sync or write on: a code, never a silent success', {
  timeout: 300_000,
}, async (context) => {
  const probe = ['-f', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=1+', 'true']
  if (!command('strace', ...probe)) {
    console.warn('F07 SKIPPED: strace cannot make system calls fail here')
    return context.skip()
  }
  const tally = createTally()
  const ends: Record<string, number> = {}
  let silent = 0
  let damaged = 0
  const failures = { 'fsync,fdatasync': 'EIO', pwrite64: 'EIO', 'pwrite64 ': 'ENOSPC' }
  for (const [calls, error] of Object.entries(failures)) {
    const syscall = calls.trim()
    for (const n of full ? Array.from({ length: 25 }, (_, i) => 2 * i + 1) : [7]) {
      const course = new Course({ victims, workflow: 'chain', tally })
      const inject = `inject=${syscall}:error=${error}:when=${n}+`
      const end = await course.live({ violence: { strace: ['-e', `trace=${syscall}`, '-e', inject] } })
      ends[end] = (ends[end] ?? 0) + 1
      if (end === 'broken' || end.startsWith('broken ')) silent += 1
      await course.finish()
      damaged += (await checkSqliteFile(course.path)).length
    }
  }
  console.log(`F07 ${JSON.stringify({ ends, silent, damaged, ...tally })}`)
  expect({ silent, damaged }).toEqual({ silent: 0, damaged: 0 })
  expect(ends.journal_failed).toBeGreaterThan(0)
  // What had been shown as written is there, also when the process said that the run had ended.
  expect(tally).toMatchObject(CLEAN)
})
