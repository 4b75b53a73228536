import { join, resolve } from 'node:path'
import type { Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap } from '../graph/report.ts'
import { type Locate, parseYaml } from '../graph/yaml.ts'
import { checkData, toConfigProblem } from './checked-data.ts'
import type { Environment } from './env.ts'
import { isFolder, type Level, type Paths } from './paths.ts'
import { type Settings, settingsSchema } from './schema.ts'
import { readSettingsVariables } from './settings-env.ts'
import { readTextFile } from './text-file.ts'

/** What one level says. */
export interface Layer {
  readonly level: Level
  /** Where its `profiles/` and `roles/` are. */
  readonly folder?: string
  /** Its `config.yaml`, if it has one. */
  readonly file?: string
  readonly data: JsonObject
  readonly place: Locate
}

export interface Config {
  /** Nearest first. */
  readonly layers: readonly Layer[]
  /** All layers in one; model profiles are read by `readProfiles`. */
  readonly settings: Settings
  /** What is wrong; the rest of the same file is in force all the same. */
  readonly problems: readonly Problem[]
  /** Unknown keys, for whoever asks. */
  readonly warnings: readonly Problem[]
}

/** Everything from these depths on is taken whole from the nearest layer: half a profile from here and half from there is nobody's. */
const WHOLE_FROM: { readonly [key: string]: number } = { model_profiles: 2, chains: 2, workflows: 2, main_llm: 1 }

/** Reads the settings of every level and puts the nearest on top, key by key. Never throws for what files say. */
export async function readConfig(paths: Paths, environment: Environment): Promise<Config> {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const read = async (level: Level, folder: string, names: readonly string[]): Promise<Layer> => {
    for (const name of names) {
      const file = join(folder, name)
      const text = await readTextFile(file)
      if (text.found) return readLayer({ level, folder, file }, text.text)
      if (text.problem) problems.push(toConfigProblem(text.problem))
    }
    return { level, folder, data: {}, place: () => ({}) }
  }
  const readLayer = (about: { level: Level; folder?: string; file: string }, text: string): Layer => {
    const yaml = parseYaml(text, about.file)
    problems.push(...yaml.problems.map(toConfigProblem))
    const checked = checkData(settingsSchema, yaml.data ?? null, yaml)
    problems.push(...checked.problems)
    warnings.push(...checked.warnings)
    return { ...about, data: checked.data, place: yaml.place }
  }
  const readExtra = async (path: string): Promise<Layer[]> => {
    if (await isFolder(path)) return [await read('extra', path, CONFIG_FILES)]
    const text = await readTextFile(path)
    if (text.found) return [readLayer({ level: 'extra', file: path }, text.text)]
    problems.push(text.problem ? toConfigProblem(text.problem) : describeMissing(path))
    return []
  }

  const variables = readSettingsVariables(environment.values)
  problems.push(...variables.problems)
  const layers: Layer[] = [
    { level: 'environment', data: variables.data, place: (path) => ({ file: `$${path.join('.')}` }) },
  ]
  for (const path of paths.extra) layers.push(...(await readExtra(path)))
  if (paths.project_dir !== undefined) layers.push(await read('project', paths.project_dir, CONFIG_FILES))
  layers.push(await read('user', paths.config, CONFIG_FILES))
  // `config.json` of an earlier program has another form.
  for (const folder of paths.legacy) layers.push(await read('legacy', folder, ['config.yaml', 'config.yml']))
  layers.push(await read('system', paths.system, CONFIG_FILES))
  const merged = layers.toReversed().reduce<JsonObject>((far, layer) => merge(far, layer.data, []), {})
  for (const folder of [chooseLibrary(paths, merged, layers).library_override, paths.library])
    if (folder !== undefined) layers.push({ level: 'library', folder, data: {}, place: () => ({}) })
  return { layers, settings: merged as Settings, problems, warnings }
}
