import type { CapabilityEntry } from '../config/capabilities.ts'
import type { Config } from '../config/config.ts'
import type { Profiles } from '../config/profiles.ts'
import type { Problem } from '../events/errors.ts'
import type { ModelRequest, Usage } from '../events/messages.ts'
import { type ModelCard, priceUsage } from '../events/model-card.ts'
import type { StatedFacts } from '../events/model-facts.ts'
import { readPrice } from '../events/prices.ts'
import type { ProfileLookup } from '../graph/candidates.ts'
import { findVendor } from '../providers/vendors.ts'
import { type Catalogue, isCatalogued, openCatalogue } from '../router/catalogue.ts'
import { createRegistry, type Identity, type Registry } from '../router/registry.ts'

export type FindCard = NonNullable<ProfileLookup['card']>

/** What is known of this user's models. The catalogue is loaded when a model of a vendor is first asked for. */
export interface ModelCards {
  /** Compiles with the cards at hand, and once more when it asked for one that only the catalogue has. */
  compile<T>(make: (card: FindCard) => T): Promise<T>
  /** Makes `cost` know the prices of this provider. */
  prepare(provider: string): Promise<void>
  /** What is known without waiting. */
  find(request: Pick<ModelRequest, 'provider' | 'model' | 'options'>): ModelCard | undefined
  /** Nano-dollars, of what is known without waiting; undefined when the price or the tokens are not known. */
  cost(request: Pick<ModelRequest, 'provider' | 'model' | 'options'>, usage: Usage): number | undefined
  /** Everything, with the catalogue. */
  open(): Promise<OpenedCards>
  identify(provider: string): Identity
  /** What the user wrote down, the nearest first. */
  readonly stated: readonly StatedFacts[]
  /** What of it cannot be right. */
  readonly problems: readonly Problem[]
}

export interface OpenedCards {
  readonly registry: Registry
  readonly catalogue: Catalogue
}

export function createModelCards(from: {
  readonly config: Config
  readonly profiles: Profiles
  /** The kind of provider behind a name. */
  vendorOf(name: string): { readonly name: string; readonly local: boolean } | undefined
}): ModelCards {
  const { stated, problems } = readStated(from.config, from.profiles)
  const identities = new Map<string, Identity>()
  const identify = (provider: string): Identity => {
    const known = identities.get(provider)
    if (known) return known
    const vendor = from.vendorOf(provider)
    const made = {
      name: findVendor(provider)?.name ?? provider,
      local: vendor?.local ?? false,
      ...(vendor ? { vendor: vendor.name } : {}),
    }
    identities.set(provider, made)
    return made
  }
  const isMissing = (provider: string) => !opened && isCatalogued(identify(provider).vendor ?? '')
  let registry = createRegistry({ identify, stated })
  let opened = false
  let opening: Promise<OpenedCards> | undefined
  const open = () => {
    opening ??= openCatalogue(new Date().toISOString().slice(0, 10)).then((catalogue) => {
      registry = createRegistry({ identify, stated, catalogue })
      opened = true
      return { registry, catalogue }
    })
    return opening
  }
  return {
    identify,
    stated,
    problems,
    open,
    prepare: async (provider) => {
      if (isMissing(provider)) await open()
    },
    compile: async (make) => {
      let missed = false
      const first = make((provider, model, options) => {
        missed ||= isMissing(provider)
        return registry.card(provider, model, options)
      })
      if (!missed) return first
      await open()
      return make(registry.card)
    },
    find: ({ provider, model, options }) => registry.card(provider, model, options),
    cost: ({ provider, model, options }, usage) => {
      const prices = registry.card(provider, model, options)?.prices
      // What costs nothing does so however many tokens it was.
      const isFree =
        prices !== undefined && [prices, ...(prices.above ?? [])].every(({ input, output }) => input + output === 0)
      return isFree ? 0 : priceUsage(prices, usage)
    },
  }
}

function readStated({ layers }: Config, { profiles }: Profiles): Pick<ModelCards, 'stated' | 'problems'> {
  const problems: Problem[] = []
  const capabilities: StatedFacts[] = []
  for (const { capabilities: file } of layers) {
    problems.push(...(file?.problems ?? []))
    for (const entry of file?.entries ?? []) capabilities.push(...placeEntry(entry, profiles, problems))
  }
  const older: StatedFacts[] = []
  for (const { provider, model, cost_per_token, name, place } of profiles.values()) {
    // Zero stands in older profiles where nobody knew better.
    if (cost_per_token === undefined || cost_per_token === 0) continue
    const read = readPrice(cost_per_token, 'per_token')
    if (read.ok) older.push({ provider, model, source: 'profile', place, facts: {}, flat_price: read.nano })
    else
      problems.push({
        code: 'config_invalid',
        message: `cost_per_token of the profile "${name}" ${read.fault}; it is not used`,
        severity: 'warning',
        ...(read.meant ? { hint: `The number looks like a price ${read.meant.replace('_', ' ')}.` } : {}),
        ...place,
      })
  }
  return { stated: [...layers.flatMap(({ models }) => models?.facts ?? []), ...capabilities, ...older], problems }
}

/** The model that an entry means: what it says itself, a profile of its name, `PROVIDER/MODEL`, or `PROVIDER-MODEL`. */
function placeEntry(entry: CapabilityEntry, profiles: Profiles['profiles'], problems: Problem[]): StatedFacts[] {
  const { name, provider, model, ...stated } = entry
  const profile = profiles.get(name)
  const found =
    provider !== undefined
      ? { provider, model: model ?? name }
      : profile
        ? { provider: profile.provider, model: profile.model }
        : splitName(name)
  if (found) return [{ ...stated, ...found }]
  problems.push({
    code: 'config_invalid',
    message: `capabilities.json does not say whose model "${name}" is`,
    hint: 'Give the entry `provider` and `model`.',
    severity: 'warning',
    ...entry.place,
  })
  return []
}

function splitName(name: string): { readonly provider: string; readonly model: string } | undefined {
  for (let at = name.search(/[-/]/); at > 0; ) {
    const provider = name.slice(0, at)
    if (findVendor(provider)) return { provider, model: name.slice(at + 1) }
    const next = name.slice(at + 1).search(/[-/]/)
    at = next < 0 ? -1 : at + 1 + next
  }
  return undefined
}
