import type { ModelCard, Prices } from '../events/model-card.ts'
import type { ModelFacts, StatedFacts } from '../events/model-facts.ts'
import type { JsonObject } from '../events/values.ts'
import { CATALOGUE, type Catalogue } from './catalogue.ts'

/** Who stands behind the name of a provider. */
export interface Identity {
  /** One name for all spellings of a provider. */
  readonly name: string
  /** Whose models it serves, where that is known. */
  readonly vendor?: string
  /** On this machine, without a bill. */
  readonly local: boolean
}

export interface RegistrySources {
  identify(provider: string): Identity
  /** The nearest first. */
  readonly stated: readonly StatedFacts[]
  /** Without it nothing is known of the models of vendors. */
  readonly catalogue?: Catalogue
}

/** One thing that is known, and who says so. */
export interface Fact {
  readonly fact: keyof ModelFacts
  readonly source: string
  /** The stated facts it is from. */
  readonly stated?: StatedFacts
}

export interface Description {
  readonly card: ModelCard
  readonly facts: readonly Fact[]
  /** The model of the catalogue that it is taken for. */
  readonly entry?: string
  /** A price was stated that cannot be right; it is not used. */
  readonly bad_price?: StatedFacts
}

export interface Registry {
  /** `options`: what the provider is told with each call; a local server's context may stand there. */
  card(provider: string, model: string, options?: JsonObject): ModelCard | undefined
  describe(provider: string, model: string, options?: JsonObject): Description | undefined
}

const KEYS = [
  'context_window',
  'max_input',
  'max_output',
  'tools',
  'vision',
  'json',
  'reasoning',
  'skills',
  'usual',
] as const satisfies readonly (keyof ModelFacts)[]

const FREE: Prices = { input: 0, output: 0 }

/** Everything that is known of models. The same sources give the same cards. */
export function createRegistry(sources: RegistrySources): Registry {
  const known = new Map<string, Description | undefined>()
  const describe: Registry['describe'] = (provider, model, options) => {
    const context = readContext(sources.identify(provider), options)
    const key = JSON.stringify([provider, model, context])
    if (!known.has(key)) known.set(key, describeModel(sources, { provider, model, context }))
    return known.get(key)
  }
  return { describe, card: (provider, model, options) => describe(provider, model, options)?.card }
}

interface Asked {
  readonly provider: string
  readonly model: string
  readonly context: number | undefined
}

/** What one source says. */
interface Layer {
  readonly source: string
  readonly facts: ModelFacts
  readonly stated?: StatedFacts
}

function describeModel(sources: RegistrySources, { provider, model, context }: Asked): Description | undefined {
  const { name, vendor, local } = sources.identify(provider)
  const stated = sources.stated.filter(
    (each) => each.model === model && (each.provider === provider || sources.identify(each.provider).name === name),
  )
  const entry = vendor === undefined || local ? undefined : sources.catalogue?.find(vendor, model)
  const layers: Layer[] = [
    ...stated.map((each): Layer => ({ source: each.source, facts: each.facts, stated: each })),
    ...(entry ? [{ source: 'catalogue', facts: entry.facts }] : []),
    ...(local ? [{ source: 'local', facts: { prices: FREE } }] : []),
  ]
  const found: { [fact: string]: unknown } = {}
  const facts: Fact[] = []
  const take = (fact: keyof ModelFacts, value: unknown, from: Omit<Layer, 'facts'>) => {
    found[fact] = value
    facts.push({ fact, source: from.source, ...(from.stated ? { stated: from.stated } : {}) })
  }
  for (const key of KEYS) {
    const layer = layers.find((each) => each.facts[key] !== undefined)
    const window = key === 'context_window' ? (layer?.facts.context_window ?? Infinity) : undefined
    if (context !== undefined && window !== undefined && context < window) take(key, context, { source: 'profile' })
    else if (layer) take(key, layer.facts[key], layer)
  }
  const priced = findPrices(layers, stated)
  if (priced.prices) take('prices', priced.prices, priced)
  if (facts.length === 0 && !priced.bad) return undefined
  const names = [...new Set(facts.map(({ source }) => source))]
  const card: ModelCard = {
    provider,
    model,
    ...(found as ModelFacts),
    sources: ORDER.filter((source) => names.includes(source)),
    ...(priced.source === 'catalogue' ? { as_of: CATALOGUE.as_of } : {}),
  }
  return {
    card,
    facts,
    ...(entry ? { entry: entry.entry } : {}),
    ...(priced.bad ? { bad_price: priced.bad } : {}),
  }
}

const ORDER = ['profile', 'models.yaml', 'capabilities.json', 'catalogue', 'local']

interface Priced {
  readonly source: string
  readonly prices?: Prices
  readonly stated?: StatedFacts
  readonly bad?: StatedFacts
}

/** Prices are taken whole: half of them from here and half from there would be nobody's. */
function findPrices(layers: readonly Layer[], stated: readonly StatedFacts[]): Priced {
  for (const layer of layers) {
    if (layer.stated?.bad_price) return { source: layer.source, bad: layer.stated }
    if (layer.facts.prices) return { ...layer, prices: layer.facts.prices }
  }
  const flat = stated.find(({ flat_price }) => flat_price !== undefined)
  if (flat?.flat_price === undefined) return { source: '' }
  return { source: flat.source, prices: { input: flat.flat_price, output: flat.flat_price }, stated: flat }
}

/** Ollama keeps so many tokens and forgets the others. */
function readContext({ vendor }: Identity, options: JsonObject | undefined): number | undefined {
  const given = vendor === 'ollama' ? options?.['num_ctx'] : undefined
  return typeof given === 'number' && Number.isSafeInteger(given) && given > 0 ? given : undefined
}
