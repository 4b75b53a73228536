import { join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import type { ModelFacts, StatedFacts } from '../events/model-facts.ts'
import { readPrice } from '../events/prices.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap } from '../graph/report.ts'
import { type Locate, type Path, parseYaml } from '../graph/yaml.ts'
import { toConfigProblem } from './checked-data.ts'
import { readTextFile } from './text-file.ts'

/** One model of a `capabilities.json`, before it is known which model is meant. */
export interface CapabilityEntry extends Omit<StatedFacts, 'provider' | 'model'> {
  /** Its key, or its name in a list. */
  readonly name: string
  /** Where the file says it itself. */
  readonly provider?: string
  readonly model?: string
}

export interface CapabilitiesFile {
  readonly file: string
  readonly entries: readonly CapabilityEntry[]
  /** Hours of the past that telemetry looks back on. */
  readonly telemetry_window_hours?: number
  readonly problems: readonly Problem[]
}

/** The `capabilities.json` of a folder; undefined when there is none. */
export async function readCapabilities(folder: string): Promise<CapabilitiesFile | undefined> {
  const file = join(folder, 'capabilities.json')
  const read = await readTextFile(file)
  if (!read.found) return read.problem && { file, entries: [], problems: [toConfigProblem(read.problem)] }
  const yaml = parseYaml(read.text, file)
  if (yaml.data === undefined) return { file, entries: [], problems: yaml.problems.map(toConfigProblem) }
  return { file, ...understandCapabilities(yaml.data, yaml.place) }
}

/** Models under `models:` or at the top, as a map of names or as a list. */
export function understandCapabilities(data: Json, place: Locate): Omit<CapabilitiesFile, 'file'> {
  const problems: Problem[] = []
  const refuse = (path: Path, message: string, hint?: string) =>
    problems.push({ code: 'config_invalid', message, ...(hint === undefined ? {} : { hint }), ...place(path) })
  const hours = isMap(data) ? data['telemetry_window_hours'] : undefined
  const isWindow = typeof hours === 'number' && hours > 0
  if (hours !== undefined && !isWindow)
    refuse(['telemetry_window_hours'], 'telemetry_window_hours should be a number of hours above 0')
  const entries = listCapabilities(data).flatMap(({ name, path, entry }) => {
    if (!isMap(entry)) {
      refuse(path, 'a map of what a model can do is expected here')
      return []
    }
    return [readEntry(name, entry as JsonObject, { path, place, refuse })]
  })
  return { entries, ...(isWindow ? { telemetry_window_hours: hours } : {}), problems }
}

interface Listed {
  readonly name: string
  readonly path: Path
  readonly entry: Json
}

/** The models of the file with their places. */
export function listCapabilities(data: Json): readonly Listed[] {
  const base: Path = isMap(data) && data['models'] !== undefined ? ['models'] : []
  const models = (base.length > 0 && isMap(data) ? data['models'] : data) as Json
  if (Array.isArray(models))
    return models.map((entry: Json, index) => ({
      name: (isMap(entry) && textOf(entry as JsonObject, ['name', 'id'])) || String(index),
      path: [...base, index],
      entry,
    }))
  if (!isMap(models)) return []
  return Object.entries(models as JsonObject)
    .filter(([name]) => base.length > 0 || !['telemetry_window_hours', 'version'].includes(name))
    .map(([name, entry]) => ({ name, path: [...base, name], entry }))
}

const COUNTS = [
  ['context_window', 'context_window'],
  ['max_output_tokens', 'max_output'],
] as const

const FLAGS = [
  ['tools', /^supports_(tools|functions|function_calling|tool_calls)$/],
  ['vision', /^supports_(vision|images)$/],
  ['json', /^supports_(json|json_mode|structured_output)$/],
  ['reasoning', /^supports_(reasoning|thinking)$/],
] as const

/** Whether anything is made of a key of an entry. */
export function isUnderstood(key: string): boolean {
  return KNOWN.has(key) || FLAGS.some(([, pattern]) => pattern.test(key))
}

const KNOWN: ReadonlySet<string> = new Set([
  'provider',
  'model',
  'model_id',
  'model_name',
  'name',
  'id',
  'skills',
  'context_window',
  'max_output_tokens',
  'cost_per_1k_tokens',
  'avg_latency_ms',
  'error_rate',
])

interface Reading {
  readonly path: Path
  readonly place: Locate
  refuse(path: Path, message: string, hint?: string): void
}

function readEntry(name: string, entry: JsonObject, { path, place, refuse }: Reading): CapabilityEntry {
  const facts: { -readonly [key in keyof ModelFacts]: ModelFacts[key] } = {}
  const number = (key: string, fits: (value: number) => boolean, wanted: string): number | undefined => {
    const value = entry[key]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'number' && fits(value)) return value
    refuse([...path, key], `${key} of ${JSON.stringify(name)} should be ${wanted}`)
    return undefined
  }
  for (const [key, fact] of COUNTS) {
    const count = number(key, (value) => Number.isSafeInteger(value) && value > 0, 'a whole number above 0')
    if (count !== undefined) facts[fact] = count
  }
  for (const [fact, pattern] of FLAGS) {
    const key = Object.keys(entry).find((each) => pattern.test(each) && typeof entry[each] === 'boolean')
    if (key !== undefined) facts[fact] = entry[key] as boolean
  }
  const skills = entry['skills']
  if (isMap(skills)) {
    const good = Object.entries(skills).filter(([skill, value]) => {
      const isGood = typeof value === 'number' && value >= 0 && value <= 1
      if (!isGood)
        refuse([...path, 'skills', skill], `the skill ${JSON.stringify(skill)} should be a number from 0 to 1`)
      return isGood
    })
    facts.skills = Object.fromEntries(good) as { [skill: string]: number }
  }
  const latency_ms = number('avg_latency_ms', (value) => value >= 0, 'a number of ms')
  const error_rate = number('error_rate', (value) => value >= 0 && value <= 1, 'a number from 0 to 1')
  if (latency_ms !== undefined || error_rate !== undefined)
    facts.usual = {
      ...(latency_ms === undefined ? {} : { latency_ms }),
      ...(error_rate === undefined ? {} : { error_rate }),
    }
  const provider = textOf(entry, ['provider'])
  const model = textOf(entry, ['model', 'model_id', 'model_name'])
  const flat_price = readFlat(entry['cost_per_1k_tokens'], { path: [...path, 'cost_per_1k_tokens'], place, refuse })
  return {
    name,
    source: 'capabilities.json',
    place: place(path, typeof path.at(-1) === 'string' ? 'key' : 'value'),
    facts,
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(flat_price === undefined ? {} : { flat_price }),
  }
}

/** Zero stands in such files where nobody knew better; it is not taken for a price. */
function readFlat(given: Json | undefined, { path, refuse }: Reading): number | undefined {
  if (given === undefined || given === null || given === 0) return undefined
  if (typeof given !== 'number') {
    refuse(path, 'cost_per_1k_tokens should be a number of dollars')
    return undefined
  }
  const read = readPrice(given, 'per_1k')
  if (read.ok) return read.nano
  const hint = read.meant && `Was it meant ${read.meant.replace('_', ' ')}? It is not used.`
  refuse(path, `cost_per_1k_tokens ${read.fault}`, hint)
  return undefined
}

function textOf(entry: JsonObject, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = entry[key]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
