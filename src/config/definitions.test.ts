import { mkdir, symlink, truncate } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { listEnsembles } from './definitions.ts'
import { findEnsemble } from './find-ensemble.ts'
import { makeWorld } from './world.fixture.ts'

const ensemble = (name: string, description = 'd') =>
  `name: ${name}\ndescription: ${description}\nagents:\n  - {name: a, script: x.py}\n`

async function find(files: { readonly [path: string]: string }, reference: string, more = {}) {
  const world = await makeWorld(files)
  return findEnsemble(reference, await world.paths(), more)
}

const nameOf = (result: Awaited<ReturnType<typeof findEnsemble>>) =>
  'found' in result ? `${result.found.level}:${result.found.relative}` : result.problem.code

describe('listing ensembles', () => {
  it('lists all levels, nearest first, nested files and both extensions', async () => {
    const world = await makeWorld({
      '@/ensembles/z.yaml': ensemble('zed'),
      '@/ensembles/deep/er/a.yml': ensemble('inner'),
      '@/ensembles/data.json': '{}',
      '@/ensembles/.hidden.yaml': ensemble('hidden'),
      'work/llm-orchestra-library/code-analysis/review.yaml': ensemble('review'),
      'work/llm-orchestra-library/profiles/p.yaml': 'name: p',
      'work/llm-orchestra-library/docker.yaml': 'name: no-ensemble',
      '~/ensembles/zed.yaml': ensemble('zed', 'user'),
      'home/.config/llm-orc/ensembles/old.yaml': ensemble('old'),
      'shipped/ensembles/review.yaml': ensemble('review'),
    })
    const { ensembles, problems } = await listEnsembles(await world.paths())
    expect(ensembles.map((one) => [one.name, one.level, one.relative, one.shadowed])).toEqual([
      ['inner', 'project', 'deep/er/a.yml', false],
      ['zed', 'project', 'z.yaml', false],
      ['review', 'library', 'code-analysis/review.yaml', false],
      ['zed', 'user', 'zed.yaml', true],
      ['old', 'legacy', 'old.yaml', false],
      ['review', 'library', 'review.yaml', true],
    ])
    expect(ensembles[3]).toMatchObject({ description: 'user', agents: 1, file: world.at('~/ensembles/zed.yaml') })
    expect(problems).toEqual([])
  })

  it('lists broken files with their problem', async () => {
    const world = await makeWorld({
      '@/ensembles/bad.yaml': 'name: bad\nagents: [',
      '@/ensembles/note.yaml': 'hello: world',
      '@/ensembles/big.yaml': '',
      '@/ensembles/bytes.yaml': '',
      '@/ensembles/good.yaml': ensemble('good'),
    })
    await truncate(world.at('@/ensembles/big.yaml'), 2 ** 20 + 1)
    await world.write({ '@/ensembles/bytes.yaml': new Uint8Array([0xff, 0xff]) })
    const { ensembles } = await listEnsembles(await world.paths())
    expect(ensembles.map(({ name, problem }) => [name, problem?.code])).toEqual([
      ['bad', 'yaml_invalid'],
      ['good', undefined],
      ['note', 'ensemble_invalid'],
      ['big', 'file_unreadable'],
      ['bytes', 'file_unreadable'],
    ])
    expect(ensembles[0]?.problem).toMatchObject({ file: world.at('@/ensembles/bad.yaml'), line: 2 })
  })

  it('warns of two files with one name on a level', async () => {
    const world = await makeWorld({ '@/ensembles/a.yaml': ensemble('same'), '@/ensembles/b.yaml': ensemble('same') })
    const { problems } = await listEnsembles(await world.paths())
    expect(problems).toMatchObject([{ code: 'name_duplicate', file: world.at('@/ensembles/b.yaml') }])
    expect(nameOf(await findEnsemble('same', await world.paths()))).toBe('project:a.yaml')
  })

  it('B08 ends in circles of links and does not follow links out of the project', async () => {
    const world = await makeWorld({
      '@/ensembles/a.yaml': ensemble('a'),
      'work/shared/b.yaml': ensemble('b'),
      'outside/c.yaml': ensemble('c'),
      '~/ensembles/d.yaml': ensemble('d'),
    })
    await symlink('..', world.at('@/ensembles/up'))
    await symlink('.', world.at('@/ensembles/self'))
    await symlink('nowhere', world.at('@/ensembles/dangling.yaml'))
    await symlink(world.at('work/shared'), world.at('@/ensembles/shared'))
    await symlink(world.at('outside'), world.at('@/ensembles/outside'))
    await symlink(world.at('outside/c.yaml'), world.at('@/ensembles/c.yaml'))
    await symlink(world.at('outside'), world.at('~/ensembles/mine'))
    const { ensembles, problems } = await listEnsembles(await world.paths())
    expect(ensembles.map(({ name, level }) => [name, level])).toEqual([
      ['a', 'project'],
      ['b', 'project'],
      ['d', 'user'],
      ['c', 'user'],
    ])
    expect(problems.map(({ file }) => file)).toEqual([world.at('@/ensembles/c.yaml'), world.at('@/ensembles/outside')])
  })

  it('shows no name that could not be typed or would play with the terminal', async () => {
    const world = await makeWorld({
      '@/ensembles/one.yaml': 'name: "\\e[31mred"\nagents: []\n',
      '@/ensembles/two.yaml': 'name: ../../etc\nagents: []\n',
      '@/ensembles/three.yaml': 'name: 12\nagents: []\n',
    })
    const { ensembles } = await listEnsembles(await world.paths())
    expect(ensembles.map(({ name }) => name)).toEqual(['one', 'three', 'two'])
  })
})

describe('finding an ensemble', () => {
  const files = {
    '@/ensembles/validation/integration/v.yaml': ensemble('validate-it'),
    '@/ensembles/quoted.yml': 'description: first\nname: "quoted name"\nagents: []\n',
    '@/ensembles/broken.yaml': 'agents: [',
    '~/ensembles/mine.yaml': ensemble('mine'),
    'shipped/ensembles/v.yaml': ensemble('v'),
  }

  it.each([
    ['validate-it', 'project:validation/integration/v.yaml'],
    ['validation/integration/validate-it', 'project:validation/integration/v.yaml'],
    ['validation/integration/v', 'project:validation/integration/v.yaml'],
    ['validation/integration/v.yaml', 'project:validation/integration/v.yaml'],
    ['integration/validate-it', 'project:validation/integration/v.yaml'],
    ['integration/v', 'project:validation/integration/v.yaml'],
    // the exact name on a farther level wins over the end of a path on a nearer one
    ['v', 'library:v.yaml'],
    ['quoted name', 'project:quoted.yml'],
    ['quoted', 'project:quoted.yml'],
    ['broken', 'project:broken.yaml'],
    ['mine', 'user:mine.yaml'],
    ['it', 'not_found'],
    ['nothing', 'not_found'],
  ])('%s -> %s', async (reference, expected) => {
    expect(nameOf(await find(files, reference))).toBe(expected)
  })

  it('gives the text as it is, so that the reader reports what is wrong in it', async () => {
    expect(await find(files, 'broken')).toMatchObject({ found: { text: 'agents: [', name: 'broken' } })
  })

  it('suggests the nearest name, or lists what there is', async () => {
    expect(await find(files, 'validate-its')).toMatchObject({ problem: { hint: 'Did you mean "validate-it"?' } })
    expect(await find(files, 'zzzzzz')).toMatchObject({ problem: { hint: expect.stringContaining('quoted name') } })
    expect(await find({}, 'x')).toMatchObject({ problem: { hint: expect.stringContaining('init') } })
  })

  it('takes paths of files only when told so', async () => {
    const world = await makeWorld({ 'work/my.yaml': ensemble('my'), 'work/sub/other.yml': ensemble('o'), ...files })
    const paths = await world.paths()
    for (const reference of ['my.yaml', './my.yaml', './my', 'sub/other', world.at('work/my'), '../work/my.yaml']) {
      expect(await findEnsemble(reference, paths, { files: true })).toMatchObject({ found: { level: 'extra' } })
      expect(nameOf(await findEnsemble(reference, paths))).toMatch(/name_refused|not_found/)
    }
    expect(nameOf(await findEnsemble('validate-it', paths, { files: true }))).toMatch(/^project/)
    expect(nameOf(await findEnsemble('./gone.yaml', paths, { files: true }))).toBe('not_found')
    expect(nameOf(await findEnsemble('my', paths, { files: true }))).toBe('extra:my.yaml')
  })

  it('finds what --config-dir names first, with or without a folder ensembles', async () => {
    const world = await makeWorld({ 'x/a.yaml': ensemble('mine'), 'y/ensembles/b.yaml': ensemble('mine'), ...files })
    for (const [folder, expected] of [
      ['x', 'extra:a.yaml'],
      ['y', 'extra:b.yaml'],
    ])
      expect(nameOf(await findEnsemble('mine', await world.paths({ config_dir: `../${folder}` })))).toBe(expected)
  })

  it.each(
    [
      '../secret',
      '..\\secret',
      '/etc/passwd',
      'a/../../secret',
      'C:\\secret',
      '\\\\host\\share',
      '%2e%2e%2fsecret',
      '%252e%252e%252fsecret',
      'a\0b',
      'secret.',
      ' secret',
      'CON',
      'nul.yaml',
      'x'.repeat(300),
      'x/'.repeat(2000),
      '\u202eterces',
      '.\u2024/secret',
      '~/secret',
      '-rf',
      '',
      '.',
      '..',
      '//',
    ].map((name) => [name]),
  )('B08 refuses the name %j', async (reference) => {
    const world = await makeWorld({ 'secret.yaml': ensemble('secret'), 'work/secret.yaml': ensemble('secret') })
    await mkdir(world.at('@/ensembles'), { recursive: true })
    const found = await findEnsemble(reference, await world.paths())
    expect(found).toMatchObject({ problem: { code: 'name_refused' } })
    // eslint-disable-next-line no-control-regex
    expect('problem' in found && found.problem.message).not.toMatch(/[\u0000-\u001f\u202e]/)
  })

  it('B03 finds no prototype members', async () => {
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(nameOf(await find(files, name))).toBe('not_found')
  })
})
