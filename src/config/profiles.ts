import { basename, extname, join } from 'node:path'
import type { Place, Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { isMap } from '../graph/report.ts'
import { makeChooser, type RoutedChoice } from '../graph/routed-choice.ts'
import { type Locate, type Path, parseYaml } from '../graph/yaml.ts'
import { checkData, toConfigProblem, type Whence } from './checked-data.ts'
import type { Config } from './config.ts'
import { walkFiles } from './file-tree.ts'
import type { Layer } from './layers.ts'
import type { ModelsFile } from './models-file.ts'
import { fenceLevel, type Level } from './paths.ts'
import { chooserSchema, profileSchema } from './schema.ts'
import { readTextFile } from './text-file.ts'

/** A profile and where it was written. The places are not enumerable: a copy by spreading is the profile alone, fit for a journal. */
export type FoundProfile = ModelProfile & ProfileOrigin

interface ProfileOrigin {
  readonly level: Level
  readonly place: Place
  /** Where its fallback is named. */
  readonly fallback_place?: Place
}

export interface Profiles {
  readonly profiles: ReadonlyMap<string, FoundProfile>
  /** Profiles that are there and cannot be used. Such a name hides the same name on farther levels. */
  readonly broken: ReadonlyMap<string, readonly Problem[]>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/**
 * All model profiles. The nearest level wins by name; on one level `config.yaml` wins over the files in `profiles/`, among those the
 * first in the order of file names, and both over `models.yaml`.
 */
export async function readProfiles(config: Config): Promise<Profiles> {
  const reading = new Reading()
  for (const layer of config.layers) {
    reading.openLevel(layer.level)
    const given = layer.data['model_profiles']
    if (given !== undefined) reading.takeAll(given, { place: layer.place, base: ['model_profiles'] })
    await readFolder(reading, layer, config)
    reading.takeModels(layer.models)
  }
  return reading
}

async function readFolder(reading: Reading, { level, folder }: Layer, { paths }: Config): Promise<void> {
  if (folder === undefined) return
  const within = fenceLevel(paths, level, folder)
  const tree = await walkFiles(join(folder, 'profiles'), { wanted: (name) => /\.(ya?ml|json)$/.test(name), within })
  reading.problems.push(...tree.problems.map(toConfigProblem))
  for (const { file } of tree.files) {
    const read = await readTextFile(file)
    if (!read.found) {
      if (read.problem) reading.problems.push(toConfigProblem(read.problem))
      continue
    }
    const yaml = parseYaml(read.text, file)
    reading.problems.push(...yaml.problems.map(toConfigProblem))
    if (yaml.data !== undefined) reading.takeFile(yaml.data, yaml)
  }
}

/** Any of these says that a map is one profile. */
const PROFILE_KEYS = ['model', 'provider', 'name', 'candidates', 'requirements']

class Reading implements Profiles {
  readonly profiles = new Map<string, FoundProfile>()
  readonly broken = new Map<string, readonly Problem[]>()
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  #level: Level = 'environment'
  /** Where each name of this level was first seen. */
  #seen = new Map<string, Place>()

  openLevel(level: Level): void {
    this.#level = level
    this.#seen = new Map()
  }

  /** One profile, a map under `model_profiles:`, or a list under `profiles:` (either key with either form). */
  takeFile(data: Json, whence: Whence): void {
    if (isMap(data)) {
      const key = ['model_profiles', 'profiles'].find((name) => Object.hasOwn(data, name))
      if (key !== undefined) return this.takeAll(data[key] as Json, { ...whence, base: [key] })
      const { file } = whence.place([])
      const name = data['name'] ?? (file === undefined ? undefined : basename(file, extname(file)))
      if (PROFILE_KEYS.some((key) => key in data))
        return this.#take(name as Json | undefined, data as Json, { ...whence, base: [] })
    } else if (Array.isArray(data)) return this.takeAll(data, whence)
    if (data !== null)
      this.problems.push({
        code: 'config_invalid',
        message: 'this file holds no model profile',
        hint: 'Write name, provider and model at the top, or a list of such maps under `profiles:`.',
        ...whence.place([]),
      })
  }

  takeAll(data: Json, whence: Whence): void {
    const base = whence.base ?? []
    if (Array.isArray(data)) {
      for (const [index, item] of data.entries()) this.#takeItem(item, { ...whence, base: [...base, index] })
    } else if (isMap(data)) {
      for (const [name, value] of Object.entries(data))
        this.#take(name, value as Json, { ...whence, base: [...base, name] })
    } else if (data !== null) this.#refuse(whence, 'model profiles are a map of names, or a list')
  }

  /** The profiles that a `models.yaml` makes give way to those that are written as such. */
  takeModels(models: ModelsFile | undefined): void {
    if (!models) return
    this.problems.push(...models.problems)
    this.warnings.push(...models.warnings)
    for (const { name, data, place, problems } of models.profiles) {
      if (this.profiles.has(name) || this.broken.has(name)) continue
      if (problems.length > 0) this.broken.set(name, problems)
      else
        this.profiles.set(
          name,
          attachOrigin({ ...(data as unknown as ModelProfile), name }, { level: this.#level, place }),
        )
    }
  }

  /** An entry of a list: `{name, ...}`, or `{NAME: {...}}`. */
  #takeItem(item: Json, whence: Whence & { readonly base: Path }): void {
    if (!isMap(item)) return this.#refuse(whence, 'a model profile is a map of keys')
    const [only, ...others] = Object.entries(item)
    if (only && others.length === 0 && isMap(only[1]))
      return this.#take(only[0], only[1] as Json, { ...whence, base: [...whence.base, only[0]] })
    return this.#take(item['name'] as Json | undefined, item as Json, whence)
  }

  #take(name: Json | undefined, data: Json, whence: Whence & { readonly base: Path }): void {
    if (typeof name !== 'string' || name === '') return this.#refuse(whence, 'this model profile has no name')
    const place = placeOf(whence.place, whence.base)
    const twin = this.#seen.get(name)
    if (twin) {
      const where = `${twin.file ?? ''}${twin.line === undefined ? '' : `:${twin.line}`}`
      const message = `the model profile "${name}" stands twice on this level; the one in ${where} is used`
      this.warnings.push({ code: 'name_duplicate', message, severity: 'warning', ...place })
      return
    }
    this.#seen.set(name, place)
    const chooses = isMap(data) && ('candidates' in data || 'requirements' in data)
    const checked = checkData(chooses ? chooserSchema : profileSchema, data, whence)
    const problems = checked.problems.map((problem) => ({
      ...problem,
      message: `profile "${name}": ${problem.message}`,
    }))
    this.problems.push(...problems)
    this.warnings.push(...checked.warnings)
    if (this.profiles.has(name) || this.broken.has(name)) return
    if (problems.length > 0) {
      this.broken.set(name, problems)
      return
    }
    const { fallback_model_profile, fallback: short, description: _, ...fields } = checked.data
    const fallback = (fallback_model_profile ?? short) as string | undefined
    const key = fallback_model_profile === undefined ? 'fallback' : 'fallback_model_profile'
    const profile: ModelProfile = {
      ...(chooses ? readChooser(name, fields) : (fields as unknown as ModelProfile)),
      name,
      ...(fallback === undefined ? {} : { fallback }),
    }
    const fallbackPlace = fallback === undefined ? {} : { fallback_place: whence.place([...whence.base, key]) }
    this.profiles.set(name, attachOrigin(profile, { level: this.#level, place, ...fallbackPlace }))
  }

  #refuse(whence: Whence, message: string): void {
    this.problems.push({ code: 'config_invalid', message, ...whence.place(whence.base ?? []) })
  }
}

function readChooser(name: string, { candidates, requirements, routing, ...fields }: JsonObject): ModelProfile {
  const chooser = makeChooser(name, { candidates, requirements, routing } as RoutedChoice)
  return { ...(fields as unknown as ModelProfile), ...chooser }
}

function attachOrigin(profile: ModelProfile, origin: ProfileOrigin): FoundProfile {
  const hidden = Object.entries(origin).map(([key, value]) => [key, { value, enumerable: false }])
  return Object.defineProperties(profile, Object.fromEntries(hidden)) as FoundProfile
}

function placeOf(place: Locate, path: Path): Place {
  return place(path, typeof path.at(-1) === 'string' ? 'key' : 'value')
}
