import { readdir, readFile, stat, symlink } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { editConfig, findOwnConfig } from './edit-config.ts'
import { makeWorld } from './world.fixture.ts'

async function edit(text: string | undefined, path: readonly string[], value: unknown) {
  const world = await makeWorld(text === undefined ? {} : { '@/config.yaml': text })
  const file = world.at('@/config.yaml')
  const refused = await editConfig(file, path, value as never).then(
    () => undefined,
    (error: unknown) => error,
  )
  return { text: await readFile(file, 'utf8').catch(() => undefined), refused, left: await readdir(world.at('@/')) }
}

const OLD = `# mine
main_llm: {provider: gemini}   # the usual one

chains:
  # the first
  first:
  - Plan>/Default)-a   # so
  - "Critique>/Tester)-b"
profiles: &p [a, b]
other: *p
`

describe('editing a config file', () => {
  it('adds one value and leaves comments, quotes, anchors, spaces and order alone', async () => {
    const { text, left } = await edit(OLD, ['chains', 'second'], ['Plan>/Default)-c'])
    expect(
      text
        ?.replace('  second:\n  - Plan>/Default)-c\n', '')
        .replace('   # the usual', ' # the usual')
        .replace('   # so', ' # so'),
    ).toBe(OLD.replace('   # the usual', ' # the usual').replace('   # so', ' # so'))
    expect(left).toEqual(['config.yaml'])
  })

  it('replaces and removes; an empty section goes with its last entry', async () => {
    expect((await edit('a: 1\nchains:\n  x: [1]\n  y: [2]\n', ['chains', 'x'], ['3'])).text).toBe(
      'a: 1\nchains:\n  x:\n    - "3"\n  y: [2]\n',
    )
    expect((await edit('a: 1\nchains:\n  x: [1]\n  y: [2]\n', ['chains', 'x'], undefined)).text).toBe(
      'a: 1\nchains:\n  y: [2]\n',
    )
    expect((await edit('a: 1\nchains:\n  x: [1]\n', ['chains', 'x'], undefined)).text).toBe('a: 1\n')
  })

  it.each([undefined, '', '# only words\n', 'chains:\n', 'a: 1\nchains: # none yet\n'])(
    'begins a section in %j',
    async (text) => {
      const done = await edit(text, ['chains', 'x'], ['s'])
      expect(done.refused).toBeUndefined()
      expect(parse(done.text ?? '')).toMatchObject({ chains: { x: ['s'] } })
      if (text?.includes('#')) expect(done.text).toContain(text.includes('words') ? '# only words' : '# none yet')
    },
  )

  it('a broken file, and a section that is no map, are refused untouched', async () => {
    expect(await edit('a: [1\n', ['chains', 'x'], ['s'])).toMatchObject({
      text: 'a: [1\n',
      refused: { code: 'yaml_invalid' },
    })
    expect(await edit('chains: [1]\n', ['chains', 'x'], ['s'])).toMatchObject({
      text: 'chains: [1]\n',
      refused: { code: 'config_invalid' },
    })
  })

  it('JSON stays JSON, a link stays a link, rights stay', async () => {
    const world = await makeWorld({ '@/config.json': '{"a": 1}', '@/real.yaml': 'a: 1\n' })
    await editConfig(world.at('@/config.json'), ['chains', 'x'], ['s'])
    expect(JSON.parse(await readFile(world.at('@/config.json'), 'utf8'))).toEqual({ a: 1, chains: { x: ['s'] } })
    await symlink(world.at('@/real.yaml'), world.at('@/link.yaml'))
    const { mode } = await stat(world.at('@/real.yaml'))
    await editConfig(world.at('@/link.yaml'), ['b'], 2)
    expect(await readFile(world.at('@/real.yaml'), 'utf8')).toBe('a: 1\nb: 2\n')
    expect((await stat(world.at('@/real.yaml'))).mode).toBe(mode)
  })

  it('any name and step comes back as it was written', async () => {
    const world = await makeWorld({ '@/config.yaml': OLD })
    const file = world.at('@/config.yaml')
    const words = fc.string({
      unit: fc.constantFrom(
        'a',
        ' ',
        ':',
        '#',
        '-',
        '"',
        "'",
        '{',
        '\n',
        'é',
        '&',
        '*',
        '!',
        '>',
        '|',
        '%',
        '012',
        'null',
      ),
    })
    await fc.assert(
      fc.asyncProperty(words, fc.array(words, { minLength: 1, maxLength: 3 }), async (name, steps) => {
        await editConfig(file, ['chains', `n${name}`], steps)
        const data = parse(await readFile(file, 'utf8')) as { chains: { [name: string]: unknown } }
        expect(data.chains[`n${name}`]).toEqual(steps)
        expect(data.chains['first']).toEqual(['Plan>/Default)-a', 'Critique>/Tester)-b'])
        await editConfig(file, ['chains', `n${name}`], undefined)
      }),
      { numRuns: 40 },
    )
  })

  it('B03 texts that begin with space, in lines, come back as they were', async () => {
    const world = await makeWorld()
    const file = world.at('@/config.yaml')
    for (const indent of [2, 4]) {
      await world.write({ '@/config.yaml': `chains:\n${' '.repeat(indent)}first: [a]\n` })
      const texts = [' \n', '  \na', '\n \n', '\n  a\n', '\t\n b', 'a\n  \n', '   a\n b\n\n', '\n\n']
      for (const text of texts) {
        await editConfig(file, ['chains', 'n'], [text, ''])
        const data = parse(await readFile(file, 'utf8')) as { chains: { [name: string]: unknown } }
        expect(data.chains).toEqual({ first: ['a'], n: [text, ''] })
      }
    }
  })

  it('goes to the project, and outside of one to the user', async () => {
    const world = await makeWorld()
    expect(await findOwnConfig(await world.paths())).toBe(world.at('@/config.yaml'))
    await world.write({ '@/config.yml': 'a: 1\n' })
    expect(await findOwnConfig(await world.paths())).toBe(world.at('@/config.yml'))
    expect(await findOwnConfig(await world.paths({ cwd: world.home }))).toBe(world.at('~/config.yaml'))
  })
})
