import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildTree } from '../src/surfaces/cli/build-tree.ts'
import { TREE } from '../src/surfaces/cli/quick.ts'
import { findStale, generateFiles } from './generate.ts'

const versions = { version: '1', engine: '1', format: 1 }

test('the generated files are current', async () => {
  expect(findStale(await generateFiles())).toEqual([])
})

test('a stale or missing file is named', () => {
  const empty = mkdtempSync(join(tmpdir(), 'llm-orc-generate-'))
  expect(findStale(new Map([['docs/cli.md', 'x']]), empty)).toEqual([
    { file: 'docs/cli.md', line: 1, message: 'is stale; run: npm run generate' },
  ])
})

test('every argument and option is described', () => {
  for (const { name, arguments: args, options } of TREE.commands) {
    for (const part of [...args, ...options]) {
      if (!('hidden' in part)) expect(part.description, `${name} ${part.field}`).not.toBe('')
    }
  }
})

test('the tree refuses spellings of what is not there', () => {
  expect(() => buildTree([], versions)).toThrow('there is no such operation')
})
