import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { createApp } from './create-app.ts'
import { listModelsOperation, showModel } from './operations/models.ts'
import { findTarget, makePromptTarget } from './target.ts'
import { makeStepsTarget } from './target-chain.ts'
import { makePlanTarget } from './target-plan.ts'

async function open(files: { readonly [path: string]: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'llm-orc-cards-'))
  for (const [path, text] of Object.entries({ 'work/.llm-orc/config.yaml': '', ...files })) {
    const file = join(root, path.replace('@', 'work/.llm-orc'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const app = await createApp({ cwd: join(root, 'work'), env: { HOME: join(root, 'home') } })
  onTestFinished(async () => {
    await app.close()
    rmSync(root, { recursive: true, force: true })
  })
  return { app, root, call: { app, signal: new AbortController().signal } }
}

const cardsOf = (graph: { steps: readonly { spec: JsonObject }[] }) =>
  JSON.stringify(graph.steps.map(({ spec }) => spec)).match(/"card":\{"provider":"[^"]*"/g)?.length ?? 0

const PROFILES = `default_profile: cloud
model_profiles:
  cloud: { provider: anthropic, model: claude-sonnet-4-5, fallback: near }
  near: { provider: ollama, model: small, options: { num_ctx: 4096 } }
plan: { profiles: { coding: near } }
`
const ENSEMBLE = `name: two
agents:
  - { name: a, model_profile: cloud }
  - { name: b, model_profile: near, depends_on: [a] }
`

describe('every definition pins what is known of its models', () => {
  test('ensembles, prompts, chains and plans, with all candidates', async () => {
    const { app } = await open({ '@/config.yaml': PROFILES, '@/ensembles/two.yaml': ENSEMBLE })
    const { graph } = await findTarget(app, 'two')
    expect(graph.steps.map(({ spec }) => spec['candidates'])).toMatchObject([
      [
        { card: { context_window: 200_000, prices: { input: 3_000_000_000 }, sources: ['catalogue'] } },
        { card: { context_window: 4_096, prices: { input: 0, output: 0 }, sources: ['profile', 'local'] } },
      ],
      [{ card: { provider: 'ollama' } }],
    ])
    expect(cardsOf((await makePromptTarget(app, ['cloud', 'openai/gpt-4o'])).graph)).toBe(2)
    expect(cardsOf((await makeStepsTarget(app, ['Plan>/Tester)-cloud'])).graph)).toBe(2)
    expect(cardsOf((await makePlanTarget(app, { models: [] })).graph)).toBe(5)
  })

  test('a model that nobody knows has none', async () => {
    const { app } = await open()
    expect(cardsOf((await makePromptTarget(app, ['openai/gpt-nonsense'])).graph)).toBe(0)
    expect(
      app.models.cards.cost({ provider: 'openai', model: 'gpt-nonsense' }, { input: 1, output: 1 }),
    ).toBeUndefined()
  })
})

describe('the catalogue is loaded when it is needed, and only then', () => {
  test('runs of models on this machine never load it, runs of others do', () => {
    const script = `
      import { createApp } from ${JSON.stringify(join(import.meta.dirname, 'create-app.ts'))}
      import { makePromptTarget } from ${JSON.stringify(join(import.meta.dirname, 'target.ts'))}
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve: (name, context, next) => (name.includes('genai-prices') && seen.push(name), next(name, context)) })
      const app = await createApp({ cwd: process.argv[1], env: { HOME: process.argv[1] } })
      await makePromptTarget(app, ['embedded', 'ollama/small', 'scripted/x', 'openai-compatible/mine/m'])
      app.models.cards.cost({ provider: 'ollama', model: 'small' }, {})
      await app.models.cards.prepare('ollama')
      const before = seen.length
      await makePromptTarget(app, ['openai/gpt-4o'])
      console.log(JSON.stringify([before, seen.length > 0]))`
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-cards-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], { encoding: 'utf8' })
    expect(done.stderr).toBe('')
    expect(JSON.parse(done.stdout)).toEqual([0, true])
  })

  test('cost knows prices once they are prepared; what is free is free without any count', async () => {
    const { app } = await open()
    const { cards } = app.models
    const call = { provider: 'openai', model: 'gpt-4o' }
    expect(cards.cost(call, { input: 1_000, output: 100 })).toBeUndefined()
    await cards.prepare('openai')
    expect(cards.cost(call, { input: 1_000, output: 100 })).toBe(3_500_000)
    expect(cards.cost(call, {})).toBeUndefined()
    expect(cards.cost({ provider: 'embedded', model: 'extractive' }, {})).toBe(0)
  })
})

describe('B19 what older files say of prices', () => {
  test('cost_per_token counts where nothing better is known, and not at all when it cannot be right', async () => {
    const { app, root } = await open({
      '@/config.yaml': `model_profiles:
  mine: { provider: openai-compatible/mine, model: m, cost_per_token: 0.000002 }
  zero: { provider: openai-compatible/mine, model: z, cost_per_token: 0 }
  odd: { provider: openai-compatible/mine, model: o, cost_per_token: 3 }
  known: { provider: openai, model: gpt-4o, cost_per_token: 0.000002 }
`,
    })
    const { cards } = app.models
    const { registry } = await cards.open()
    const price = (model: string, provider = 'openai-compatible/mine') => registry.card(provider, model)?.prices?.input
    expect([price('m'), price('z'), price('o'), price('gpt-4o', 'openai')]).toEqual([2e9, undefined, undefined, 2.5e9])
    expect(cards.problems).toMatchObject([
      {
        message: expect.stringContaining('cost_per_token of the profile "odd" comes to $3000000'),
        hint: 'The number looks like a price per million.',
        file: join(root, 'work/.llm-orc/config.yaml'),
        line: 4,
      },
    ])
  })

  test('an entry of capabilities.json means what it says, a profile of its name, or the model after the provider', async () => {
    const { app } = await open({
      '@/config.yaml': 'model_profiles: { helper: { provider: ollama, model: small } }',
      '@/capabilities.json': JSON.stringify({
        models: {
          helper: { skills: { coding: 0.7 } },
          said: { provider: 'grok', model: 'grok-4.3', max_output_tokens: 77 },
          'openai-gpt35': { cost_per_1k_tokens: 0.002 },
          nobody: { error_rate: 0.5 },
        },
      }),
    })
    const { registry } = await app.models.cards.open()
    expect(registry.card('ollama', 'small')?.skills).toEqual({ coding: 0.7 })
    expect(registry.card('xai', 'grok-4.3')).toMatchObject({
      max_output: 77,
      sources: ['capabilities.json', 'catalogue'],
    })
    expect(registry.card('openai', 'gpt35')?.prices).toEqual({ input: 2e9, output: 2e9 })
    expect(app.models.cards.problems).toMatchObject([
      { message: expect.stringContaining('"nobody"'), severity: 'warning' },
    ])
  })
})

describe('models list and show', () => {
  const FILES = {
    '@/config.yaml': PROFILES,
    '@/models.yaml':
      'groq: {models: [{name: mine, skills: {coding: 0.9, poetry: 0.2}, prices: {input: 1, output: 2}}]}',
  }

  test('without a filter: the models of the user', async () => {
    const { call } = await open(FILES)
    const { models, catalogue, problems } = await listModelsOperation.run({}, call)
    expect(models.map(({ provider, model }) => `${provider}/${model}`)).toEqual([
      'anthropic/claude-sonnet-4-5',
      'ollama/small',
      'groq/mine',
    ])
    expect(models[2]).toMatchObject({
      prices: { input: 1, output: 2 },
      capabilities: ['coding'],
      sources: ['models.yaml'],
    })
    expect(catalogue).toMatchObject({ as_of: expect.stringMatching(/^2\d{3}-/), days: expect.any(Number) })
    expect(problems).toEqual([])
  })

  test('a filter looks into the catalogue too', async () => {
    const { call } = await open(FILES)
    const gemini = await listModelsOperation.run({ provider: 'gemini' }, call)
    expect(gemini.models.length).toBeGreaterThan(20)
    expect(new Set(gemini.models.map(({ provider }) => provider))).toEqual(new Set(['gemini']))
    const coding = await listModelsOperation.run({ capability: 'coding' }, call)
    expect(coding.models.map(({ model }) => model)).toEqual(['mine'])
    const seeing = await listModelsOperation.run({ provider: 'xai', capability: 'vision' }, call)
    expect(seeing.models.length).toBeGreaterThan(2)
  })

  test('everything about one model, with who says it', async () => {
    const { call, root } = await open(FILES)
    const mine = await showModel.run({ model: 'mine' }, call)
    expect(mine).toMatchObject({ provider: 'groq', known: true, prices: { input: 1, output: 2 } })
    expect(mine.facts[0]).toMatchObject({
      fact: 'skills',
      source: 'models.yaml',
      file: join(root, 'work/.llm-orc/models.yaml'),
    })
    expect(await showModel.run({ model: 'claude-haiku-4-5-20251001' }, call)).toMatchObject({
      provider: 'anthropic',
      taken_for: 'claude-haiku-4-5',
      prices: { input: 1, output: 5, cache_write_long: 2, batch: 0.5 },
    })
    expect(await showModel.run({ model: 'openai/nothing' }, call)).toMatchObject({ known: false, facts: [] })
    expect(await showModel.run({ model: 'near' }, call)).toMatchObject({
      profile: 'near',
      prices: { input: 0, output: 0 },
    })
  })

  test('B19 a price that cannot be right is told, with its place, and not replaced', async () => {
    const { call, root } = await open({
      '@/models.yaml': 'openai: {models: [{name: gpt-4o, prices: {input: -1, output: 2}}]}',
    })
    const { models, problems } = await listModelsOperation.run({ provider: 'openai' }, call)
    expect(problems).toMatchObject([{ file: join(root, 'work/.llm-orc/models.yaml'), line: 1, column: 50 }])
    expect(models.find(({ model }) => model === 'gpt-4o')?.prices).toBeUndefined()
    await expect(makePromptTarget(call.app, ['openai/gpt-4o'])).rejects.toThrow(/below zero/)
  })
})
