import { existsSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolvePermissions } from './permitted-paths.ts'

function makeProject(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'llm-orc-paths-')))
  mkdirSync(join(root, 'src/deep'), { recursive: true })
  for (const name of ['a.md', 'b.md', 'src/c.ts', 'src/deep/d.ts']) writeFileSync(join(root, name), name)
  symlinkSync('/etc', join(root, 'out'))
  return root
}

describe('resolvePermissions', () => {
  const root = makeProject()
  const at = (...names: string[]) => names.map((name) => join(root, name))

  it('makes folders and files of patterns', async () => {
    const resolve = async (read: string[], write: string[] = []) => {
      const paths = await resolvePermissions({ read, write }, root)
      return typeof paths === 'string' ? paths : { read: [...paths.read].sort(), write: [...paths.write].sort() }
    }
    expect(await resolve(['**'])).toEqual({ read: [root], write: [] })
    expect(await resolve(['.', 'src/**', 'a.md'])).toEqual({ read: [root], write: [] })
    expect(await resolve(['src/**/*', 'gone.md'])).toEqual({ read: at('src'), write: [] })
    expect(await resolve(['*.md'])).toEqual({ read: at('a.md', 'b.md'), write: [] })
    expect(await resolve(['src/**/*.ts'])).toEqual({ read: at('src/c.ts', 'src/deep/d.ts'), write: [] })
    expect(await resolve(['**'], ['src/**'])).toEqual({ read: [root], write: at('src') })
    expect(await resolve(['src/deep/**'], ['**'])).toEqual({ read: [], write: [root] })
    expect(await resolve([], [])).toEqual({ read: [], write: [] })
  })

  it('keeps a file of secrets that is named', async () => {
    writeFileSync(join(root, '.env'), 'KEY=1')
    expect(await resolvePermissions({ read: ['**', '.env'] }, root)).toEqual({ read: [root, ...at('.env')], write: [] })
  })

  it('makes a folder for results that is not there yet', async () => {
    expect(await resolvePermissions({ write: ['results/**'] }, root)).toEqual({ read: [], write: at('results') })
    expect(existsSync(join(root, 'results'))).toBe(true)
  })

  it('goes out of the folder only by absolute names', async () => {
    const refused = async (read: string[], write: string[] = []) =>
      typeof (await resolvePermissions({ read, write }, root))
    expect(await refused(['../x'])).toBe('string')
    expect(await refused(['out/**'])).toBe('string')
    expect(await refused([], ['*.md'])).toBe('string')
    expect(await refused([], ['gone.md'])).toBe('string')
    expect(await refused(['!src'])).toBe('string')
    expect(await resolvePermissions({ read: [`${tmpdir()}/**`] }, root)).toEqual({
      read: [realpathSync(tmpdir())],
      write: [],
    })
  })

  it('links that match are no part of it', async () => {
    expect(await resolvePermissions({ read: ['o*'] }, root)).toEqual({ read: [], write: [] })
  })
})
