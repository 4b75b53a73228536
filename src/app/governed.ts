import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../config/paths.ts'
import { realAsFar } from './locate.ts'

/** What decides about everything that runs here; by whole paths, some by a second one without links. */
export interface Governed {
  /** Nobody's but this program's: settings and rules of the user, keys, trust, journals. */
  readonly read: readonly string[]
  /** These, and what may be looked at but not changed. */
  readonly write: readonly string[]
}

/** What a folder of settings holds that decides something. */
const SETTINGS = ['config.yaml', 'config.yml', 'config.json', 'models.yaml', 'capabilities.json', 'profiles', 'roles']

/** ms for which it is known where these lead. Every run asks, and a policy made of it holds for a whole run. */
const KNOWN_MS = 1_000
const known = new WeakMap<Paths, { readonly at: number; readonly governed: Governed }>()

/** Whoever may change these may allow themselves everything; they may lie in a project, as in a home folder that is one. */
export function listGoverned(paths: Paths): Governed {
  const last = known.get(paths)
  const at = performance.now()
  if (last && at - last.at < KNOWN_MS) return last.governed
  const governed = findGoverned(paths)
  known.set(paths, { at, governed })
  return governed
}

function findGoverned({ config, data, state, cache, legacy, system, extra, project_dir }: Paths): Governed {
  const read = [config, data, state, cache, ...legacy]
  const own = project_dir === undefined ? [] : [join(project_dir, 'policy.yaml'), ...namesOf(project_dir)]
  const layers = extra.flatMap((path) => (isFolder(path) ? namesOf(path) : [path]))
  return { read: withReal(read), write: withReal([...read, system, ...own, ...layers]) }
}

function namesOf(folder: string): readonly string[] {
  return SETTINGS.map((name) => join(folder, name))
}

function withReal(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => [path, realAsFar(path)]))]
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
