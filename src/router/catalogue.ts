import type { ConditionalPrice, ModelInfo, ModelPrice } from '@pydantic/genai-prices'
import type { Prices, Rate } from '../events/model-card.ts'
import type { ModelFacts } from '../events/model-facts.ts'
import { readPrice } from '../events/prices.ts'
import { findBatchPart, findFamily } from './families.ts'

/** The version of the package and the day it was published; a test compares the version with what is installed. */
export const CATALOGUE = { version: '0.1.8', as_of: '2026-09-23' } as const

/** Vendors by our names, and what the catalogue calls them. */
const VENDORS: { readonly [vendor: string]: string } = {
  anthropic: 'anthropic',
  openai: 'openai',
  google: 'google',
  xai: 'x-ai',
  mistral: 'mistral',
  deepseek: 'deepseek',
  groq: 'groq',
  openrouter: 'openrouter',
}

export interface CatalogueEntry {
  /** The catalogue's own name; a dated or newer name of the model may fall under it. */
  readonly entry: string
  readonly facts: ModelFacts
}

/** Models of the vendors that send bills, as they were known on a day. */
export interface Catalogue {
  find(vendor: string, model: string): CatalogueEntry | undefined
  /** Models that are still offered and answer in text, by the catalogue's names. */
  list(vendor: string): readonly string[]
}

/** Whether prices of this vendor's models would stand in the catalogue; costs nothing. */
export function isCatalogued(vendor: string): boolean {
  return Object.hasOwn(VENDORS, vendor)
}

export function listCatalogued(): readonly string[] {
  return Object.keys(VENDORS)
}

/**
 * Loads the catalogue that came with the program; nothing is fetched. Prices are those in force on a day (YYYY-MM-DD); where they change
 * with the hour, the dearest, so that a reservation always suffices.
 */
export async function openCatalogue(day: string): Promise<Catalogue> {
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices')
  const resolve = (vendor: string, model: string): ModelInfo | undefined => {
    const providerId = VENDORS[vendor]
    if (providerId === undefined) return undefined
    try {
      return calcPrice({}, model, { providerId })?.model
    } catch {
      // Only prices in units of audio or pages: nothing we could reckon with.
      return undefined
    }
  }
  return {
    find: (vendor, model) => {
      const info = resolve(vendor, model)
      const family = findFamily(vendor, model)
      if (!info) return family && { entry: model, facts: family }
      return { entry: info.id, facts: { ...family, ...readFacts(info, vendor, day) } }
    },
    list: (vendor) =>
      (findProvider({ providerId: VENDORS[vendor] ?? '' })?.models ?? [])
        // Some entries stand for groups of names, and their own is none of them.
        .filter(({ id, deprecated }) => deprecated !== true && resolve(vendor, id)?.id === id)
        .filter((info) => readPrices(info, day) !== undefined)
        .map(({ id }) => id),
  }
}

function readFacts(info: ModelInfo, vendor: string, day: string): ModelFacts {
  const prices = readPrices(info, day)
  const batch = findBatchPart(vendor)
  return {
    ...(isCount(info.context_window) ? { context_window: info.context_window } : {}),
    ...(prices ? { prices: { ...prices, ...(batch === undefined ? {} : { batch }) } } : {}),
  }
}

function isCount(count: number | undefined): count is number {
  return Number.isSafeInteger(count) && (count as number) > 0
}

function readPrices({ prices }: ModelInfo, day: string): Prices | undefined {
  const inForce = Array.isArray(prices) ? listInForce(prices, day) : [prices]
  return inForce
    .flatMap((price) => toPrices(price) ?? [])
    .toSorted((a, b) => b.input + b.output - a.input - a.output)[0]
}

/** The last that has begun, and those for some hours of the day that stand after it. */
function listInForce(prices: readonly ConditionalPrice[], day: string): ModelPrice[] {
  const found: ModelPrice[] = []
  for (const { constraint, prices: price } of prices.toReversed()) {
    if (constraint?.type === 'start_date' && constraint.start_date > day) continue
    found.push(price)
    if (constraint?.type !== 'time_of_date') break
  }
  return found
}

const UNITS = [
  ['input', 'input_mtok'],
  ['output', 'output_mtok'],
  ['cache_read', 'cache_read_mtok'],
  ['cache_write', 'cache_write_mtok'],
  ['cache_write_long', 'cache_write_1h_mtok'],
] as const satisfies readonly (readonly [keyof Rate, string])[]

/** Undefined when one of the prices cannot be right, or text has none. */
function toPrices(price: ModelPrice): Prices | undefined {
  const base = toRate(price, 0)
  if (!base) return undefined
  const starts = UNITS.flatMap(([, unit]) => {
    const given = price[unit]
    return typeof given === 'object' ? given.tiers.map(({ start }) => start) : []
  })
  const above = [...new Set(starts)]
    .toSorted((a, b) => a - b)
    .flatMap((start) => {
      const rate = toRate(price, start + 1)
      return rate ? [{ input_tokens: start, ...rate }] : []
    })
  if (above.length < new Set(starts).size) return undefined
  return { ...base, ...(above.length > 0 ? { above } : {}) }
}

/** What a call with so many input tokens is charged. */
function toRate(price: ModelPrice, input_tokens: number): Rate | undefined {
  const rate: { -readonly [key in keyof Rate]?: number } = {}
  for (const [key, unit] of UNITS) {
    const given = price[unit]
    if (given === undefined) continue
    const dollars =
      typeof given === 'number'
        ? given
        : (given.tiers.findLast(({ start }) => input_tokens > start)?.price ?? given.base)
    const read = readPrice(dollars)
    if (!read.ok) return undefined
    rate[key] = read.nano
  }
  return rate.input === undefined || rate.output === undefined ? undefined : (rate as Rate)
}
