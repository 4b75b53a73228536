import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/events/errors.ts'
import { importInto, makeWorkshop } from './imports.ts'

const BROKEN: { readonly [format: string]: readonly (readonly [string, string, RegExp])[] } = {
  claude: [
    ['no-prompt.md', 'import_refused', /no prompt/],
    ['bad-head.md', 'yaml_invalid', /./],
    ['bomb.md', 'yaml_invalid', /alias/],
    ['no-head.md', 'import_unknown', /no format/],
    ['no-name.md', 'import_unknown', /no format/],
  ],
  crewai: [
    ['unknown-agent', 'import_refused', /"nobody", which does not exist/],
    ['tasks-only', 'import_refused', /agents of these tasks are missing/],
    ['later-context', 'import_refused', /"second", which comes after it/],
    ['twice.yaml', 'yaml_invalid', /stands twice/],
  ],
  cagent: [
    ['circle.yaml', 'import_refused', /in a circle: (root|other) -> (root|other) -> (root|other)/],
    ['empty.yaml', 'import_unknown', /no format/],
    ['merge-key.yaml', 'yaml_invalid', /merge keys/],
    ['own-helper.yaml', 'import_refused', /in a circle/],
  ],
  promptflow: [
    ['python', 'import_refused', /it needs requests/],
    ['missing-file', 'import_refused', /\.\.\/outside\.jinja2 is missing/],
    ['dangling', 'import_refused', /\$\{nobody\.output\} names a node that does not exist/],
    ['macro', 'import_refused', /line 2: the tag macro/],
    ['tool', 'import_refused', /kind custom_llm/],
  ],
  dify: [
    ['tool.yml', 'import_refused', /kind http-request/],
    ['dangling.yml', 'import_refused', /nowhere|ghost/],
    ['circle.yml', 'import_refused', /in a circle/],
    ['code.yml', 'import_refused', /it needs os/],
    ['no-graph.yml', 'import_refused', /no prompt|nothing to run/],
  ],
  litellm: [
    ['only-wildcards.yaml', 'import_refused', /none of the models/],
    ['empty.yaml', 'import_refused', /none of the models/],
    ['tag.yaml', 'yaml_invalid', /tag/],
    ['no-model.yaml', 'import_refused', /none of the models/],
  ],
}

for (const [format, sources] of Object.entries(BROKEN))
  describe(`${format}: refused with a code and a reason`, () => {
    test.each(sources)('%s', async (source, code, message) => {
      const shop = makeWorkshop()
      const done = await importInto(shop, join(format, 'broken', source))
      expect(done).toMatchObject({ valid: false, ok: false, written: [] })
      const [first] = done.problems
      expect(first).toMatchObject({ code, message: expect.stringMatching(message) })
      expect(first?.file).toBeDefined()
      expect(ERROR_CODES[first?.code ?? 'internal'].exit).toBe(2)
      expect(readdirSync(shop.folder)).toEqual([])
    })
  })

test('a refused file names everything that keeps it from being converted, not only the first', async () => {
  const done = await importInto(makeWorkshop(), 'dify/broken/tool.yml')
  expect(done.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('http-request'),
    expect.stringContaining('knowledge-retrieval'),
  ])
})

test('a folder of good and broken files: the good ones are written, the broken ones named, and it is not all well', async () => {
  const shop = makeWorkshop()
  const done = await importInto(shop, 'cagent')
  expect(done).toMatchObject({ valid: true, ok: false })
  expect(done.imports.filter(({ problems }) => problems.length === 0)).toHaveLength(8)
  expect(done.problems.map(({ code }) => code)).toEqual(['import_refused', 'import_refused'])
  expect(done.passed_over).toEqual([
    { file: 'broken/empty.yaml', why: expect.stringContaining('no format') },
    { file: 'broken/merge-key.yaml', why: expect.stringMatching(/line 4: merge keys/) },
  ])
})

test('what cannot be read in a folder is named, never left out in silence', async () => {
  const shop = makeWorkshop()
  const folder = join(shop.project, 'mixed')
  mkdirSync(folder)
  writeFileSync(join(folder, 'fine.md'), '---\nname: fine\ndescription: d\n---\nAnswer.\n')
  writeFileSync(join(folder, 'garbage.yaml'), Buffer.from([0x89, 0xff, 0xfe, 0x00]))
  symlinkSync('/etc', join(folder, 'outside'))
  const done = await importInto(shop, '', { source: folder })
  expect(done).toMatchObject({ valid: true, ok: true })
  expect(done.passed_over).toEqual([
    { file: 'garbage.yaml', why: expect.stringContaining('not UTF-8') },
    { file: 'outside', why: expect.stringContaining('leads out') },
  ])
})
