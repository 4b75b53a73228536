import { createHash } from 'node:crypto'
import { chmod, mkdir, symlink } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { listScripts } from './script-list.ts'
import { resolveScript } from './scripts.ts'
import { makeWorld, type TempWorld } from './world.fixture.ts'

const node = '/usr/bin/node-of-the-test'

async function resolveIn(world: TempWorld, reference: string, more = {}) {
  const found = await resolveScript(reference, await world.paths(more), { node })
  return found.type === 'file' ? found.path.slice(world.root.length + 1) : found.type
}

describe('where a script is found', () => {
  const places = [
    'prim/REF',
    'work/.llm-orc/scripts/REF',
    'work/.llm-orc/REF',
    'work/sub/REF',
    'work/REF',
    'lib/scripts/REF',
    'lib/primitives/python/REF',
    'lib/primitives/REF',
    'lib/REF',
    'shipped/scripts/REF',
    'shipped/primitives/python/REF',
    'shipped/primitives/REF',
    'shipped/REF',
  ]
  it.each(places.map((place, index) => [place, index] as const))(
    '%s, when no nearer place has it',
    async (_, index) => {
      for (const reference of ['tool.py', 'a/b.sh']) {
        const files = places.slice(index).map((place) => place.replace('REF', reference))
        const world = await makeWorld({ 'work/sub/x': '', ...Object.fromEntries(files.map((file) => [file, ''])) })
        const env = {
          HOME: world.home,
          LLM_ORC_LIBRARY_PATH: world.at('lib'),
          LLM_ORC_TEST_PRIMITIVES_DIR: world.at('prim'),
        }
        expect(await resolveIn(world, reference, { env, cwd: world.at('work/sub') })).toBe(files[0])
      }
    },
  )

  it.each([
    ['scripts/tool.py', '@/scripts/tool.py', 'work/.llm-orc/scripts/tool.py'],
    ['./scripts/tool.py', '@/scripts/tool.py', 'work/.llm-orc/scripts/tool.py'],
    ['scripts/tool.py', 'work/scripts/tool.py', 'work/scripts/tool.py'],
    ['scripts/primitives/a/b.py', 'shipped/scripts/primitives/a/b.py', 'shipped/scripts/primitives/a/b.py'],
    ['primitives/file-ops/read-file.py', 'shipped/scripts/primitives/file-ops/read_file.py', undefined],
    ['sub/no-extension', '@/scripts/sub/no-extension', 'work/.llm-orc/scripts/sub/no-extension'],
    ['../outside.py', 'outside.py', 'outside.py'],
    ['my tool.py', '@/scripts/my tool.py', 'work/.llm-orc/scripts/my tool.py'],
    ['UPPER.PY', '@/scripts/UPPER.PY', 'work/.llm-orc/scripts/UPPER.PY'],
  ])('%s finds %s', async (reference, file, expected) => {
    expect(await resolveIn(await makeWorld({ [file]: '' }), reference)).toBe(expected ?? file)
  })

  it('takes the name as written anywhere before the name with _ for -', async () => {
    const world = await makeWorld({ '@/scripts/my_tool.py': '', 'shipped/scripts/my-tool.py': '' })
    expect(await resolveIn(world, 'my-tool.py')).toBe('shipped/scripts/my-tool.py')
  })

  it.each([
    'primitives/file-ops/read_file.py',
    'scripts/primitives/file-ops/read_file.py',
    'primitives/file-ops/read-file.py',
  ])('finds our own program for %s when there is no such file', async (reference) => {
    const ours = 'shipped/scripts/primitives/file-ops/read_file.mjs'
    const world = await makeWorld({ [ours]: '' })
    expect(await resolveIn(world, reference)).toBe(ours)
    expect(await resolveScript(reference, await world.paths(), { node })).toMatchObject({ program: [node], reference })
    await world.write({ '@/primitives/file-ops/read_file.py': '' })
    expect(await resolveIn(world, reference)).toBe('work/.llm-orc/primitives/file-ops/read_file.py')
  })

  it('takes an absolute path as it is, and only there', async () => {
    const world = await makeWorld({ 'abs/x.py': '' })
    expect(await resolveIn(world, world.at('abs/x.py'))).toBe('abs/x.py')
    expect(await resolveScript('/nowhere/x.py', await world.paths(), { node })).toEqual({
      type: 'missing',
      searched: ['/nowhere'],
    })
  })

  it('says where it searched', async () => {
    const world = await makeWorld()
    const found = await resolveScript('a/gone.py', await world.paths(), { node })
    expect(found).toMatchObject({ type: 'missing' })
    expect(found.type === 'missing' && found.searched).toContain(world.at('@/scripts/a'))
  })

  it('passes over folders, links to nowhere and pipes', async () => {
    const world = await makeWorld({ 'shipped/x.py': '' })
    await mkdir(world.at('@/scripts/x.py'), { recursive: true })
    await symlink('nowhere', world.at('@/x.py'))
    expect(await resolveIn(world, 'x.py')).toBe('shipped/x.py')
  })

  it.each([
    'echo hello',
    'cat',
    'true && false',
    'cat /etc/hosts | wc -l',
    'python3 scripts/gone.py --flag',
    'cd /tmp\n./run.sh',
    'printf "a\\n"',
    'cat x.py',
  ])('%j is shell text', async (reference) => {
    const world = await makeWorld()
    expect(await resolveScript(reference, await world.paths(), { node })).toEqual({ type: 'inline', text: reference })
  })

  it.each(['gone.py', './run.sh', 'a/b', 'sub/my tool.py', 'x\0.py', 'x/\0'])(
    'B08 %j is missing',
    async (reference) => {
      expect(await resolveIn(await makeWorld(), reference)).toBe('missing')
    },
  )
})

describe('what a script is', () => {
  it.each([
    ['x.py', ['python3']],
    ['x.sh', ['bash']],
    ['x.bash', ['bash']],
    ['x.js', [node]],
    ['x.mjs', [node]],
    ['x.cjs', [node]],
    ['x.ts', [node]],
    ['x.rb', ['ruby']],
    ['dir/plain', ['bash']],
    ['dir/x.pl', ['bash']],
  ])('%s runs with %j', async (reference, program) => {
    const world = await makeWorld({ [`@/scripts/${reference}`]: '' })
    expect(await resolveScript(reference, await world.paths(), { node })).toMatchObject({ program })
  })

  it('runs by itself when it may be executed', async () => {
    const world = await makeWorld({ '@/scripts/bin/tool': '#!/bin/sh\n' })
    await chmod(world.at('@/scripts/bin/tool'), 0o755)
    expect(await resolveScript('bin/tool', await world.paths(), { node })).toMatchObject({ program: [] })
  })

  it('is pinned by the digest of its bytes, whatever they are', async () => {
    const bytes = new Uint8Array(3 * 2 ** 20).fill(0xff)
    const world = await makeWorld({ '@/scripts/big.sh': bytes })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(await resolveScript('big.sh', await world.paths(), { node })).toMatchObject({ sha256 })
  })

  it.each([
    ['x.py', 'name = input("Who? ")', true],
    ['x.py', 'import builtins\nbuiltins.input()', true],
    ['x.py', '# input()\nprint(1)', false],
    ['x.py', '"""Reads input(s)."""\nprint(get_input(1), self.input(2))', false],
    ['x.sh', 'input()', false],
    ['primitives/user-interaction/get_user_input.py', '', true],
    ['primitives/user-interaction/confirm_action.py', '', true],
    ['primitives/file-ops/read_file.py', '', false],
    ['ask.mjs', '// Interactive: yes', true],
    ['x.py', '# Interactive: no', false],
  ])('%s with %j asks a person: %s', async (reference, text, expected) => {
    const world = await makeWorld({ [`@/scripts/${reference}`]: text })
    const found = await resolveScript(reference, await world.paths(), { node })
    expect(found.type === 'file' && found.interactive === true).toBe(expected)
  })

  it('reads the header of the first lines', async () => {
    const world = await makeWorld({
      '@/scripts/x.py':
        '#!/usr/bin/env python3\n# Primitive: sum\n# Input: numbers\n# safety: Pure\n# Other: no\nOutput: code\n',
      '@/scripts/x.mjs': `/**\n * Depends: zlib\n */\n// Output: {"n": 1}\n${'\n'.repeat(20)}// Input: too late\n`,
      '@/scripts/y.sh': '# Safety: sometimes\n',
    })
    const paths = await world.paths()
    expect(await resolveScript('x.py', paths, { node })).toMatchObject({
      header: { primitive: 'sum', input: 'numbers', safety: 'Pure' },
      safety: 'pure',
    })
    expect(await resolveScript('x.mjs', paths, { node })).toMatchObject({
      header: { depends: 'zlib', output: '{"n": 1}' },
    })
    expect(await resolveScript('y.sh', paths, { node })).not.toHaveProperty('safety')
  })
})

describe('listing scripts', () => {
  it('lists every depth and extension with category, level and description', async () => {
    const world = await makeWorld({
      '@/scripts/top.sh': '#!/bin/bash\n# Says hello.\n# Input: nothing\necho hi\n',
      '@/scripts/cat/deep/x.py': '#!/usr/bin/env python3\n"""Adds numbers.\n\nSlowly.\n"""\n',
      '@/scripts/primitives/file-ops/read_file.mjs': '',
      '@/scripts/README.md': 'no',
      '@/scripts/LICENSE': 'no',
      '@/scripts/__pycache__/x.py': 'no',
      '@/scripts/run': '#!/bin/sh\n',
      'shipped/scripts/primitives/file-ops/read_file.mjs': '/** Reads a file. */\n',
      'shipped/scripts/text/count.mjs': '// Counts.\n// Safety: pure\nlet x\n',
    })
    await chmod(world.at('@/scripts/run'), 0o755)
    const { scripts, problems } = await listScripts(await world.paths(), { node })
    expect(scripts.map((one) => [one.relative, one.category, one.level, one.shadowed, one.description])).toEqual([
      ['cat/deep/x.py', 'cat/deep', 'project', false, 'Adds numbers.\n\nSlowly.'],
      ['primitives/file-ops/read_file.mjs', 'file-ops', 'project', false, undefined],
      ['run', '', 'project', false, undefined],
      ['top.sh', '', 'project', false, 'Says hello.'],
      ['primitives/file-ops/read_file.mjs', 'file-ops', 'library', true, 'Reads a file.'],
      ['text/count.mjs', 'text', 'library', false, 'Counts.'],
    ])
    expect(scripts[3]).toMatchObject({ name: 'top.sh', size: 51, pinned: { header: { input: 'nothing' } } })
    expect(problems).toEqual([])
  })
})
