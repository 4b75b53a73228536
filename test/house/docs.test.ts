import { describe, expect, test } from 'vitest'
import { checkLinks, checkManifest, compareErrorCodes, compareEventTypes } from '../../scripts/check-docs.ts'
import { ERROR_CODES } from '../../src/events/errors.ts'
import { writeTree } from './tree.ts'

describe('error codes', () => {
  const page = '# Errors\n\n## alpha\n\ntext\n\n## beta\n\n```sh\n## not a heading\n```\n'

  test('equal lists are in order', () => {
    expect(compareErrorCodes(['alpha', 'beta'], page)).toEqual([])
  })

  test('an undocumented code, a stale heading and a wrong order are found', () => {
    expect(compareErrorCodes(['alpha', 'beta', 'gamma'], page)).toMatchObject([
      { message: expect.stringContaining('gamma') },
    ])
    expect(compareErrorCodes(['alpha'], page)).toMatchObject([{ line: 7, message: expect.stringContaining('beta') }])
    expect(compareErrorCodes(['alpha', 'beta'], '## beta\n\n## alpha\n')).toMatchObject([{ line: 3 }])
  })

  test('every code has an exit code of the documented set', () => {
    const exits = new Set(Object.values(ERROR_CODES).map(({ exit }) => exit as number))
    for (const exit of exits) expect([1, 2, 3, 4, 5, 78, 130]).toContain(exit)
  })
})

describe('event types', () => {
  const types = {
    'run-began': { origin: { world: 'input' } },
    'step-moved': { origin: { engine: 'decision', step: 'output' } },
  }
  const row = '| `run-began` | world | input | it began |\n'

  test('every type stands in the table, with its actors and origins', () => {
    const page = `| type | by | origin | meaning |\n|---|---|---|---|\n${row}`
    expect(
      compareEventTypes(types, `${page}| \`step-moved\` | step, engine | output, decision | it moved |\n`),
    ).toEqual([])
    expect(compareEventTypes(types, page)).toMatchObject([{ message: expect.stringContaining('step-moved') }])
  })

  test('a wrong actor, a wrong origin, an unknown type and a second row are found', () => {
    const page = `${row}${row}| \`step-moved\` | step | input | |\n| \`run-lost\` | world | input | |\n`
    expect(compareEventTypes(types, page).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '2 run-began stands in the table twice',
      '3 `step-moved` come from: engine, step',
      '3 `step-moved` have the origin: decision, output',
      '4 run-lost is no event type in src/events/event.ts',
    ])
  })
})

test('links lead to files and headings', () => {
  const root = writeTree({
    'README.md':
      '[a](docs/a.md) [b](docs/a.md#two-words) [c](https://example.org)\n[d](docs/gone.md) `[e](gone)`\n[f](docs/a.md#gone)\n',
    'docs/a.md': '# A\n\n## Two `words`\n\n[up](../README.md) [self](#a)\n\n```\n[g](gone)\n```\n',
  })
  expect(checkLinks(root)).toMatchObject([
    { file: 'README.md', line: 2, message: expect.stringContaining('docs/gone.md') },
    { file: 'README.md', line: 3, message: expect.stringContaining('docs/a.md#gone') },
  ])
})

test('the manifest and the lock file name the same versions, and dependencies stay few', () => {
  const few = { dependencies: { a: '1.0.0' } }
  const many = { dependencies: Object.fromEntries(Array.from({ length: 45 }, (_, n) => [`p${n}`, '1.0.0'])) }
  const check = (manifest: object, locked: object) =>
    checkManifest(
      writeTree({
        'package.json': JSON.stringify(manifest),
        'package-lock.json': JSON.stringify({ packages: { '': locked } }),
      }),
    )
  expect(check(few, few)).toEqual([])
  expect(check(few, { dependencies: { a: '1.0.1' } })).toMatchObject([{ message: expect.stringContaining('a 1.0.0') }])
  expect(check(many, many)).toMatchObject([{ message: expect.stringContaining('45 direct dependencies') }])
})
