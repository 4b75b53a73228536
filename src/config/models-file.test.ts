import { describe, expect, it } from 'vitest'
import { findDefaultProfile } from './fallbacks.ts'
import { readProfiles } from './profiles.ts'
import { makeWorld } from './world.fixture.ts'

const MODELS = `mistral:
  api_key_name: MY_MISTRAL
  default_model: small
  models:
    - name: small
      max_tokens: 4096
    - name: large
  additional_configs:
    - temperature: 0.7
    - max_gen_tokens: 1024
    - top_p: 1.0
gemini:
  default_model: flash
  models: [pro]
anthropic:
  models:
    - name: haiku
      max_tokens: 2048
system_prompts:
  roles: [Critique, Summarize]
  personas:
    Tester: You break things.
    Poet:
`

async function readAll(files: { readonly [path: string]: string }, config_dir?: string) {
  const world = await makeWorld(files)
  const config = await world.config(config_dir === undefined ? {} : { config_dir: world.at(config_dir) })
  return { config, ...(await readProfiles(config)), world }
}

const said = ({
  problems,
}: {
  problems: readonly { line?: number; column?: number; code: string; message: string }[]
}) => problems.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)

describe('models.yaml', () => {
  it('makes a profile of every provider and every listed model', async () => {
    const { profiles, problems, config } = await readAll({ '@/models.yaml': MODELS })
    expect(problems).toEqual([])
    expect([...profiles.values()]).toEqual([
      {
        name: 'mistral',
        provider: 'mistral',
        model: 'small',
        temperature: 0.7,
        max_tokens: 4096,
        options: { top_p: 1 },
      },
      {
        name: 'mistral/small',
        provider: 'mistral',
        model: 'small',
        temperature: 0.7,
        max_tokens: 4096,
        options: { top_p: 1 },
      },
      {
        name: 'mistral/large',
        provider: 'mistral',
        model: 'large',
        temperature: 0.7,
        max_tokens: 1024,
        options: { top_p: 1 },
      },
      { name: 'gemini', provider: 'gemini', model: 'flash' },
      { name: 'gemini/flash', provider: 'gemini', model: 'flash' },
      { name: 'gemini/pro', provider: 'gemini', model: 'pro' },
      { name: 'anthropic', provider: 'anthropic', model: 'haiku', max_tokens: 2048 },
      { name: 'anthropic/haiku', provider: 'anthropic', model: 'haiku', max_tokens: 2048 },
    ])
    expect(profiles.get('mistral/large')?.place).toMatchObject({ line: 7, column: 7 })
    expect(config.settings.providers).toEqual({ mistral: { api_key_env: 'MY_MISTRAL' } })
    const [{ models } = {}] = config.layers.filter(({ level }) => level === 'project')
    expect([...(models?.personas ?? [])]).toEqual([['Tester', 'You break things.']])
    expect(models?.roles.size).toBe(0)
  })

  it('gives way to a profile, a setting and a nearer level, and stands beside a config file that is named', async () => {
    const { profiles, config } = await readAll(
      {
        '@/config.yaml':
          'model_profiles: {gemini: {provider: ollama, model: own}}\nproviders: {mistral: {api_key_env: NEARER}}',
        '@/models.yaml': MODELS,
        '~/models.yml': 'gemini: {default_model: far}\nxai: {default_model: grok-far}',
        'old/config.yaml': 'main_llm: {provider: deepseek}',
        'old/models.yaml': 'deepseek: {default_model: chat, models: [{name: chat, temperature: 0.1}]}',
      },
      'old/config.yaml',
    )
    expect(profiles.get('gemini')).toMatchObject({ provider: 'ollama', model: 'own' })
    expect(profiles.get('gemini/far')).toMatchObject({ model: 'far' })
    expect(profiles.get('xai')).toMatchObject({ model: 'grok-far' })
    expect(config.settings.providers?.['mistral']?.api_key_env).toBe('NEARER')
    expect(findDefaultProfile(config.settings, profiles)).toMatchObject({
      name: 'deepseek',
      model: 'chat',
      temperature: 0.1,
    })
  })

  it('main_llm names one of its models with what is set for it, or any other', async () => {
    const { profiles, config } = await readAll({
      '@/models.yaml': MODELS,
      '@/config.yaml': 'main_llm: {provider: mistral, model: large}',
    })
    expect(findDefaultProfile(config.settings, profiles)).toMatchObject({ name: 'mistral/large', temperature: 0.7 })
    const other = { ...config.settings, main_llm: { provider: 'mistral', model: 'unlisted' } }
    expect(findDefaultProfile(other, profiles)).toEqual({ name: 'main_llm', provider: 'mistral', model: 'unlisted' })
    expect(findDefaultProfile({ ...config.settings, main_llm: { provider: 'none' } }, profiles)).toBeUndefined()
  })

  it('what is wrong is named with its place, and only that provider cannot be used', async () => {
    const { profiles, broken, ...found } = await readAll({
      '@/models.yaml': `gemini:
  default_model: 3
  models: [{temperature: 1}]
mistral: {default_model: small}
grok: text
system_prompts:
  rolls: [a]
  personas: {Tester: 3}
`,
    })
    expect(said(found)).toEqual([
      '2:18 config_invalid default_model should be text, not the number 3',
      '3:12 config_invalid models[0].name is missing',
      '5:7 config_invalid a map of keys is expected here, not the text "text"',
      '7:3 config_invalid system_prompts has no section "rolls"',
      '8:22 config_invalid the prompt of "Tester" should be text',
    ])
    expect([...profiles.keys()]).toEqual(['mistral', 'mistral/small'])
    expect([...broken.keys()]).toEqual([])
  })

  it.each([
    '',
    '# nothing',
    '[]',
    'text',
    'gemini:',
    '{',
    'system_prompts:\n  roles: 3',
    'gemini: {models: 3}',
    'system_prompts: []',
  ])('%j does not keep the program from starting', async (text) => {
    const { config, profiles } = await readAll({ '@/models.yaml': text })
    expect(config.problems).toEqual([])
    expect([...profiles.keys()]).toEqual([])
  })
})
