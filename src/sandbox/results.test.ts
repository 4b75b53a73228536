import { once } from 'node:events'
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { collectResults, USUAL_RESULTS } from './results.ts'

describe.skipIf(process.platform !== 'linux')('results', () => {
  it('are regular files, and nothing else', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'llm-orc-outside-'))
    writeFileSync(join(outside, 'secret'), 'canary')
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-results-'))
    const at = (name: string) => join(folder, name)
    mkdirSync(at('deep/er'), { recursive: true })
    writeFileSync(at('deep/er/good.txt'), 'good')
    writeFileSync(at('empty'), '')
    symlinkSync(join(outside, 'secret'), at('link'))
    symlinkSync(outside, at('folder-link'))
    linkSync(join(outside, 'secret'), at('second-name'))
    const server = createServer().listen(at('socket'))
    await once(server, 'listening')
    writeFileSync(at('sparse'), '')
    truncateSync(at('sparse'), 5 * 1024 ** 3)
    const { files, refused } = await collectResults(folder)
    expect(files.map(({ path, bytes }) => [path, bytes.toString()])).toEqual([
      ['deep/er/good.txt', 'good'],
      ['empty', ''],
    ])
    expect(Object.fromEntries(refused.map(({ path, reason }) => [path, reason]))).toEqual({
      'folder-link': 'is a link',
      link: 'is a link',
      'second-name': 'has another name elsewhere',
      socket: 'is no regular file',
      sparse: 'is larger than 16777216 bytes',
    })
    server.close()
  })

  it('are few, small and not deep', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-results-'))
    for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, name), '12345')
    mkdirSync(join(folder, 'e/f'), { recursive: true })
    const limits = { ...USUAL_RESULTS, files: 3, total_bytes: 12, depth: 1 }
    const { files, refused } = await collectResults(folder, limits)
    expect(files.map(({ path }) => path)).toEqual(['a', 'b'])
    expect(refused.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'c is more than may be taken together',
      'd is more than may be taken together',
      'e/f too deep',
    ])
    expect((await collectResults(folder, { ...USUAL_RESULTS, files: 3 })).refused).toContainEqual({
      path: 'd',
      reason: 'is one file too many',
    })
  })

  it('a folder that is a link is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-results-'))
    symlinkSync('/etc', join(folder, 'out'))
    await expect(collectResults(join(folder, 'out'))).rejects.toThrow()
  })
})
