import * as z from 'zod'
import { OrcError, type Problem } from '../../events/errors.ts'
import type { ModelCard, Prices, Rate } from '../../events/model-card.ts'
import { toDollars } from '../../events/prices.ts'
import { suggest } from '../../graph/nearest.ts'
import type { ModelProfile } from '../../graph/profile.ts'
import { VENDORS } from '../../providers/vendors.ts'
import { CATALOGUE, listCatalogued } from '../../router/catalogue.ts'
import type { Description } from '../../router/registry.ts'
import type { App } from '../app.ts'
import type { OpenedCards } from '../model-cards.ts'
import { defineOperation } from '../operation.ts'

const ABILITIES = ['tools', 'vision', 'json', 'reasoning'] as const
/** From this on a skill counts as one. */
const SKILLED = 0.5

/** How old the catalogue is. */
export interface CatalogueAge {
  readonly version: string
  /** YYYY-MM-DD. */
  readonly as_of: string
  readonly days: number
}

/** Prices in dollars for a million tokens. */
export interface DollarRate {
  readonly input: number
  readonly output: number
  readonly cache_read?: number
  readonly cache_write?: number
  readonly cache_write_long?: number
}

export interface ModelRow {
  readonly provider: string
  readonly model: string
  readonly profiles?: readonly string[]
  readonly context_window?: number
  readonly max_output?: number
  readonly prices?: DollarRate
  readonly capabilities: readonly string[]
  readonly sources: readonly string[]
}

export const listModelsOperation = defineOperation({
  name: 'models list',
  summary: 'List the models of your profiles and files; with a filter, those of the price catalogue too.',
  input: z.object({
    provider: z.string().optional().describe('Only models of this provider.'),
    capability: z
      .string()
      .optional()
      .describe('Only models that can do this: tools, vision, json, reasoning, or a skill from your files.'),
  }),
  run: async ({ provider, capability }, { app }) => {
    const { cards } = app.models
    const opened = await cards.open()
    const isWanted = (name: string) =>
      provider === undefined || cards.identify(name).name === cards.identify(provider).name
    const models = listNames(app, opened, { provider, all: provider !== undefined || capability !== undefined })
      .filter((each) => isWanted(each.provider))
      .map((each) => describeRow(each, opened))
      .filter((row) => capability === undefined || row.capabilities.includes(capability))
    return { models, catalogue: ageOf(), problems: [...app.profiles.problems, ...cards.problems] }
  },
})

export const showModel = defineOperation({
  name: 'models show',
  summary: 'Show what is known of a model: its limits, its prices, what it can do, and who says so.',
  input: z.object({ model: z.string().min(1).describe('A profile, PROVIDER/MODEL, or a model of the catalogue.') }),
  run: async (input, { app }) => {
    const { cards } = app.models
    const opened = await cards.open()
    const { name, provider, model, options } = await findProfile(app, opened, input.model)
    const known = opened.registry.describe(provider, model, options)
    const meant = name !== '' || input.model === provider || input.model.startsWith(`${provider}/`)
    // That what runs on this machine costs nothing is said of any name.
    const nothing = !known?.facts.some(({ source }) => source !== 'local')
    if (nothing && !meant) throw new OrcError(missing(app, opened, input.model))
    return {
      provider,
      model,
      ...(name === '' ? {} : { profile: name }),
      known: known !== undefined,
      facts: known ? listFacts(known) : [],
      ...(known?.card.prices ? { prices: showPrices(known.card.prices) } : {}),
      ...(known?.entry === undefined || known.entry === model ? {} : { taken_for: known.entry }),
      ...(known?.bad_price ? { bad_price: known.bad_price.place } : {}),
      ...(known?.card.as_of === undefined ? {} : { prices_as_of: known.card.as_of }),
      catalogue: ageOf(),
    }
  },
})

interface Named {
  readonly provider: string
  readonly model: string
  readonly profiles: readonly ModelProfile[]
}

/** Those of the user first; then, if asked, the catalogue. */
function listNames(
  app: App,
  { catalogue }: OpenedCards,
  { provider, all }: { readonly provider: string | undefined; readonly all: boolean },
): readonly Named[] {
  const { cards } = app.models
  const found = new Map<string, Named>()
  const add = (name: string, model: string, profiles: readonly ModelProfile[] = []) => {
    const key = `${cards.identify(name).name}/${model}`
    const before = found.get(key)
    if (before) found.set(key, { ...before, profiles: [...before.profiles, ...profiles] })
    else found.set(key, { provider: name, model, profiles })
  }
  for (const profile of app.profiles.profiles.values()) add(profile.provider, profile.model, [profile])
  for (const each of cards.stated) add(each.provider, each.model)
  if (!all && found.size > 0) return [...found.values()]
  const asked = provider === undefined ? undefined : cards.identify(provider)
  for (const vendor of VENDORS) {
    const name = asked?.vendor === vendor.name ? (provider ?? vendor.name) : vendor.name
    if (asked && asked.vendor !== vendor.name) continue
    if (vendor.model !== undefined) add(name, vendor.model)
    if (all) for (const model of catalogue.list(vendor.name)) add(name, model)
  }
  return [...found.values()]
}

function describeRow({ provider, model, profiles }: Named, { registry }: OpenedCards): ModelRow {
  const card = registry.card(provider, model, profiles[0]?.options)
  const names = profiles.map(({ name }) => name).filter((name) => name !== `${provider}/${model}`)
  return {
    provider,
    model,
    ...(names.length > 0 ? { profiles: names } : {}),
    ...(card?.context_window === undefined ? {} : { context_window: card.context_window }),
    ...(card?.max_output === undefined ? {} : { max_output: card.max_output }),
    ...(card?.prices ? { prices: showRate(card.prices) } : {}),
    capabilities: card ? listCapabilities(card) : [],
    sources: card?.sources ?? [],
  }
}

function listCapabilities(card: ModelCard): string[] {
  const skills = Object.entries(card.skills ?? {}).filter(([, value]) => value >= SKILLED)
  return [...ABILITIES.filter((ability) => card[ability] === true), ...skills.map(([name]) => name)]
}

interface ShownFact {
  readonly fact: string
  readonly value: unknown
  readonly source: string
  readonly file?: string
  readonly line?: number
}

/** Each fact with who says so; prices are shown by themselves. */
function listFacts({ card, facts }: Description): ShownFact[] {
  return facts.map(({ fact, source, stated }) => ({
    fact,
    value: fact === 'prices' ? null : card[fact],
    source,
    ...(stated?.place.file === undefined ? {} : { file: stated.place.file }),
    ...(stated?.place.line === undefined ? {} : { line: stated.place.line }),
  }))
}

/** What `run --model` means by the name; a name alone that only one vendor has, too. */
async function findProfile(app: App, opened: OpenedCards, name: string): Promise<ModelProfile> {
  const { catalogue } = opened
  const { profiles, broken } = app.profiles
  if (!profiles.has(name) && !broken.has(name) && !name.includes('/')) {
    const stated = app.models.cards.stated.find(({ model }) => model === name)
    const vendor = listCatalogued().find((each) => catalogue.find(each, name)?.facts.prices !== undefined)
    const provider = stated?.provider ?? vendor
    if (provider !== undefined) return { name: '', provider, model: name }
  }
  try {
    return (await app.models.findModel(name)).profile
  } catch (error) {
    if (error instanceof OrcError && error.code === 'not_found') throw new OrcError(missing(app, opened, name))
    throw error
  }
}

/** Nobody knows the name: neither a profile, a file nor the catalogue; what a server that is the default may have is a guess. */
function missing(app: App, { catalogue }: OpenedCards, name: string): Problem {
  const models = [
    ...app.models.cards.stated,
    ...listCatalogued().flatMap((provider) => catalogue.list(provider).map((model) => ({ provider, model }))),
  ]
  const known = [
    ...app.profiles.profiles.keys(),
    ...models.map(({ provider, model }) => (name.includes('/') ? `${provider}/${model}` : model)),
  ]
  const hint = 'See them with: llm-orc models list. A model that no list has is PROVIDER/MODEL.'
  return { code: 'not_found', message: `there is no model or profile ${name}`, hint, ...suggest(name, known) }
}

function showPrices(prices: Prices) {
  return {
    ...showRate(prices),
    ...(prices.above
      ? { above: prices.above.map((tier) => ({ input_tokens: tier.input_tokens, ...showRate(tier) })) }
      : {}),
    ...(prices.batch === undefined ? {} : { batch: prices.batch }),
  }
}

function showRate({ input, output, cache_read, cache_write, cache_write_long }: Rate): DollarRate {
  return {
    input: toDollars(input),
    output: toDollars(output),
    ...(cache_read === undefined ? {} : { cache_read: toDollars(cache_read) }),
    ...(cache_write === undefined ? {} : { cache_write: toDollars(cache_write) }),
    ...(cache_write_long === undefined ? {} : { cache_write_long: toDollars(cache_write_long) }),
  }
}

function ageOf(): CatalogueAge {
  const days = Math.max(0, Math.floor((Date.now() - Date.parse(CATALOGUE.as_of)) / 86_400_000))
  return { ...CATALOGUE, days }
}
