import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answerQuickly, TREE } from './quick.ts'

const helpOf = (name: string) => TREE.commands.find((command) => command.name === name)?.help

describe('questions about the program', () => {
  test.each([
    [[], TREE.help],
    [['--help'], TREE.help],
    [['help'], TREE.help],
    [['-q', '-h'], TREE.help],
    [['run', '--help'], helpOf('run')],
    [['help', 'invoke'], helpOf('run')],
    [['run', 'x', '-p', 'hello', '-h'], helpOf('run')],
    [['runs', 'list', '-h'], helpOf('runs list')],
    [['le', '--help'], helpOf('ensembles list')],
    [['runs'], TREE.groups.find(({ name }) => name === 'runs')?.help],
    [['sc', '--help'], TREE.groups.find(({ name }) => name === 'scripts')?.help],
    [['runs', 'help'], TREE.groups.find(({ name }) => name === 'runs')?.help],
    [['--version'], `${TREE.versions.version}\n`],
    [['runs', '-V'], `${TREE.versions.version}\n`],
  ])('%j is answered at once', (args, answer) => {
    expect(answer).toBeTruthy()
    expect(answerQuickly(args)).toBe(answer)
  })

  test('version in words and as JSON', () => {
    expect(answerQuickly(['version'])).toContain(`llm-orc ${TREE.versions.version}\n`)
    expect(JSON.parse(answerQuickly(['version', '--output', 'json']) ?? '')).toEqual({
      ...TREE.versions,
      node: process.versions.node,
    })
  })

  test.each([
    [['demo']],
    [['run', 'help']],
    [['run', 'x', '--', '--help']],
    [['run', 'version']],
    [['bogus', '--help']],
    [['runs', 'bogus', '--help']],
    [['version', '--bogus']],
    [['runs', '--bogus']],
  ])('%j is for the parser', (args) => {
    expect(answerQuickly(args)).toBeUndefined()
  })
})

test('every page is plain text that fits 100 columns', () => {
  for (const { help } of [TREE, ...TREE.groups, ...TREE.commands]) {
    for (const line of help.split('\n').filter((each) => !each.startsWith('Usage:')))
      expect(line.length).toBeLessThanOrEqual(100)
    expect(help).not.toMatch(/undefined|\[object/)
  }
})

test('help and version load nothing but themselves', () => {
  const list =
    'data:text/javascript,' +
    encodeURIComponent(`
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load: (url, context, next) => { seen.push(url); return next(url, context) } })
    process.on('exit', () => process.stderr.write(JSON.stringify({ seen, builtin: process.moduleLoadList.filter((name) => /sqlite|undici|child_process|worker_threads/.test(name)) })))
  `)
  const main = join(import.meta.dirname, '..', '..', 'main.ts')
  for (const words of [['--help'], ['version'], ['runs', 'list', '-h']]) {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', list, main, ...words], {
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(stdout).not.toBe('')
    const { seen, builtin } = JSON.parse(stderr) as { seen: string[]; builtin: string[] }
    const files = seen.filter((url) => url.startsWith('file:')).map((url) => url.slice(url.indexOf('/src/') + 5))
    expect(files.sort()).toEqual([
      'main.ts',
      'surfaces/cli/commands.generated.json',
      'surfaces/cli/quick.ts',
      'surfaces/cli/tree.ts',
    ])
    expect(builtin.filter((name) => name.includes('sqlite'))).toEqual([])
  }
})
