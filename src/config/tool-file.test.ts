import { rename, rm, symlink } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readToolFile } from './tool-file.ts'
import { findToolFolders } from './tool-files.ts'
import { makeWorld, type TempWorld } from './world.fixture.ts'

const words = {
  node: process.execPath,
  isName: (text: string) => /^[a-z_]+$/.test(text),
  isVersion: (text: string) => /^\d+\.\d+\.\d+$/.test(text),
  isAlias: (text: string) => /^[a-z]+$/.test(text),
}

const SCHEMA = { type: 'object', properties: { n: { type: 'number' } } }

function toolJson(more: object = {}): string {
  const usual = {
    name: 'adder',
    version: '1.0.0',
    description: 'Adds.',
    input_schema: SCHEMA,
    implementation: 'run.py',
  }
  return JSON.stringify({ ...usual, ...more }, null, 1)
}

async function read(world: TempWorld) {
  const [place] = await findToolFolders(await world.paths())
  if (!place) throw new Error('nothing was found')
  return readToolFile(place, words)
}

async function readOne(more: object, files: { readonly [name: string]: string } = {}) {
  const inside = Object.entries({ 'tool.json': toolJson(more), 'run.py': 'pass', ...files })
  return read(await makeWorld(Object.fromEntries(inside.map(([name, text]) => [`@/tools/adder/${name}`, text]))))
}

describe('where tools are', () => {
  test('in both layouts, in project, user and library; other folders are none', async () => {
    const world = await makeWorld({
      '@/tools/adder/tool.json': toolJson(),
      '@/tools/adder/2.0.0/tool.json': toolJson(),
      '@/tools/adder/notes/readme.md': '',
      '@/tools/loose.json': '',
      '~/tools/other/1.0.0/tool.json': toolJson(),
      'shipped/tools/adder/tool.json': toolJson(),
    })
    const found = await findToolFolders(await world.paths())
    expect(found.map(({ level, name, version }) => [level, name, version])).toEqual([
      ['project', 'adder', undefined],
      ['project', 'adder', '2.0.0'],
      ['user', 'other', '1.0.0'],
      ['library', 'adder', undefined],
    ])
    expect((await findToolFolders(await world.paths(), 'other')).length).toBe(1)
    const distances = found.map(({ distance }) => distance)
    expect(distances).toEqual(distances.toSorted((a, b) => a - b))
  })

  test('a link is no folder of a tool', async () => {
    const world = await makeWorld({ 'elsewhere/adder/tool.json': toolJson(), '@/tools/x/readme.md': '' })
    await symlink(world.at('elsewhere/adder'), world.at('@/tools/adder'))
    expect(await findToolFolders(await world.paths())).toEqual([])
  })
})

describe('tool.json', () => {
  test('whole', async () => {
    const { tool, problems } = await readOne(
      {
        aliases: ['stable'],
        output_schema: SCHEMA,
        safety: 'idempotent',
        permissions: { hosts: ['api.example.org'], environment: ['TOKEN'] },
        migrations: { '0.9.0->1.0.0': 'from.mjs', '1.0.0 -> 2.0.0': { script: 'on.mjs' } },
      },
      { 'from.mjs': '', 'on.mjs': '' },
    )
    expect(problems).toEqual([])
    expect(tool).toMatchObject({
      name: 'adder',
      aliases: ['stable'],
      safety: 'idempotent',
      permissions: { hosts: ['api.example.org'], environment: ['TOKEN'] },
      implementation: { kind: 'script', words: ['python3'] },
      migrations: [
        { from: '0.9.0', to: '1.0.0', program: { kind: 'module', words: [] } },
        { from: '1.0.0', to: '2.0.0', program: { kind: 'script', words: [process.execPath] } },
      ],
    })
    expect(tool?.parts.map(({ path }) => path)).toEqual(['from.mjs', 'on.mjs', 'run.py', 'tool.json'])
  })

  test('what is not said is the strictest', async () => {
    const { tool } = await readOne({})
    expect(tool).toMatchObject({ safety: 'unsafe', permissions: {}, aliases: [], migrations: [] })
  })

  test('a module that is declared', async () => {
    const { tool } = await readOne({ implementation: { module: 'a.ts' } }, { 'a.ts': '' })
    expect(tool?.implementation).toMatchObject({ kind: 'module', words: [] })
  })

  test.each([
    [{ name: 'other' }, 'its folder "adder"'],
    [{ name: 'Add er' }, 'cannot be the name'],
    [{ version: '1.0' }, 'no semantic version'],
    [{ version: undefined }, 'version is missing'],
    [{ description: '' }, 'description'],
    [{ aliases: ['1.x'] }, 'cannot be an alias'],
    [{ input_schema: undefined }, 'input_schema has to be a JSON Schema'],
    [{ input_schema: { type: 'object', properties: { a: { pattern: '(a+)+' } } } }, 'is not checked here'],
    [{ input_schema: { $ref: 'https://example.org/s' } }, 'is not checked here'],
    [{ safety: 'harmless' }, 'safety'],
    [{ implementation: 'nothing.py' }, 'there is no file nothing.py'],
    [{ implementation: '../run.py' }, 'refused'],
    [{ implementation: '/bin/sh' }, 'refused'],
    [{ implementation: 'a\u0000.py' }, 'NUL'],
    [{ implementation: {} }, 'implementation'],
    [{ migrations: { '1.0.0': 'run.py' } }, 'is no migration'],
    [{ migrations: { '1.0.0->1.0.0': 'run.py' } }, 'is no migration'],
    [{ migrations: { '0.9.0->1.0.0': 'gone.py' } }, 'there is no file gone.py'],
    [{ permissions: { hosts: 'all' } }, 'permissions'],
  ])('%j is refused, with its place', async (more, words) => {
    const { tool, problems } = await readOne(more)
    expect(tool).toBeUndefined()
    const errors = problems.filter(({ severity }) => severity !== 'warning')
    expect(errors.map(({ message }) => message).join('\n')).toContain(words)
    for (const problem of errors)
      expect(problem).toMatchObject({
        code: 'tool_invalid',
        file: expect.stringMatching(/tool\.json$/),
        line: expect.any(Number),
      })
  })

  test('S18 keys that nobody knows are named, and none of them does anything', async () => {
    const { tool, problems } = await readOne({ saftey: 'pure', approved: true })
    expect(tool?.safety).toBe('unsafe')
    expect(problems.map(({ code, severity }) => [code, severity])).toEqual([
      ['unknown_key', 'warning'],
      ['unknown_key', 'warning'],
    ])
    expect((await readOne({ ['__proto__x']: 1 })).tool).toBeDefined()
  })

  test('the version folder and its tool have to agree', async () => {
    const world = await makeWorld({ '@/tools/adder/2.0.0/tool.json': toolJson(), '@/tools/adder/2.0.0/run.py': '' })
    expect((await read(world)).problems[0]?.message).toContain('its folder is "2.0.0"')
  })

  test('what is no JSON', async () => {
    const world = await makeWorld({ '@/tools/adder/tool.json': '{"name": ' })
    expect((await read(world)).problems[0]).toMatchObject({ code: 'tool_invalid' })
  })
})

describe('what a tool consists of', () => {
  test('every file counts, hidden ones and those in folders too; other versions do not', async () => {
    const { tool } = await readOne(
      {},
      {
        '.hidden.py': '',
        'lib/node_modules/x/i.js': '',
        '2.0.0/tool.json': toolJson(),
        '2.0.0/run.py': '',
        '__pycache__/run.pyc': '',
      },
    )
    expect(tool?.parts.map(({ path }) => path)).toEqual([
      '.hidden.py',
      '__pycache__/run.pyc',
      'lib/node_modules/x/i.js',
      'run.py',
      'tool.json',
    ])
  })

  test('S17 a link in it, or too much of it, and it is no tool', async () => {
    const world = await makeWorld({ '@/tools/adder/tool.json': toolJson(), '@/tools/adder/run.py': '' })
    await symlink('/etc/passwd', world.at('@/tools/adder/data'))
    expect((await read(world)).problems[0]?.message).toContain('data is a link')
    await rm(world.at('@/tools/adder/data'))
    await rename(world.at('@/tools/adder/run.py'), world.at('elsewhere.py'))
    await symlink(world.at('elsewhere.py'), world.at('@/tools/adder/run.py'))
    expect((await read(world)).tool).toBeUndefined()
    const large = await readOne({}, { 'data.bin': 'x'.repeat(17_000_000) })
    expect(large.problems[0]?.message).toContain('more than')
  })
})
