import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkRooms } from '../../scripts/check-rooms.ts'
import { writeTree } from './tree.ts'

const src = join(import.meta.dirname, '..', '..', 'src')

/** What the doorkeeper says about a tree, as `file:line message`. */
function complain(files: { readonly [path: string]: string }): string[] {
  return checkRooms(writeTree(files)).map(({ file, line, message }) => `${file}:${line} ${message}`)
}

const step = {
  'engine/step.ts':
    'export class StepFailure extends Error {}\nexport const secret = 1\nexport interface StepKind { a: 1 }\n',
}

test('the real tree is in order', () => {
  expect(checkRooms(src)).toEqual([])
})

describe('doors', () => {
  test('a forbidden import is named with its place', () => {
    const files = {
      'events/a.ts': "\nimport { b } from '../graph/b.ts'\nexport const a = b\n",
      'graph/b.ts': 'export const b = 1\n',
    }
    expect(complain(files)).toEqual(['src/events/a.ts:2 events/ may not import graph/b.ts; it may import nothing'])
  })

  test.each([
    ['a type', "import type { B } from '../graph/b.ts'\nexport type A = B\n"],
    ['a type inside a type', "export type A = import('../graph/b.ts').B\n"],
    ['lazily', "export const a = () => import('../graph/b.ts')\n"],
    ['for its effect', "import '../graph/b.ts'\n"],
  ])('and so is one of %s', (_name, text) => {
    expect(complain({ 'events/a.ts': text, 'graph/b.ts': 'export type B = 1\n' })).toHaveLength(1)
  })

  test('comments and strings import nothing', () => {
    const text = "// import { b } from '../graph/b.ts'\nexport const a = `import('../graph/b.ts')`\n"
    expect(complain({ 'events/a.ts': text, 'graph/b.ts': 'export const b = 1\n' })).toEqual([])
  })

  test('one file of another room may be open for types and named values only', () => {
    const open =
      "import { StepFailure, type StepKind } from '../engine/step.ts'\nexport const a = (k: StepKind) => new StepFailure(k)\n"
    expect(complain({ ...step, 'steps/a.ts': open })).toEqual([])
    const closed = "import { secret } from '../engine/step.ts'\nexport const a = secret\n"
    expect(complain({ ...step, 'steps/a.ts': closed })).toEqual([
      'src/steps/a.ts:1 steps/ may take only types from engine/step.ts, not secret; use "import type"',
    ])
  })

  test('tests, fixtures and contracts may reach across rooms', () => {
    const text = "import '../graph/b.ts'\nimport 'node:fs'\n"
    const files = { 'events/a.test.ts': text, 'events/a.fixture.ts': text, 'events/a.contract.ts': text }
    expect(complain({ ...files, 'graph/b.ts': 'export const b = 1\n' })).toEqual([])
  })

  test('doors may import all; rooms may not re-export, import doors, or leave src', () => {
    const files = {
      'index.ts': "export { a } from './events/a.ts'\n",
      'events/a.ts': 'export const a = 1\n',
      'app/b.ts': "export { a } from '../events/a.ts'\n",
      'app/c.ts': "import { a } from '../index.ts'\nexport const c = a\n",
      'app/d.ts': "import { x } from '../../test/x.ts'\nexport const d = x\n",
      'app/e.ts': "import { x } from '../events/gone.ts'\nexport const e = x\n",
    }
    expect(complain(files)).toEqual([
      expect.stringMatching(/^src\/app\/b\.ts:1 re-export of events\/a\.ts/),
      expect.stringMatching(/^src\/app\/c\.ts:1 app\/ may not import index\.ts/),
      expect.stringMatching(/^src\/app\/d\.ts:1 imports .* outside src/),
      expect.stringMatching(/^src\/app\/e\.ts:1 imports events\/gone\.ts, which does not exist/),
    ])
  })

  test('a room that is not in the table and a file beside the doors are found', () => {
    expect(complain({ 'attic/a.ts': 'export const a = 1\n', 'loose.ts': 'export const b = 1\n' })).toEqual([
      expect.stringMatching(/^src\/attic\/a\.ts:1 there is no room "attic"/),
      expect.stringMatching(/^src\/loose\.ts:1 only index\.ts, main\.ts, testing\.ts stand directly in src/),
    ])
  })
})

test('an import cycle is shown whole, type imports included', () => {
  const files = {
    'events/a.ts': "import { b } from './b.ts'\nexport const a = b\n",
    'events/b.ts': "import type { C } from './c.ts'\nexport const b: C = 1\n",
    'events/c.ts': "import { a } from './a.ts'\nexport type C = typeof a\n",
  }
  expect(complain(files)).toEqual([
    expect.stringContaining('import cycle: events/a.ts -> events/b.ts -> events/c.ts -> events/a.ts'),
  ])
})

describe('pure rooms', () => {
  test.each([
    "import { readFileSync } from 'node:fs'\nexport const a = readFileSync",
    "import { join } from 'path'\nexport const a = join",
    'export const a = process.env.HOME',
    'export const a = { process }',
    "export const a = Buffer.from('x')",
    'export const a = __dirname',
    'export const a = import.meta.dirname',
    'export const a = Date.now()',
    'export const a = new Date()',
    'export const a = Math.random()',
    'export const a = crypto.randomUUID()',
    'setTimeout(() => {}, 1)',
  ])('%s', (text) => {
    expect(complain({ 'engine/a.ts': `${text}\n` })).not.toEqual([])
    expect(complain({ 'engine/a.ts': `// ${text.replace('\n', ' ')}\nexport const a = 1\n` })).toEqual([])
  })

  test('names that only look like it are free', () => {
    const text =
      'export const a = { process: 1, Buffer: 2 }\nexport const b = a.process + a.Buffer\nexport const c = new Date(0)\nexport interface D { setTimeout(): void }\n'
    expect(complain({ 'engine/a.ts': text })).toEqual([])
  })

  test('a clock is allowed with a reason, and only with one', () => {
    expect(complain({ 'engine/a.ts': '// rooms: allow only for a log line\nexport const a = Date.now()\n' })).toEqual(
      [],
    )
    expect(complain({ 'engine/a.ts': 'export const a = Date.now() // rooms: allow only for a log line\n' })).toEqual([])
    expect(complain({ 'engine/a.ts': '// rooms: allow\nexport const a = Date.now()\n' })).toHaveLength(1)
  })

  test('rooms with Node may use it', () => {
    expect(complain({ 'sandbox/a.ts': "import 'node:fs'\nexport const a = process.pid + Date.now()\n" })).toEqual([])
  })
})

describe('packages', () => {
  test('one without a place, one in the wrong file, one not loaded lazily', () => {
    const files = {
      'app/a.ts': "import 'left-pad'\n",
      'app/b.ts': "import { parse } from 'yaml'\nexport const b = parse\n",
      'providers/anthropic.ts':
        "import { createAnthropic } from '@ai-sdk/anthropic'\nexport const a = createAnthropic\n",
      'providers/google.ts':
        "import type { G } from '@ai-sdk/google'\nexport const g = (): Promise<G> => import('@ai-sdk/google')\n",
    }
    expect(complain(files)).toEqual([
      expect.stringMatching(/^src\/app\/a\.ts:1 the package left-pad has no place yet/),
      expect.stringMatching(/^src\/app\/b\.ts:1 yaml is imported only in/),
      expect.stringMatching(/^src\/providers\/anthropic\.ts:1 @ai-sdk\/anthropic is loaded lazily/),
    ])
  })

  test("Node's own modules with one owner", () => {
    expect(complain({ 'app/a.ts': "import 'node:child_process'\n" })).toEqual([
      expect.stringMatching(/^src\/app\/a\.ts:1 node:child_process is imported only in sandbox\/process\.ts/),
    ])
  })
})

describe('names and lengths', () => {
  test('nouns that hide better ones, index files, default exports', () => {
    const files = {
      'app/run-manager.ts': 'export const a = 1\n',
      'app/utils/a.ts': 'export const a = 1\n',
      'app/c.ts': 'export class RunHandler {}\n',
      'app/index.ts': 'export const a = 1\n',
      'app/d.ts': 'export default 1\n',
      'app/database.ts': 'export class Databases {}\n',
    }
    expect(complain(files)).toEqual([
      expect.stringMatching(/^src\/app\/c\.ts:1 class RunHandler/),
      expect.stringMatching(/^src\/app\/d\.ts:1 default export/),
      expect.stringMatching(/^src\/app\/index\.ts:1 index file/),
      expect.stringMatching(/^src\/app\/run-manager\.ts:1 "manager"/),
      expect.stringMatching(/^src\/app\/utils\/a\.ts:1 "utils"/),
    ])
  })

  test('a file stops at 400 lines unless it is generated', () => {
    const lines = (count: number): string => 'export {}\n'.repeat(count)
    expect(complain({ 'app/a.ts': lines(400), 'app/b.generated.ts': lines(900) })).toEqual([])
    expect(complain({ 'app/a.ts': lines(401) })).toEqual([expect.stringMatching(/^src\/app\/a\.ts:400 401 lines/)])
  })
})
