import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { writeBundle } from '../../src/journal/bundle.ts'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { type Recording, recordings } from '../golden/recordings.ts'
import { listGolden } from '../golden/releases.ts'
import { verifyBundle } from '../golden/verify-bundle.ts'
import { drains } from './drains.ts'

const root = join(import.meta.dirname, '..', '..')
const nodes: { readonly [version: string]: string } = {
  24: process.execPath,
  26: join(root, 'node_modules', 'node26', 'bin', 'node'),
}

type Line = { run: string; node: string; drain: string; head: string; equal?: boolean; taken?: string[] }

async function runWorker(version: string, ...words: readonly string[]): Promise<Line[]> {
  const script = join(import.meta.dirname, 'worker.ts')
  const { stdout } = await promisify(execFile)(nodes[version] as string, [script, ...words])
  const lines = stdout.trimEnd().split('\n')
  const parsed = lines.map((line) => JSON.parse(line) as Line)
  for (const line of parsed) expect(line.node).toMatch(`v${version}.`)
  return parsed
}

const heads = (lines: readonly Pick<Line, 'run' | 'head'>[]) =>
  Object.fromEntries(lines.map(({ run, head }) => [run, head]))

describe('a journal comes out the same on another Node, with another drain', () => {
  test.each([
    { from: '24', drain: 'immediate', to: '26', others: ['message', 'timer', 'long'] },
    { from: '26', drain: 'immediate', to: '24', others: ['message', 'timer', 'long'] },
    { from: '24', drain: 'message', to: '26', others: ['immediate'] },
    { from: '26', drain: 'timer', to: '24', others: ['immediate'] },
  ])('recorded on Node $from ($drain), verified on Node $to ($others)', async ({ from, drain, to, others }) => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-nodes-'))
    const recorded = await runWorker(from, 'record', folder, drain)
    expect(recorded).toHaveLength(readdirSync(folder).length)
    const verified = await runWorker(to, 'verify', folder, ...others)
    expect(verified).toHaveLength(recorded.length * others.length)
    expect(verified.filter((line) => !line.equal || line.taken?.length !== 0)).toEqual([])
    for (const other of others) expect(heads(verified.filter((line) => line.drain === other))).toEqual(heads(recorded))
  })

  test('the golden journals verify on Node 26', async () => {
    const golden = listGolden()
    for (const release of new Set(golden.map((one) => one.release))) {
      const folder = join(root, 'test', 'golden', release)
      const written = golden.filter((one) => one.release === release).map(({ name, head }) => ({ run: name, head }))
      const verified = await runWorker('26', 'verify', folder, 'immediate')
      expect(verified.filter((line) => !line.equal)).toEqual([])
      expect(heads(verified)).toEqual(heads(written))
    }
  })

  test('these runs tell: one that was recorded with a drain that is not full does not come out', async () => {
    const few = async () => {
      for (let i = 0; i < 3; i++) await undefined
    }
    const record = recordings['burst'] as Recording
    let text = ''
    for await (const line of writeBundle(await record(few), nodeTools)) text += line
    const means = {
      ...nodeTools,
      drain: drains['immediate'] as () => Promise<void>,
      wait: (ms: number) => setTimeout(ms),
    }
    const verdict = await verifyBundle(new TextEncoder().encode(text), means)
    expect(verdict).toMatchObject({ equal: false, code: 'content' })
  })
})
