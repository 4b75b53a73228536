import { expect, test } from 'vitest'
import { bundleForBrowser } from '../../scripts/check-browser.ts'
import { writeTree } from './tree.ts'

test('Node in a package or file that a pure room imports is found', async () => {
  const clean = writeTree({
    'events/a.ts': 'export const a = 1\n',
    'engine/b.ts': "export { a } from '../events/a.ts'\n",
  })
  expect(await bundleForBrowser(clean)).toContain('1')
  const dirty = writeTree({
    'engine/b.ts': "import { a } from '../journal/a.ts'\nexport const b = a\n",
    'journal/a.ts': "import { readFileSync } from 'node:fs'\nexport const a = readFileSync\n",
  })
  await expect(bundleForBrowser(dirty)).rejects.toThrow('node:fs')
})

test('tests of pure rooms are not bundled', async () => {
  const root = writeTree({ 'events/a.ts': 'export const a = 1\n', 'events/a.test.ts': "import 'node:fs'\n" })
  expect(await bundleForBrowser(root)).not.toContain('node:fs')
})
