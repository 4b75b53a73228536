// The package as a user gets it: packed, installed into an empty folder, started there. Needs `npm run build` and the package registry.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { listFiles } from '../../scripts/finding.ts'

const project = join(import.meta.dirname, '..', '..')
const room = mkdtempSync(join(tmpdir(), 'llm-orc-package-'))
const place = join(room, 'installed')
const installed = join(place, 'node_modules', 'llm-orchestrator')
const bin = join(installed, 'bin', 'llm-orc.js')

/** What a new user has: a home with nothing in it, and no keys. */
const bare = {
  HOME: join(room, 'home'),
  PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
  NO_COLOR: '1',
  LANG: 'C.UTF-8',
}

function runNpm(words: readonly string[], cwd: string): string {
  const npm = process.env.npm_execpath
  const [program, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  const { status, stdout, stderr } = spawnSync(program, [...first, ...words], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${words.join(' ')}: ${stderr}`)
  return stdout
}

function runProgram(program: string, words: readonly string[], cwd = join(room, 'empty')) {
  return spawnSync(program, words, { cwd, env: bare, encoding: 'utf8', input: '', timeout: 120_000 })
}

beforeAll(() => {
  for (const folder of [place, join(room, 'empty'), bare.HOME]) mkdirSync(folder)
  const [{ filename }] = JSON.parse(runNpm(['pack', '--json', '--pack-destination', room], project)) as [
    { filename: string },
  ]
  writeFileSync(join(place, 'package.json'), '{"private":true}\n')
  runNpm(['install', '--no-audit', '--no-fund', '--loglevel=error', join(room, filename)], place)
})

describe('what is in it', () => {
  test('the program, the types, the library and the pages; no sources, no tests', () => {
    const top = readdirSync(installed).filter((name) => name !== 'node_modules')
    expect(top.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'library',
      'package.json',
    ])
    const files = listFiles(installed, '')
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([])
  })

  test('nothing of the machine it was built on', () => {
    const text = listFiles(join(installed, 'dist'), '').map((file) =>
      readFileSync(join(installed, 'dist', file), 'utf8'),
    )
    expect(text.join('\n')).not.toContain(project)
  })
})

describe('the program', () => {
  test.each(['llm-orc', 'llm-orchestrator'])('%s --help and version', (name) => {
    const command = join(place, 'node_modules', '.bin', name)
    const help = runProgram(command, ['--help'])
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toContain('demo')
    const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
    const said = runProgram(command, ['version'])
    expect(said).toMatchObject({ status: 0, stderr: '' })
    expect(said.stdout).toContain(version)
  })

  test('demo works in an empty folder and leaves nothing there', () => {
    const demo = runProgram(join(place, 'node_modules', '.bin', 'llm-orc'), ['demo'])
    expect(demo.status, demo.stderr).toBe(0)
    expect(demo.stdout + demo.stderr).toContain('embedded')
    expect(readdirSync(join(room, 'empty'))).toEqual([])
  })

  test('an old Node is told what to install, exit 78', ({ skip }) => {
    const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path) && isOld(path))
    if (!old) return skip('this machine has no Node below 24.16')
    const told = runProgram(old, [bin, 'demo'])
    expect(told.status).toBe(78)
    expect(told.stdout).toBe('')
    expect(told.stderr).toContain('Node 24.16')
    expect(told.stderr).toContain('npm install node@24')
  })
})

describe('the start', () => {
  const bareNode = () => timeOf(['-e', '0'])

  test.each(['--help', 'version'])('%s takes at most twice as long as Node alone', (word) => {
    const times = Array.from({ length: 15 }, () => [timeOf([bin, word]), bareNode()] as const)
    const ratio = Math.min(...times.map(([ours]) => ours)) / Math.min(...times.map(([, node]) => node))
    expect(ratio).toBeLessThanOrEqual(2)
  })

  test.each(['--help', 'version'])('%s loads no provider, schema or database', (word) => {
    const hook = `import { registerHooks } from 'node:module'
registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) })`
    const { stderr } = runProgram(process.execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      bin,
      word,
    ])
    const urls = stderr.split('\n').filter((line) => /^(file|node):/.test(line))
    expect(urls).toContainEqual(expect.stringContaining('dist/main.js'))
    expect(urls).not.toContain('node:sqlite')
    const files = urls.filter((url) => url.startsWith('file:'))
    expect(files.filter((url) => url.slice(url.lastIndexOf('llm-orchestrator/')).includes('node_modules'))).toEqual([])
    const text = files.map((url) => readFileSync(fileURLToPath(url), 'utf8')).join('\n')
    expect(text).not.toMatch(/ZodObject|DatabaseSync|doStream/)
  })

  function timeOf(words: readonly string[]): number {
    const started = performance.now()
    runProgram(process.execPath, words)
    return performance.now() - started
  }
})

describe('the library', () => {
  test('its doors open from another package', () => {
    const file = join(place, 'use.mjs')
    writeFileSync(
      file,
      `import { createMemoryJournal, startRun, verifyRun } from 'llm-orchestrator'
console.log(typeof createMemoryJournal, typeof startRun, typeof verifyRun)\n`,
    )
    expect(runProgram(process.execPath, [file])).toMatchObject({ status: 0, stdout: 'function function function\n' })
  })

  test('its types are found, and are more than "any"', () => {
    const file = join(place, 'use.ts')
    writeFileSync(
      file,
      `import { createMemoryJournal, type RunLimits } from 'llm-orchestrator'
export const journal = createMemoryJournal()
// @ts-expect-error a text is no limit
export const limits: RunLimits = 'none'\n`,
    )
    const words = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck', file]
    const { status, stdout } = spawnSync(join(project, 'node_modules', '.bin', 'tsc'), words, {
      cwd: place,
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})

function isOld(node: string): boolean {
  const [major = 0, minor = 0] = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    .stdout.split('.')
    .map(Number)
  return major < 24 || (major === 24 && minor < 16)
}
