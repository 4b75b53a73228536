import { describe, expect, it } from 'vitest'
import { readProfiles } from './profiles.ts'
import { makeWorld } from './world.fixture.ts'

async function read(files: { readonly [path: string]: string }) {
  const world = await makeWorld(files)
  const config = await world.config()
  const { profiles, broken, problems } = await readProfiles(config)
  return { profiles, broken, problems, facts: config.layers.flatMap(({ models }) => models?.facts ?? []), world }
}

const ask = async (prices: string) => {
  const { facts, problems } = await read({
    '@/models.yaml': `openai:\n  models:\n    - name: m\n      prices:\n${prices.replace(/^/gm, '        ')}\n`,
  })
  return {
    facts: facts[0]?.facts,
    bad: facts[0]?.bad_price,
    said: problems.map(({ line, column, message, hint }) => `${line}:${column} ${message}${hint ? ` (${hint})` : ''}`),
  }
}

describe('what models.yaml says of a model', () => {
  it('is kept apart from the settings of its calls', async () => {
    const { profiles, problems, facts, world } = await read({
      '@/models.yaml': `anthropic:
  models:
    - name: claude-x
      max_tokens: 4096
      context_window: 200000
      max_input: 190000
      max_output: 8192
      tools: true
      vision: false
      json: true
      reasoning: {effort: high}
      skills: {coding: 0.9, translation: 0.4}
      prices: {input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, batch: 0.5}
      top_p: 0.9
    - plain
`,
    })
    expect(problems).toEqual([])
    expect(profiles.get('anthropic/claude-x')).toMatchObject({
      max_tokens: 4096,
      options: { top_p: 0.9, reasoning: { effort: 'high' } },
    })
    expect(Object.keys(profiles.get('anthropic/claude-x')?.options ?? {})).toEqual(['reasoning', 'top_p'])
    expect(facts).toEqual([
      {
        provider: 'anthropic',
        model: 'claude-x',
        source: 'models.yaml',
        place: expect.objectContaining({ file: world.at('@/models.yaml'), line: 3 }),
        facts: {
          context_window: 200_000,
          max_input: 190_000,
          max_output: 8_192,
          tools: true,
          vision: false,
          json: true,
          skills: { coding: 0.9, translation: 0.4 },
          prices: {
            input: 3_000_000_000,
            output: 15_000_000_000,
            cache_read: 300_000_000,
            cache_write: 3_750_000_000,
            batch: 0.5,
          },
        },
      },
    ])
  })

  it.each([
    ['per_million', '3', '15'],
    ['per_1k', '0.003', '0.015'],
    ['per_token', '0.000003', '0.000015'],
  ])('prices %s', async (unit, input, output) => {
    const { facts, said } = await ask(`unit: ${unit}\ninput: ${input}\noutput: ${output}`)
    expect(said).toEqual([])
    expect(facts?.prices).toEqual({ input: 3_000_000_000, output: 15_000_000_000 })
  })

  it.each([
    [
      'input: 0.000003\noutput: 15',
      '5:16 prices.input comes to $0.000003 for a million tokens, less than $0.001 (Was it meant per token? Then write: unit: per_token)',
    ],
    [
      'unit: per_token\ninput: 3\noutput: 0.000015',
      '6:16 prices.input comes to $3000000 for a million tokens, more than $1000 (Was it meant per million? Then write: unit: per_million)',
    ],
    ['input: -3\noutput: 15', '5:16 prices.input is below zero'],
    ['input: .nan\noutput: 15', expect.stringMatching(/^5:\d+ .*(number|nan)/i)],
    [
      'input: "3 EUR"\noutput: 15',
      '5:16 prices.input should be a number of dollars, not the text "3 EUR" (Write dollars without a sign, and a point before the cents: 0.25.)',
    ],
    [
      'currency: EUR\ninput: 3\noutput: 15',
      '5:19 prices.currency should be USD (Prices are in US dollars: convert them.)',
    ],
    ['input: 3', expect.stringContaining('prices.output is missing')],
    ['input: 3\noutput: 15\ncache_raed: 1', expect.stringMatching(/cache_raed is no price.*cache_read/)],
    ['input: 3\noutput: 15\nbatch: 50', expect.stringContaining('prices.batch should be a part')],
    ['input: 3\noutput: 15\nunit: per_word', expect.stringContaining('prices.unit should be per_million')],
    ['input: 3\noutput: 2000', expect.stringContaining('more than $1000')],
  ])('B19 %j is refused with its place, and no part of it is used', async (prices, wanted) => {
    const { facts, bad, said } = await ask(prices)
    expect(said).toEqual([wanted])
    if (facts) expect({ prices: facts.prices, bad }).toEqual({ prices: undefined, bad: true })
  })

  it('B19 a model with a price that cannot be right is not used by its name', async () => {
    const { broken, profiles } = await read({
      '@/models.yaml': 'openai: {models: [{name: m, prices: {input: -1, output: 2}}]}',
    })
    expect([...broken.keys()]).toEqual(['openai', 'openai/m'])
    expect(profiles.size).toBe(0)
  })

  it('limits and skills that cannot be right are named', async () => {
    const { problems } = await read({
      '@/models.yaml':
        'openai: {models: [{name: m, context_window: 128k, max_output: -1, skills: {coding: 9}}, null, 3]}',
    })
    const said = problems.map(({ message }) => message)
    expect(said).toContain('context_window should be a whole number of tokens, not the text "128k"')
    expect(said).toContain('max_output should be a whole number of tokens, not the number -1')
    expect(said).toContain('skills.coding should be a number from 0 to 1, not the number 9')
  })
})

describe('capabilities.json', () => {
  it('is read from the folder of a configuration', async () => {
    const world = await makeWorld({
      '@/capabilities.json': JSON.stringify({
        telemetry_window_hours: 24,
        models: {
          'xai-grok4-fast': {
            provider: 'xai',
            model: 'grok-4-fast',
            skills: { coding: 0.8, odd: 3 },
            context_window: 2_000_000,
            cost_per_1k_tokens: 0.0002,
            avg_latency_ms: 800,
            error_rate: 0.01,
            supports_tools: true,
            supports_vision: false,
            supports_json_mode: true,
            max_output_tokens: 30_000,
          },
          free: { cost_per_1k_tokens: 0, error_rate: 7 },
          dear: { cost_per_1k_tokens: 3 },
        },
      }),
    })
    const [file] = (await world.config()).layers.flatMap(({ capabilities }) => capabilities ?? [])
    expect(file).toMatchObject({ telemetry_window_hours: 24 })
    expect(file?.entries[0]).toEqual({
      name: 'xai-grok4-fast',
      provider: 'xai',
      model: 'grok-4-fast',
      source: 'capabilities.json',
      place: expect.objectContaining({ line: 1 }),
      facts: {
        skills: { coding: 0.8 },
        context_window: 2_000_000,
        max_output: 30_000,
        tools: true,
        vision: false,
        json: true,
        usual: { latency_ms: 800, error_rate: 0.01 },
      },
      flat_price: 200_000_000,
    })
    expect(file?.entries.map(({ flat_price }) => flat_price)).toEqual([200_000_000, undefined, undefined])
    expect(file?.problems.map(({ message }) => message)).toEqual([
      'the skill "odd" should be a number from 0 to 1',
      'error_rate of "free" should be a number from 0 to 1',
      'cost_per_1k_tokens comes to $3000 for a million tokens, more than $1000',
    ])
  })

  it.each(['', '[]', '3', '{', '{"models": 3}', '{"models": [null, 3, {"name": "a"}]}', '{"a": {"skills": 3}}'])(
    'whatever stands in it, nothing is thrown: %s',
    async (text) => {
      const world = await makeWorld({ '@/capabilities.json': text })
      const [file] = (await world.config()).layers.flatMap(({ capabilities }) => capabilities ?? [])
      expect(Array.isArray(file?.entries)).toBe(true)
    },
  )
})
