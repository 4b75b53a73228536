import { symlink } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { checkProfiles, fallbackChain, findDefaultProfile } from './fallbacks.ts'
import { readProfiles } from './profiles.ts'
import { makeWorld } from './world.fixture.ts'

const yaml = (name: string, model: string, more = '') => `{name: ${name}, provider: p, model: ${model}${more}}\n`
const inConfig = (entries: { readonly [name: string]: string }) =>
  `model_profiles:\n${Object.entries(entries)
    .map(([name, rest]) => `  ${name}: {provider: p, ${rest}}\n`)
    .join('')}`

async function read(files: { readonly [path: string]: string }) {
  const world = await makeWorld(files)
  const config = await world.config()
  const profiles = await readProfiles(config)
  const models = Object.fromEntries([...profiles.profiles].map(([name, profile]) => [name, profile.model]))
  return { world, config, models, ...profiles }
}

describe('the shapes of profiles', () => {
  it.each([
    ['one profile', '@/profiles/a.yaml', yaml('a', 'm')],
    ['one without a name, called as its file', '@/profiles/a.yml', 'provider: p\nmodel: m\n'],
    ['a map under model_profiles', '@/profiles/x.yaml', 'model_profiles:\n  a: {provider: p, model: m}\n'],
    ['a list under profiles', '@/profiles/x.yaml', `profiles:\n  - ${yaml('a', 'm')}`],
    ['a list under model_profiles', '@/profiles/x.yaml', `model_profiles:\n  - ${yaml('a', 'm')}`],
    ['a map under profiles', '@/profiles/x.yaml', 'profiles:\n  a: {provider: p, model: m}\n'],
    ['a list at the top', '@/profiles/x.yaml', `- ${yaml('a', 'm')}`],
    ['JSON', '@/profiles/x.json', '{"name": "a", "provider": "p", "model": "m"}'],
    ['a file in a folder', '@/profiles/deep/er/x.yaml', yaml('a', 'm')],
    ['a map in config.yaml', '@/config.yaml', 'model_profiles:\n  a: {provider: p, model: m}\n'],
    ['a list in config.yaml', '@/config.yaml', `model_profiles:\n  - ${yaml('a', 'm')}`],
    ['a list of single-key maps', '@/config.yaml', 'model_profiles:\n  - a: {provider: p, model: m}\n'],
  ])('%s', async (_, file, text) => {
    const { models, problems, warnings } = await read({ [file]: text })
    expect(models).toEqual({ a: 'm' })
    expect([...problems, ...warnings]).toEqual([])
  })

  it('keeps every field, and its places apart from them', async () => {
    const { profiles, world } = await read({
      '@/config.yaml': `model_profiles:
  full:
    model: m
    provider: openai-compatible/x
    cost_per_token: 0.03
    system_prompt: Be brief.
    timeout_seconds: 1.5
    fallback_model_profile: other
    temperature: 0
    max_tokens: 5
    options: {num_ctx: 4096, stop: [a]}
    base_url: http://localhost:1/v1
`,
    })
    const full = profiles.get('full')
    expect({ ...full }).toStrictEqual({
      name: 'full',
      model: 'm',
      provider: 'openai-compatible/x',
      cost_per_token: 0.03,
      system_prompt: 'Be brief.',
      timeout_seconds: 1.5,
      fallback: 'other',
      temperature: 0,
      max_tokens: 5,
      options: { num_ctx: 4096, stop: ['a'] },
      base_url: 'http://localhost:1/v1',
    })
    expect(full?.level).toBe('project')
    expect(full?.place).toEqual({ file: world.at('@/config.yaml'), line: 2, column: 3 })
    expect(full?.fallback_place).toEqual({ file: world.at('@/config.yaml'), line: 8, column: 29 })
  })
})

describe('which profile wins', () => {
  it('config.yaml before profiles/ of the same level, and any nearer level before a farther one', async () => {
    const { models, profiles } = await read({
      '~/config.yaml': inConfig({
        a: 'model: far-config',
        b: 'model: far-config',
        c: 'model: far-config, temperature: 1',
      }),
      '~/profiles/x.yaml': `profiles: [${yaml('d', 'far-file').trim()}, ${yaml('a', 'far-file').trim()}]`,
      '@/config.yaml': inConfig({ a: 'model: near-config' }),
      '@/profiles/x.yaml': `profiles: [${yaml('a', 'near-file').trim()}, ${yaml('b', 'near-file').trim()}]`,
      '@/profiles/y.yaml': yaml('c', 'near-file'),
      'shipped/profiles/z.yaml': `profiles: [${yaml('e', 'shipped').trim()}, ${yaml('d', 'shipped').trim()}]`,
    })
    expect(models).toEqual({ a: 'near-config', b: 'near-file', c: 'near-file', d: 'far-file', e: 'shipped' })
    // a profile is taken whole
    expect(profiles.get('c')?.temperature).toBeUndefined()
    expect(profiles.get('e')?.level).toBe('library')
  })

  it('warns of a name that stands twice on a level', async () => {
    const { models, warnings, problems } = await read({
      '@/config.yaml': inConfig({ a: 'model: first' }),
      '@/profiles/x.yaml': yaml('a', 'second'),
    })
    expect(models).toEqual({ a: 'first' })
    expect(problems).toEqual([])
    expect(warnings).toMatchObject([{ code: 'name_duplicate', severity: 'warning', line: 1 }])
    expect(warnings[0]?.message).toContain('config.yaml:2')
  })

  it('lets a broken profile hide the farther one instead of running another model in silence', async () => {
    const { models, broken, problems } = await read({
      '~/config.yaml': inConfig({ a: 'model: far', b: 'model: far' }),
      '@/config.yaml': 'model_profiles:\n  a: {provider: p, model: 5}\n',
    })
    expect(models).toEqual({ b: 'far' })
    expect(broken.get('a')).toEqual(problems)
    expect(problems).toMatchObject([{ code: 'config_invalid', line: 2, column: 27 }])
    expect(problems[0]?.message).toContain('profile "a": model should be text')
  })

  it('B03 B05 reports each wrong profile at its place and keeps the others', async () => {
    const { models, problems, world } = await read({
      '@/config.yaml': `model_profiles:
  ok: {provider: p, model: m}
  none:
  half: {provider: p}
  late: {provider: p, model: m, timeout_seconds: -1}
  text: just text
`,
      '@/profiles/empty.yaml': '',
      '@/profiles/list.yaml': 'profiles: [{provider: p, model: m}, 5]',
      '@/profiles/other.yaml': 'colour: red',
      '@/profiles/scalar.yaml': 'hello',
      '@/profiles/broken.yaml': 'a: [',
      '@/profiles/proto.yaml': 'model_profiles: {__proto__: {provider: p, model: m}}',
    })
    expect(models).toEqual({ ok: 'm' })
    const at = problems.map(({ file, line }) => `${file?.slice(world.at('@/').length + 1)}:${line}`)
    expect(at).toEqual([
      'config.yaml:4',
      'config.yaml:5',
      'config.yaml:6',
      'profiles/broken.yaml:1',
      'profiles/list.yaml:1',
      'profiles/list.yaml:1',
      'profiles/other.yaml:1',
      'profiles/proto.yaml:1',
      'profiles/scalar.yaml:1',
    ])
    expect(({} as { provider?: string }).provider).toBeUndefined()
  })

  it('B08 does not follow links out of a project', async () => {
    const world = await makeWorld({ 'secret/x.yaml': yaml('a', 'm'), '@/profiles/keep.yaml': yaml('b', 'm') })
    await symlink(world.at('secret/x.yaml'), world.at('@/profiles/x.yaml'))
    await symlink(world.at('secret'), world.at('@/profiles/dir'))
    await symlink(world.at('@/profiles'), world.at('@/profiles/loop'))
    const { profiles, problems } = await readProfiles(await world.config())
    expect([...profiles.keys()]).toEqual(['b'])
    expect(problems).toHaveLength(2)
  })
})

describe('fallbacks', () => {
  const files = {
    '@/config.yaml': inConfig({
      a: 'model: m, fallback_model_profile: b',
      b: 'model: m, fallback: c',
      c: 'model: m',
      x: 'model: m, fallback: y',
      y: 'model: m, fallback: z',
      z: 'model: m, fallback: y',
      self: 'model: m, fallback: self',
      gap: 'model: m, fallback: bb',
    }),
  }

  it('follows the chain', async () => {
    const { profiles } = await read(files)
    const found = fallbackChain('a', profiles)
    expect('chain' in found && found.chain.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  it('names a circle when the chain is used, and where it closes', async () => {
    const { profiles, problems } = await read(files)
    expect(problems).toEqual([])
    expect(fallbackChain('x', profiles)).toMatchObject({
      problem: { code: 'profile_cycle', message: expect.stringContaining('y -> z -> y'), line: 7 },
    })
    expect(fallbackChain('self', profiles)).toMatchObject({
      problem: { message: expect.stringContaining('self -> self') },
    })
  })

  it('names what is missing, with a suggestion', async () => {
    const { profiles } = await read(files)
    expect(fallbackChain('gap', profiles)).toMatchObject({
      problem: { code: 'profile_missing', message: expect.stringContaining('fallback of "gap"'), line: 9 },
    })
    expect(fallbackChain('self2', profiles)).toMatchObject({ problem: { hint: 'Did you mean "self"?' } })
  })

  it('lists everything on demand', async () => {
    const found = checkProfiles(
      await read({ ...files, '@/profiles/bad.yaml': '{name: bad, model: m, provider: p, colour: red}' }),
    )
    expect(found.map(({ code }) => code)).toEqual(['profile_cycle', 'profile_cycle', 'profile_missing', 'unknown_key'])
  })

  it('B06 walks a chain of a thousand', async () => {
    const entries = Array.from({ length: 1000 }, (_, n) => [`p${n}`, `model: m, fallback: p${n + 1}`])
    const { profiles } = await read({
      '@/config.yaml': inConfig(Object.fromEntries([...entries, ['p1000', 'model: m']])),
    })
    const found = fallbackChain('p0', profiles)
    expect('chain' in found && found.chain.length).toBe(1001)
  })
})

describe('the default profile', () => {
  it.each([
    ['default_profile: a\nmain_llm: {provider: x, model: y}\n', ['a', 'default'], 'a'],
    ['main_llm: {provider: x, model: y}\n', ['a', 'default'], 'default'],
    ['main_llm: {provider: x, model: y}\nproject: {default_models: {test: a}}\n', ['a'], 'main_llm'],
    ['project: {default_models: {test: a}}\n', ['a'], 'a'],
    ['project: {default_models: {test: gone}}\n', ['a'], undefined],
    ['default_profile: gone\n', ['default'], undefined],
    ['', ['a'], undefined],
  ])('%j', async (text, names, expected) => {
    const models = inConfig(Object.fromEntries(names.map((name) => [name, 'model: m'])))
    const { config, profiles } = await read({ '@/config.yaml': text + models })
    expect(findDefaultProfile(config.settings, profiles)?.name).toBe(expected)
  })
})
