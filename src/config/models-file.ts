import { join } from 'node:path'
import * as z from 'zod'
import type { Place, Problem } from '../events/errors.ts'
import type { StatedFacts } from '../events/model-facts.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { suggest } from '../graph/nearest.ts'
import { isMap } from '../graph/report.ts'
import { type Locate, type ParsedYaml, type Path, parseYaml } from '../graph/yaml.ts'
import { checkData, toConfigProblem } from './checked-data.ts'
import { readModelFacts } from './model-facts.ts'
import { readTextFile } from './text-file.ts'

/** A profile as `models.yaml` makes it: in the form of `model_profiles:`, with the place it was made from. */
export interface ModelsProfile {
  readonly name: string
  readonly data: JsonObject
  readonly place: Place
  /** Why it cannot be used. */
  readonly problems: readonly Problem[]
}

/** A `models.yaml`: providers with their usual and other models, and what roles and personas tell them. */
export interface ModelsFile {
  readonly file: string
  /** `PROVIDER` for its default model, `PROVIDER/MODEL` for each one listed. */
  readonly profiles: readonly ModelsProfile[]
  /** The variable that holds a provider's key, where one is named. */
  readonly keys: ReadonlyMap<string, string>
  readonly roles: ReadonlyMap<string, string>
  readonly personas: ReadonlyMap<string, string>
  /** What it says of the models themselves: their limits, prices and skills. */
  readonly facts: readonly StatedFacts[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

const text = z.string().min(1)
const settings = {
  temperature: z.number().nonnegative().optional(),
  max_tokens: z.number().int().positive().optional(),
}
const additional = z.union([z.array(z.record(z.string(), z.json())), z.record(z.string(), z.json())]).optional()
const providerSchema = z.strictObject({
  api_key_name: text.optional(),
  default_model: text.optional(),
  models: z.array(z.union([text, z.looseObject({ name: text, ...settings })])).optional(),
  additional_configs: additional,
  additional_configurations: additional,
})

const SECTIONS = ['roles', 'personas'] as const
// Another name for the limit of an answer, as one of the vendors called it.
const LIMITS = ['max_tokens', 'max_gen_tokens']

/** The `models.yaml` (or `.yml`) of a folder; undefined when there is none. */
export async function readModelsFile(folder: string): Promise<ModelsFile | undefined> {
  for (const name of ['models.yaml', 'models.yml']) {
    const file = join(folder, name)
    const read = await readTextFile(file)
    if (read.found) return understand(file, parseYaml(read.text, file))
    if (read.problem) return { ...emptyFile(file), problems: [toConfigProblem(read.problem)] }
  }
  return undefined
}

function emptyFile(file: string): ModelsFile {
  const none = new Map<string, string>()
  return { file, profiles: [], keys: none, roles: none, personas: none, facts: [], problems: [], warnings: [] }
}

function understand(file: string, yaml: ParsedYaml): ModelsFile {
  const problems = yaml.problems.map(toConfigProblem)
  if (yaml.data === undefined || yaml.data === null) return { ...emptyFile(file), problems }
  if (!isMap(yaml.data)) {
    const hint = 'Write the providers as keys: `gemini:`, below it `default_model:` and `models:`.'
    problems.push({ code: 'config_invalid', message: 'models.yaml is a map of providers', hint, ...yaml.place([]) })
    return { ...emptyFile(file), problems }
  }
  const profiles: ModelsProfile[] = []
  const keys = new Map<string, string>()
  const facts: StatedFacts[] = []
  const warnings: Problem[] = []
  for (const [name, given] of Object.entries(yaml.data)) {
    if (name === 'system_prompts') continue
    const checked = checkData(providerSchema, given as Json, { ...yaml, base: [name] })
    problems.push(...checked.problems)
    warnings.push(...checked.warnings)
    const { api_key_name } = checked.data
    if (typeof api_key_name === 'string') keys.set(name, api_key_name)
    const listed = listModels(name, checked.data, yaml.place)
    const unfit = listed.flatMap((model) => model.problems)
    problems.push(...unfit)
    facts.push(...listed.flatMap((model) => model.stated ?? []))
    const all = [...checked.problems, ...unfit]
    profiles.push(...makeProfiles(name, checked.data, { place: yaml.place, problems: all, listed }))
  }
  const prompts = readPrompts(yaml.data['system_prompts'] as Json | undefined, yaml.place)
  return { file, profiles, keys, ...prompts, facts, problems: [...problems, ...prompts.problems], warnings }
}

interface ListedModel {
  readonly name: string
  readonly place: Place
  /** For calls. */
  readonly own: JsonObject
  readonly stated?: StatedFacts
  readonly problems: readonly Problem[]
}

function listModels(provider: string, data: JsonObject, place: Locate): ListedModel[] {
  return ((data['models'] ?? []) as readonly Json[]).map((model, index) => {
    const base = [provider, 'models', index]
    const given = isMap(model) ? model : { name: model }
    const { name, ...entry } = given as JsonObject & { name: string }
    const { facts, bad_price, rest, problems } = readModelFacts(entry, { place, base })
    const about = { name, place: place(base), own: rest, problems }
    if (typeof name !== 'string' || (Object.keys(facts).length === 0 && !bad_price)) return about
    const bad = bad_price ? { bad_price } : {}
    return { ...about, stated: { provider, model: name, source: 'models.yaml', place: place(base), facts, ...bad } }
  })
}

function makeProfiles(
  provider: string,
  data: JsonObject,
  from: { readonly place: Locate; readonly problems: readonly Problem[]; readonly listed: readonly ListedModel[] },
): ModelsProfile[] {
  const shared = joinSettings(data['additional_configs'] ?? data['additional_configurations'])
  const models = from.listed.map(({ name, place, own }) => ({
    name,
    place,
    fields: splitSettings({ ...shared, ...own }),
  }))
  const { default_model = models[0]?.name } = data
  if (typeof default_model !== 'string') return []
  const usual = models.find(({ name }) => name === default_model)
  const make = (name: string, model: string, more: { readonly fields: JsonObject; readonly place: Place }) => ({
    name,
    data: { provider, model, ...more.fields },
    place: more.place,
    problems: from.problems,
  })
  const standard = { fields: usual?.fields ?? splitSettings(shared), place: from.place([provider], 'key') }
  const others = models.filter(({ name }, index) => models.findIndex((model) => model.name === name) === index)
  return [
    make(provider, default_model, standard),
    ...(usual ? [] : [make(`${provider}/${default_model}`, default_model, standard)]),
    ...others.map((model) => make(`${provider}/${model.name}`, model.name, model)),
  ]
}

/** One map, or a list of maps with a key or two each. */
function joinSettings(given: Json | undefined): JsonObject {
  if (Array.isArray(given)) return Object.assign({}, ...(given as readonly JsonObject[])) as JsonObject
  return isMap(given) ? (given as JsonObject) : {}
}

/** What every provider understands stands in the profile itself, all else goes to the provider untouched. */
function splitSettings(settings: JsonObject): JsonObject {
  const { temperature, ...others } = settings
  const limit = LIMITS.map((key) => settings[key]).find((value) => value !== undefined)
  const options = Object.fromEntries(Object.entries(others).filter(([key]) => !LIMITS.includes(key)))
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(limit === undefined ? {} : { max_tokens: limit }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  }
}

type Prompts = Pick<ModelsFile, 'roles' | 'personas' | 'problems'>

/** A list holds names alone, a map names with their prompts. */
function readPrompts(given: Json | undefined, place: Locate): Prompts {
  const found = { roles: new Map<string, string>(), personas: new Map<string, string>() }
  const problems: Problem[] = []
  const refuse = (path: Path, what: { readonly message: string; readonly hint?: string }, part?: 'key') =>
    problems.push({ code: 'config_invalid', ...what, ...place(path, part) })
  if (given === undefined || given === null) return { ...found, problems }
  if (!isMap(given)) {
    refuse(['system_prompts'], { message: 'system_prompts holds `roles:` and `personas:`' })
    return { ...found, problems }
  }
  for (const [section, entries] of Object.entries(given)) {
    const path = ['system_prompts', section]
    if (section !== 'roles' && section !== 'personas') {
      refuse(path, { message: `system_prompts has no section "${section}"`, ...suggest(section, SECTIONS) }, 'key')
      continue
    }
    if (entries === null || (Array.isArray(entries) && entries.every((name) => typeof name === 'string'))) continue
    if (!isMap(entries)) {
      refuse(path, { message: `${section} are a list of names, or a map of names and prompts` })
      continue
    }
    for (const [name, prompt] of Object.entries(entries)) {
      if (typeof prompt === 'string' && prompt.trim() !== '') found[section].set(name, prompt.trim())
      else if (prompt !== null) refuse([...path, name], { message: `the prompt of "${name}" should be text` })
    }
  }
  return { ...found, problems }
}
