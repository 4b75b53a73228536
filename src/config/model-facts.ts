import type { Problem } from '../events/errors.ts'
import type { Prices } from '../events/model-card.ts'
import type { ModelFacts } from '../events/model-facts.ts'
import { PRICE_UNITS, type PriceUnit, readPrice } from '../events/prices.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { suggest } from '../graph/nearest.ts'
import { isMap, Report } from '../graph/report.ts'
import { describeValue } from '../graph/schema-issues.ts'
import type { Locate, Path } from '../graph/yaml.ts'
import { toConfigProblem } from './checked-data.ts'

const COUNTS = ['context_window', 'max_input', 'max_output'] as const
const FLAGS = ['tools', 'vision', 'json', 'reasoning'] as const
const RATES = ['input', 'output', 'cache_read', 'cache_write', 'cache_write_long'] as const
const PRICE_KEYS = [...RATES, 'batch', 'unit', 'currency']

export interface ModelFactsRead {
  readonly facts: ModelFacts
  /** A price that cannot be right. */
  readonly bad_price: boolean
  /** What stands beside the facts: settings of calls. */
  readonly rest: JsonObject
  readonly problems: readonly Problem[]
}

/** Takes what an entry says of the model itself; all else in it is for its calls. */
export function readModelFacts(
  entry: JsonObject,
  from: { readonly place: Locate; readonly base: Path },
): ModelFactsRead {
  const report = new Report((path, part) => from.place([...from.base, ...path], part))
  const rest: { [key: string]: Json } = { ...entry }
  const facts: { -readonly [key in keyof ModelFacts]: ModelFacts[key] } = {}
  const take = (key: string): Json | undefined => {
    const value = rest[key]
    delete rest[key]
    return value
  }
  for (const key of COUNTS) {
    const value = take(key)
    if (value === undefined || value === null) continue
    if (isCount(value)) facts[key] = value
    else refuse(report, [key], `should be a whole number of tokens, not ${describeValue(value)}`)
  }
  for (const key of FLAGS) {
    // As anything but true or false it is an option of the provider that happens to be called so.
    if (typeof rest[key] === 'boolean') facts[key] = take(key) as boolean
  }
  const skills = readSkills(report, take('skills'))
  if (skills) facts.skills = skills
  const given = take('prices')
  const prices = given === undefined || given === null ? undefined : readPrices(report, given)
  if (prices) facts.prices = prices
  const bad_price = given !== undefined && given !== null && !prices
  return { facts, bad_price, rest, problems: report.problems.map(toConfigProblem) }
}

function isCount(value: Json): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

/** What is wrong with the value, and with some what to do. */
type Fault = string | { readonly what: string; readonly hint: string | undefined }

function refuse(report: Report, path: Path, fault: Fault): void {
  const { what, hint } = typeof fault === 'string' ? { what: fault, hint: undefined } : fault
  const message = `${path.join('.')} ${what}`
  report.add(path, { code: 'config_invalid', message, ...(hint === undefined ? {} : { hint }) })
}

function readSkills(report: Report, given: Json | undefined): ModelFacts['skills'] {
  if (given === undefined || given === null) return undefined
  if (!isMap(given)) {
    refuse(report, ['skills'], `should be a map of capabilities and numbers, not ${describeValue(given)}`)
    return undefined
  }
  for (const [name, value] of Object.entries(given))
    if (!isPart(value)) refuse(report, ['skills', name], `should be a number from 0 to 1, not ${describeValue(value)}`)
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, number] => isPart(entry[1])))
}

function isPart(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}

/** Undefined when anything in it cannot be right: a price is never half believed. */
function readPrices(report: Report, given: Json): Prices | undefined {
  if (!isMap(given)) {
    refuse(report, ['prices'], `should be a map with input and output, not ${describeValue(given)}`)
    return undefined
  }
  const prices = given as JsonObject
  const before = report.problems.length
  for (const key of Object.keys(prices))
    if (!PRICE_KEYS.includes(key))
      refuse(report, ['prices', key], { what: 'is no price that is known', hint: suggest(key, PRICE_KEYS).hint })
  const { currency = 'USD', unit = 'per_million', batch } = prices
  if (typeof currency !== 'string' || currency.toUpperCase() !== 'USD')
    refuse(report, ['prices', 'currency'], { what: 'should be USD', hint: 'Prices are in US dollars: convert them.' })
  if (!isUnit(unit))
    refuse(report, ['prices', 'unit'], `should be ${Object.keys(PRICE_UNITS).join(', ')}, not ${describeValue(unit)}`)
  if (batch !== undefined && batch !== null && !isPart(batch))
    refuse(report, ['prices', 'batch'], {
      what: 'should be a part of the usual price, from 0 to 1',
      hint: 'Half the price is 0.5.',
    })
  const rates: { [key in (typeof RATES)[number]]?: number } = {}
  for (const key of RATES) {
    const value = prices[key]
    const nano = isUnit(unit) ? readRate(report, { key, value, unit }) : undefined
    if (nano !== undefined) rates[key] = nano
  }
  const { input, output } = rates
  if (report.problems.length > before || input === undefined || output === undefined) return undefined
  return { ...rates, input, output, ...(typeof batch === 'number' ? { batch } : {}) }
}

function isUnit(unit: unknown): unit is PriceUnit {
  return typeof unit === 'string' && Object.hasOwn(PRICE_UNITS, unit)
}

function readRate(
  report: Report,
  { key, value, unit }: { key: string; value: Json | undefined; unit: PriceUnit },
): number | undefined {
  const path = ['prices', key]
  if (value === undefined || value === null) {
    if (key === 'input' || key === 'output')
      refuse(report, path, { what: 'is missing', hint: 'Give both prices; a model without a bill has 0 and 0.' })
    return undefined
  }
  if (typeof value !== 'number') {
    const hint = 'Write dollars without a sign, and a point before the cents: 0.25.'
    refuse(report, path, { what: `should be a number of dollars, not ${describeValue(value)}`, hint })
    return undefined
  }
  const read = readPrice(value, unit)
  if (read.ok) return read.nano
  const hint = read.meant && `Was it meant ${read.meant.replace('_', ' ')}? Then write: unit: ${read.meant}`
  refuse(report, path, { what: read.fault, hint })
  return undefined
}
