import { dirname, resolve } from 'node:path'
import type { Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap } from '../graph/report.ts'
import type { Environment } from './env.ts'
import { type Layer, makeLibraryLayer, readLayers } from './layers.ts'
import type { Paths } from './paths.ts'
import { isProjectTrusted } from './policy.ts'
import { findUntrusted, limitLayers, type Untrusted } from './project-limits.ts'
import type { Settings } from './schema.ts'

/** Everything the user has set, from all levels. */
export interface Config {
  /** The places given, with the library that the settings name. */
  readonly paths: Paths
  /** Nearest first. */
  readonly layers: readonly Layer[]
  /** All layers in one; model profiles have their own reader, `readProfiles`. */
  readonly settings: Settings
  /** What is wrong in the files. Only the named places are left out, so the caller may go on or stop. */
  readonly problems: readonly Problem[]
  /** Unknown keys, for whoever asks. */
  readonly warnings: readonly Problem[]
  /** Variables with the values that a `.env` of a project gives them. */
  readonly foreign?: ReadonlyMap<string, string>
  /** Of a project that nobody trusts. */
  readonly untrusted?: Untrusted
}

/** From these depths on a value is taken whole from the nearest layer: half a profile from here and half from there is nobody's. */
const WHOLE_FROM: { readonly [key: string]: number } = {
  model_profiles: 2,
  chains: 2,
  workflows: 2,
  mcp_servers: 2,
  main_llm: 1,
}

/** Reads the settings of every level and puts the nearest on top, key by key. What a project may not set is left out and named. */
export async function readConfig(paths: Paths, environment: Environment): Promise<Config> {
  const reads = await readLayers(paths, environment)
  const all = reads.flatMap((read) => read.layer ?? [])
  const limited = limitLayers(all, { paths, values: environment.values })
  const isTrusted = await isProjectTrusted(paths)
  const isLimited = limited.problems.length > 0 && !isTrusted
  const layers = isLimited ? limited.left : all
  const settings = layers.reduceRight<JsonObject>(
    (far, near) => mergeMaps(mergeMaps(far, keysOf(near), []), near.data, []),
    {},
  ) as Settings
  const library = findLibrary(paths, layers)
  const libraries = [library, paths.library].filter((folder) => folder !== undefined)
  return {
    paths: library === undefined ? paths : { ...paths, library_override: library },
    layers: [...layers, ...libraries.map(makeLibraryLayer)],
    settings,
    problems: [...reads.flatMap((read) => read.problems), ...(isLimited ? limited.problems : [])],
    warnings: reads.flatMap((read) => read.warnings),
    foreign: new Map([...environment.foreign.keys()].map((name) => [name, environment.values.get(name) ?? ''])),
    ...(isTrusted ? {} : { untrusted: findUntrusted(layers, { paths, foreign: environment.foreign }) }),
  }
}

/** Is the value at this path one that is never put together from several layers? */
export function isWhole(path: readonly string[]): boolean {
  const depth = WHOLE_FROM[path[0] ?? '']
  return depth !== undefined && path.length >= depth
}

/** The variables for keys that a `models.yaml` names; its own level's `providers:` wins over it. */
function keysOf({ models }: Layer): JsonObject {
  if (!models || models.keys.size === 0) return {}
  return { providers: Object.fromEntries([...models.keys].map(([name, api_key_env]) => [name, { api_key_env }])) }
}

function mergeMaps(far: JsonObject, near: JsonObject, above: readonly string[]): JsonObject {
  const merged: { [key: string]: Json } = { ...far }
  for (const [key, value] of Object.entries(near)) {
    const path = [...above, key]
    const other = merged[key]
    merged[key] = isMap(other) && isMap(value) && !isWhole(path) ? mergeMaps(other, value as JsonObject, path) : value
  }
  return merged
}

/** A relative `library.path` starts where the one who wrote it stands: at the project, the config file or the current folder. */
function findLibrary(paths: Paths, layers: readonly Layer[]): string | undefined {
  for (const layer of layers) {
    const { path } = (layer.data as Settings).library ?? {}
    if (path === undefined) continue
    const own = layer.folder ?? (layer.file === undefined ? undefined : dirname(layer.file))
    return resolve((layer.level === 'project' ? paths.project : own) ?? paths.cwd, path)
  }
  return paths.library_override
}
