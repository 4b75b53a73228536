import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openProcess } from './open-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-orc-open-'))

async function openNode(code: string) {
  const ready = join(folder, `${Math.random()}`)
  const program = `${code}; require('fs').writeFileSync(${JSON.stringify(ready)}, '')`
  const opened = await openProcess({ program: process.execPath, args: ['-e', program], cwd: folder, env: {} })
  if (typeof opened === 'string') throw new Error(opened)
  opened.stdout.resume()
  opened.stderr.resume()
  await expect.poll(() => existsSync(ready), { timeout: 20_000 }).toBe(true)
  return opened
}

test('F25 a program at work is asked to end soon after its input was closed', async () => {
  const note = join(folder, 'late')
  // It would write this down if it were left in peace for long.
  const opened = await openNode(
    `process.stdin.resume().on('end', () => setTimeout(() => require('fs').writeFileSync(${JSON.stringify(note)}, ''), 800)); setInterval(() => {}, 1e6)`,
  )
  await opened.close()
  expect(await opened.ended).toEqual({ signal: 'SIGTERM' })
  expect(existsSync(note)).toBe(false)
})

test('one that ends by itself, or puts its things in order when asked, has the time for it', async () => {
  const polite = await openNode(`process.stdin.resume().on('end', () => process.exit(3))`)
  await polite.close()
  expect(await polite.ended).toEqual({ exit: 3 })
  const note = join(folder, 'order')
  const careful = await openNode(
    `process.on('SIGTERM', () => setTimeout(() => { require('fs').writeFileSync(${JSON.stringify(note)}, 'in order'); process.exit(4) }, 400)); setInterval(() => {}, 1e6)`,
  )
  await careful.close()
  expect(await careful.ended).toEqual({ exit: 4 })
  expect(readFileSync(note, 'utf8')).toBe('in order')
})
