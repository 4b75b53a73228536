import { execFileSync } from 'node:child_process'
import { mkdir, truncate } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { readEnvironment } from './env.ts'
import { explainKey } from './explain.ts'
import { listSettings } from './schema.ts'
import { nameVariable } from './settings-env.ts'
import { makeWorld } from './world.fixture.ts'

const timeout = (seconds: number) => `performance:\n  execution:\n    default_timeout: ${seconds}\n`
const KEY = 'performance.execution.default_timeout'

describe('levels', () => {
  // each row takes away the nearest level that speaks
  const levels = ['environment', 'config-dir', 'LLM_ORC_CONFIG', 'project', 'user', 'legacy', 'older'] as const
  it.each(levels.map((level, index) => [level, index] as const))('%s wins over all farther ones', async (_, index) => {
    const files = ['', 'x/config.yaml', 'y.yaml', '@/config.yaml', '~/config.yaml']
    files.push('home/.config/llm-orc/config.yaml', 'home/.llm-orchestrator/config.yaml')
    const world = await makeWorld()
    for (const [level, file] of files.entries())
      if (file && level >= index) await world.write({ [file]: timeout(level + 1) })
    await mkdir(world.at('x'), { recursive: true })
    const config = await world.config({
      env: {
        HOME: world.home,
        ...(index === 0 ? { LLM_ORC_PERFORMANCE_EXECUTION_DEFAULT_TIMEOUT: '1' } : {}),
        ...(index <= 2 ? { LLM_ORC_CONFIG: '../y.yaml' } : {}),
      },
      config_dir: '../x',
    })
    expect(config.problems).toEqual([])
    expect(config.settings.performance?.execution?.default_timeout).toBe(index + 1)
    expect(explainKey(config, KEY).sayings.map(({ value }) => value)).toEqual(
      files.map((_, level) => level + 1).slice(index),
    )
  })

  it('puts the system level below all others', async () => {
    const world = await makeWorld({
      'etc/config.yaml': `${timeout(1)}default_profile: sys\n`,
      '~/config.yaml': timeout(2),
    })
    const paths = { ...(await world.paths()), system: world.at('etc') }
    const config = await readConfig(paths, await readEnvironment(paths, {}))
    expect(config.settings).toEqual({ default_profile: 'sys', performance: { execution: { default_timeout: 2 } } })
    expect(explainKey(config, KEY).sayings.map(({ level }) => level)).toEqual(['user', 'system'])
  })

  it('merges maps key by key and says which file decided each', async () => {
    const world = await makeWorld({
      '~/config.yaml': 'providers:\n  ollama:\n    base_url: http://far\n    connections: 3\nproject: {name: far}\n',
      '@/config.yaml': 'providers:\n  ollama:\n    connections: 9\n  other:\n    base_url: http://near\n',
    })
    const config = await world.config()
    expect(config.settings).toEqual({
      project: { name: 'far' },
      providers: { ollama: { base_url: 'http://far', connections: 9 }, other: { base_url: 'http://near' } },
    })
    expect(explainKey(config, 'providers.ollama.connections').sayings[0]).toEqual({
      level: 'project',
      value: 9,
      place: { file: world.at('@/config.yaml'), line: 3, column: 5 },
    })
    expect(explainKey(config, 'providers.ollama.base_url').sayings[0]?.place.file).toBe(world.at('~/config.yaml'))
    expect(explainKey(config, 'providers.ollama').merged).toBe(true)
    expect(explainKey(config, 'providers.nothing').sayings).toEqual([])
  })

  it('takes a profile whole, also in what it explains, and finds names with dots and in lists', async () => {
    const world = await makeWorld({
      '~/config.yaml': 'model_profiles:\n  gpt-4.1: {model: far, provider: p, temperature: 1}\n',
      '@/config.yaml': 'model_profiles:\n  - name: gpt-4.1\n    model: near\n    provider: p\n',
    })
    const config = await world.config()
    expect(explainKey(config, 'model_profiles.gpt-4.1.model').sayings.map(({ value }) => value)).toEqual([
      'near',
      'far',
    ])
    expect(explainKey(config, 'model_profiles.gpt-4.1.temperature').sayings).toEqual([])
    expect(explainKey(config, 'model_profiles.gpt-4.1').merged).toBe(false)
  })

  it('treats a key without a value as not said', async () => {
    const world = await makeWorld({
      '~/config.yaml': timeout(7),
      '@/config.yaml': 'performance:\n  execution:\n    # all out\n',
    })
    const config = await world.config()
    expect(config.problems).toEqual([])
    expect(config.settings.performance?.execution?.default_timeout).toBe(7)
  })

  it('reads config.yml and config.json, an empty file, CRLF and a byte order mark', async () => {
    const world = await makeWorld({
      '@/config.json': '{"project": {"name": "j"}}',
      '~/config.yml': '\uFEFFdefault_profile: x\r\nproject:\r\n  name: y\r\n',
      'home/.config/llm-orc/config.yaml': '',
    })
    const { settings, problems } = await world.config()
    expect(settings).toEqual({ project: { name: 'j' }, default_profile: 'x' })
    expect(problems).toEqual([])
  })
})

describe('wrong files', () => {
  it('leaves out what is wrong, with its place, and keeps all the rest', async () => {
    const world = await makeWorld({
      '@/config.yaml': `project: {name: 12}\ndefault_profile: fast\nperformance:\n  execution:\n    default_timeout: soon\n    streaming_enabled: false\nscript_cache: 5\n`,
      '~/config.yaml': timeout(7),
    })
    const { settings, problems } = await world.config()
    expect(settings).toEqual({
      project: {},
      default_profile: 'fast',
      performance: { execution: { default_timeout: 7, streaming_enabled: false } },
    })
    expect(problems.map(({ code, line, column }) => [code, line, column])).toEqual([
      ['config_invalid', 1, 17],
      ['config_invalid', 5, 22],
      ['config_invalid', 7, 15],
    ])
    expect(problems[0]).toMatchObject({ file: world.at('@/config.yaml'), hint: 'Put it in quotes: "12".' })
  })

  it.each([
    ['a: [', 'not YAML'],
    ['- a list', 'a list'],
    ['just text', 'text'],
    ['a: 1\na: 2', 'a key twice'],
    ['__proto__: {polluted: 1}', 'B03 a refused key'],
    ['a: &a [*a]', 'a circle'],
  ])('%j (%s) is one problem and hides no other level', async (text) => {
    const world = await makeWorld({ '@/config.yaml': text, '~/config.yaml': timeout(7) })
    const { settings, problems } = await world.config()
    expect(settings).toEqual({ performance: { execution: { default_timeout: 7 } } })
    expect(problems).toMatchObject([{ code: 'config_invalid', file: world.at('@/config.yaml') }])
    expect(problems[0]?.line).toBeGreaterThan(0)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('B08 refuses pipes, folders, foreign encodings and giants without hanging', async () => {
    const world = await makeWorld({ '~/config.yaml': new Uint8Array([0xff, 0xfe, 0x41]), 'big.yaml': '' })
    await truncate(world.at('big.yaml'), 2 ** 21)
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', world.at('@/config.yaml')])
    await mkdir(world.at('home/.config/llm-orc/config.yaml'), { recursive: true })
    const { problems } = await world.config({ env: { HOME: world.home, LLM_ORC_CONFIG: '../big.yaml' } })
    expect(problems.map(({ message }) => message.replace(/^\S+ /, ''))).toEqual([
      'is larger than 1048576 bytes',
      'is not a regular file',
      'is not UTF-8 text',
      'is not a regular file',
    ])
  })

  it('says when a named file is missing', async () => {
    const world = await makeWorld()
    const { problems } = await world.config({ config_dir: 'nowhere' })
    expect(problems).toMatchObject([{ code: 'config_missing', file: world.at('work/nowhere') }])
  })

  it('tolerates unknown keys and warns of them only on demand', async () => {
    const world = await makeWorld({ '@/config.yaml': 'defualt_profile: x\nx-mine: 1\nperformance: {exection: {}}\n' })
    const config = await world.config()
    expect(config.problems).toEqual([])
    expect(config.warnings.map(({ code, line, hint, severity }) => [code, line, hint, severity])).toEqual([
      ['unknown_key', 1, 'Did you mean "default_profile"?', 'warning'],
      ['unknown_key', 3, 'Did you mean "execution"?', 'warning'],
    ])
    expect(explainKey(config, 'defualt_profile').sayings[0]?.value).toBe('x')
  })

  it('accepts the older shapes that real files have', async () => {
    const world = await makeWorld({
      '@/config.yaml': `project: {name: T, default_models: {test: m}}
performance: {streaming_enabled: true, timeout_seconds: 120, concurrency: {adaptive_enabled: true, base_limit: 1, min_limit: 1, max_limit: 3}}
main_llm: {provider: anthropic, model: c}
chains: {one: ['Plan>/Default)-gemini']}
`,
    })
    const { problems, warnings } = await world.config()
    expect([...problems, ...warnings]).toEqual([])
  })
})

describe('settings variables', () => {
  it('has a variable for every single setting, all different', () => {
    const names = listSettings().map(({ path }) => nameVariable(path))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('LLM_ORC_SCRIPT_CACHE_TTL_SECONDS')
    expect(names).toContain('LLM_ORC_LIBRARY_PATH')
  })

  it('reads numbers, truth values and text, also from .env', async () => {
    const world = await makeWorld({ 'work/.env': 'LLM_ORC_DEFAULT_PROFILE=123\nLLM_ORC_SCRIPT_CACHE_ENABLED=no\n' })
    const env = { HOME: world.home, LLM_ORC_SCRIPT_CACHE_MAX_SIZE: '5', LLM_ORC_PROJECT_NAME: '' }
    const { settings, problems } = await world.config({ env })
    expect(settings).toEqual({ default_profile: '123', script_cache: { enabled: false, max_size: 5 } })
    expect(problems).toEqual([])
  })

  it('names the variable that is wrong', async () => {
    const world = await makeWorld()
    const env = { HOME: world.home, LLM_ORC_SCRIPT_CACHE_MAX_SIZE: 'many' }
    const { settings, problems } = await world.config({ env })
    expect(settings).toEqual({ script_cache: {} })
    expect(problems).toMatchObject([{ code: 'config_invalid', file: '$LLM_ORC_SCRIPT_CACHE_MAX_SIZE' }])
  })
})

describe('the library setting', () => {
  it.each([
    ['@/config.yaml', 'work/lib'],
    ['~/config.yaml', 'home/.config/llm-orchestrator/lib'],
  ])('in %s is relative to where it is written', async (file, expected) => {
    const world = await makeWorld({ [file]: 'library: {path: lib}\n' })
    expect((await world.config()).paths.library_override).toBe(world.at(expected))
  })

  it('gives way to the variable', async () => {
    const world = await makeWorld({ '@/config.yaml': 'library: {path: lib}\n' })
    const { paths } = await world.config({ env: { HOME: world.home, LLM_ORC_LIBRARY_PATH: 'mine' } })
    expect(paths.library_override).toBe(world.at('work/mine'))
  })
})
