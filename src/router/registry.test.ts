import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Rate } from '../events/model-card.ts'
import type { StatedFacts } from '../events/model-facts.ts'
import { CATALOGUE, type Catalogue, isCatalogued, listCatalogued, openCatalogue } from './catalogue.ts'
import { createRegistry, type Identity } from './registry.ts'

const DAY = '2026-11-21'
const place = { file: '/m.yaml', line: 3, column: 5 }

const identify = (provider: string): Identity =>
  ['ollama', 'embedded', 'scripted'].includes(provider)
    ? { name: provider, vendor: provider, local: true }
    : {
        name: provider === 'gemini' ? 'google' : provider,
        vendor: provider === 'gemini' ? 'google' : provider,
        local: false,
      }

const stating = (more: Partial<StatedFacts>): StatedFacts => ({
  provider: 'openai',
  model: 'gpt-4o',
  source: 'models.yaml',
  place,
  facts: {},
  ...more,
})

let catalogue: Catalogue
beforeAll(async () => {
  catalogue = await openCatalogue(DAY)
})

describe('the catalogue', () => {
  test('is the version whose day we tell', () => {
    const manifest = join(import.meta.dirname, '../../node_modules/@pydantic/genai-prices/package.json')
    expect(JSON.parse(readFileSync(manifest, 'utf8')).version).toBe(CATALOGUE.version)
  })

  test('B19 holds no price out of bounds: integers of nano-dollars, from 0 to $1,000 for a million tokens', () => {
    let seen = 0
    for (const vendor of listCatalogued())
      for (const model of catalogue.list(vendor)) {
        const {
          above = [],
          batch = 1,
          ...base
        } = catalogue.find(vendor, model)?.facts.prices ?? { input: -1, output: -1 }
        expect(batch > 0 && batch <= 1).toBe(true)
        const rates: readonly Rate[] = [base, ...above]
        for (const { input, output, cache_read = 0, cache_write = 0, cache_write_long = 0 } of rates)
          for (const nano of [input, output, cache_read, cache_write, cache_write_long]) {
            seen += 1
            expect(Number.isSafeInteger(nano) && nano >= 0 && nano <= 1e12, `${vendor}/${model} ${nano}`).toBe(true)
          }
        for (const tier of above) expect(Number.isSafeInteger(tier.input_tokens)).toBe(true)
      }
    expect(seen).toBeGreaterThan(3_000)
  })

  test('prices are those of the day, and the dearest of the hours', async () => {
    const before = await openCatalogue('2026-12-31')
    const after = await openCatalogue('2027-01-01')
    const input = (each: Catalogue, vendor: string, model: string) => each.find(vendor, model)?.facts.prices?.input
    expect(input(before, 'google', 'gemini-3.6-flash')).toBe(750_000_000)
    expect(input(after, 'google', 'gemini-3.6-flash')).toBe(1_500_000_000)
    expect(input(catalogue, 'deepseek', 'deepseek-chat')).toBe(270_000_000)
  })

  test('long contexts have their own rates, whole', () => {
    expect(catalogue.find('google', 'gemini-2.5-pro')?.facts.prices).toEqual({
      input: 1_250_000_000,
      output: 10_000_000_000,
      cache_read: 125_000_000,
      above: [{ input_tokens: 200_000, input: 2_500_000_000, output: 15_000_000_000, cache_read: 250_000_000 }],
      batch: 0.5,
    })
  })

  test('what no vendor has is not known', () => {
    for (const [vendor, model] of [
      ['openai', 'gpt-nonsense'],
      ['openai', 'whisper-1'],
      ['openai-compatible/openai', 'gpt-4o'],
      ['nobody', 'gpt-4o'],
      ['constructor', 'x'],
    ] as const)
      expect(catalogue.find(vendor, model)?.facts.prices).toBeUndefined()
    expect(isCatalogued('toString')).toBe(false)
  })
})

describe('cards', () => {
  const open = (stated: readonly StatedFacts[] = []) => createRegistry({ identify, stated, catalogue })

  test('a model of a vendor: what the catalogue and its family say', () => {
    expect(open().card('anthropic', 'claude-sonnet-4-5-20250929')).toEqual({
      provider: 'anthropic',
      model: 'claude-sonnet-4-5-20250929',
      context_window: 200_000,
      max_output: 64_000,
      tools: true,
      vision: true,
      json: true,
      reasoning: true,
      prices: expect.objectContaining({ input: 3_000_000_000, cache_write_long: 6_000_000_000, batch: 0.5 }),
      sources: ['catalogue'],
      as_of: CATALOGUE.as_of,
    })
    expect(open().describe('anthropic', 'claude-sonnet-4-5-20250929')?.entry).toBe('claude-sonnet-4-5')
  })

  test('B19 a model nobody knows has no card, so its price is unknown and never 0', () => {
    expect(open().card('openai', 'gpt-nonsense')).toBeUndefined()
    expect(open().card('openai-compatible/mine', 'm')).toBeUndefined()
    expect(createRegistry({ identify, stated: [] }).card('openai', 'gpt-4o')).toBeUndefined()
  })

  test('what runs here is free', () => {
    expect(open().card('scripted', 'anything')).toEqual({
      provider: 'scripted',
      model: 'anything',
      prices: { input: 0, output: 0 },
      sources: ['local'],
    })
  })

  test('what a user states wins fact by fact, the nearest first; prices are taken whole', () => {
    const near = stating({ facts: { max_output: 100, prices: { input: 5, output: 7 } } })
    const far = stating({ facts: { max_output: 200, context_window: 300, prices: { input: 1, output: 1 } } })
    const found = open([near, far]).describe('openai', 'gpt-4o')
    expect(found?.card).toMatchObject({
      max_output: 100,
      context_window: 300,
      prices: { input: 5, output: 7 },
      tools: true,
    })
    expect(found?.card.sources).toEqual(['models.yaml', 'catalogue'])
    expect(found?.card).not.toHaveProperty('as_of')
    expect(found?.facts.find(({ fact }) => fact === 'context_window')?.stated).toBe(far)
  })

  test('another spelling of the provider means the same model', () => {
    const stated = [stating({ provider: 'gemini', model: 'm', facts: { max_output: 5 } })]
    expect(open(stated).card('google', 'm')).toMatchObject({ provider: 'google', max_output: 5 })
    expect(open(stated).card('openai', 'm')).toBeUndefined()
  })

  test('B19 where a price is stated that cannot be right, none stands in for it', () => {
    const bad = stating({ bad_price: true })
    const found = open([bad]).describe('openai', 'gpt-4o')
    expect(found?.card.prices).toBeUndefined()
    expect(found?.bad_price).toBe(bad)
    const nothing = open([stating({ model: 'm', bad_price: true })]).describe('openai', 'm')
    expect(nothing?.card).toEqual({ provider: 'openai', model: 'm', sources: [] })
  })

  test('a price that is the same both ways is the last resort', () => {
    const older = { source: 'profile', flat_price: 9 }
    expect(open([stating(older)]).card('openai', 'gpt-4o')?.prices?.input).toBe(2_500_000_000)
    expect(open([stating({ ...older, model: 'm' })]).card('openai', 'm')).toMatchObject({
      prices: { input: 9, output: 9 },
      sources: ['profile'],
    })
    expect(open([stating({ ...older, provider: 'ollama', model: 'm' })]).card('ollama', 'm')?.prices).toEqual({
      input: 0,
      output: 0,
    })
  })

  test('num_ctx is the context of an Ollama model, and of no other', () => {
    const wide = [stating({ provider: 'ollama', model: 'm', facts: { context_window: 8_192 } })]
    expect(open(wide).card('ollama', 'm', { num_ctx: 2_048 })).toMatchObject({
      context_window: 2_048,
      sources: ['profile', 'local'],
    })
    expect(open(wide).card('ollama', 'm', { num_ctx: 100_000 })?.context_window).toBe(8_192)
    expect(open().card('ollama', 'm', { num_ctx: '2048' })).not.toHaveProperty('context_window')
    expect(open().card('openai', 'gpt-4o', { num_ctx: 5 })?.context_window).toBe(128_000)
  })

  test('the same sources give the same bytes, and a card is small', () => {
    const say = () => JSON.stringify(open().card('openai', 'gpt-5.6'))
    expect(say()).toBe(say())
    expect(say().length).toBeLessThan(1_000)
  })
})
