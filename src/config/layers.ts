import { dirname, join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import { type Locate, parseYaml } from '../graph/yaml.ts'
import { type CapabilitiesFile, readCapabilities } from './capabilities.ts'
import { type CheckedData, checkData, toConfigProblem } from './checked-data.ts'
import type { Environment } from './env.ts'
import { type ModelsFile, readModelsFile } from './models-file.ts'
import { isFolder, type Level, type Paths } from './paths.ts'
import { settingsSchema } from './schema.ts'
import { nameVariable, readSettingsVariables } from './settings-env.ts'
import { readTextFile } from './text-file.ts'

/** What one level says. */
export interface Layer {
  readonly level: Level
  /** Where its `profiles/` and `roles/` are. */
  readonly folder?: string
  /** Its config file, if it has one. */
  readonly file?: string
  readonly data: JsonObject
  readonly place: Locate
  /** The `models.yaml` beside its config file. */
  readonly models?: ModelsFile
  /** The `capabilities.json` beside it. */
  readonly capabilities?: CapabilitiesFile
}

/** A layer and what is wrong in its file. */
export interface LayerRead extends Omit<CheckedData, 'data'> {
  readonly layer?: Layer
}

const CONFIG_FILES = ['config.yaml', 'config.yml', 'config.json']
// The `config.json` of an earlier program has another form.
const LEGACY_FILES = ['config.yaml', 'config.yml']

/** The settings of every level, nearest first. Never throws for what files say. */
export async function readLayers(paths: Paths, environment: Environment): Promise<readonly LayerRead[]> {
  const reads = [readVariables(environment)]
  for (const path of paths.extra) reads.push(await readExtra(path))
  if (paths.project_dir !== undefined) reads.push(await readFolder('project', paths.project_dir))
  reads.push(await readFolder('user', paths.config))
  for (const folder of paths.legacy) reads.push(await readFolder('legacy', folder, LEGACY_FILES))
  reads.push(await readFolder('system', paths.system))
  return reads
}

/** A library has no settings, only profiles and roles. */
export function makeLibraryLayer(folder: string): Layer {
  return { level: 'library', folder, data: {}, place: () => ({ file: folder }) }
}

function readVariables(environment: Environment): LayerRead {
  const { data, ...found } = readSettingsVariables(environment.values)
  return { layer: { level: 'environment', data, place: (path) => ({ file: `$${nameVariable(path)}` }) }, ...found }
}

async function readExtra(path: string): Promise<LayerRead> {
  if (await isFolder(path)) return readFolder('extra', path)
  const read = await readTextFile(path)
  if (read.found) return addModels(readLayer({ level: 'extra', file: path }, read.text), dirname(path))
  const missing: Problem = {
    code: 'config_missing',
    message: `${path} does not exist`,
    hint: 'It is named by --config-dir or LLM_ORC_CONFIG.',
    file: path,
  }
  return { problems: [read.problem ? toConfigProblem(read.problem) : missing], warnings: [] }
}

async function readFolder(level: Level, folder: string, names = CONFIG_FILES): Promise<LayerRead> {
  const problems: Problem[] = []
  for (const name of names) {
    const file = join(folder, name)
    const read = await readTextFile(file)
    if (read.found) return addModels(readLayer({ level, folder, file }, read.text), folder)
    if (read.problem) problems.push(toConfigProblem(read.problem))
  }
  const layer = { level, folder, data: {}, place: () => ({ file: folder }) }
  return addModels({ layer, problems, warnings: [] }, folder)
}

async function addModels({ layer, ...read }: LayerRead, folder: string): Promise<LayerRead> {
  const [models, capabilities] = await Promise.all([readModelsFile(folder), readCapabilities(folder)])
  if (!layer) return read
  return { ...read, layer: { ...layer, ...(models ? { models } : {}), ...(capabilities ? { capabilities } : {}) } }
}

function readLayer(about: Pick<Layer, 'level' | 'folder' | 'file'>, text: string): LayerRead {
  const yaml = parseYaml(text, about.file)
  const { data, problems, warnings } = checkData(settingsSchema, yaml.data ?? null, yaml)
  return {
    layer: { ...about, data, place: yaml.place },
    problems: [...yaml.problems.map(toConfigProblem), ...problems],
    warnings,
  }
}
