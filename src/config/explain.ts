import type { Place } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { isMap, valueAt } from '../graph/report.ts'
import type { Path } from '../graph/yaml.ts'
import { type Config, isWhole } from './config.ts'
import type { Layer } from './layers.ts'
import type { Level } from './paths.ts'

export interface Saying {
  readonly level: Level
  readonly place: Place
  readonly value: Json
}

export interface Explained {
  readonly key: string
  /** Every level that says something, nearest first; the first one decides. */
  readonly sayings: readonly Saying[]
  /** The values are maps, put together key by key; ask for a key inside to see who decides it. */
  readonly merged: boolean
}

/** Says which file decides a key such as `performance.execution.default_timeout`; no sayings when none speaks of it. */
export function explainKey(config: Config, key: string): Explained {
  const sayings: Saying[] = []
  for (const layer of config.layers) {
    const found = findKey(layer.data, key)
    if (!found) continue
    if (found.complete) sayings.push({ level: layer.level, ...describe(layer, found.path) })
    // A nearer profile hides all of a farther one, also the keys it does not have.
    else if (isWhole(found.path.map(String))) break
  }
  const parts = key.split('.')
  return { key, sayings, merged: sayings.length > 1 && !isWhole(parts) && sayings.every(({ value }) => isMap(value)) }

  function describe(layer: Layer, path: Path) {
    return { place: layer.place(path, 'key'), value: valueAt(layer.data, path) as Json }
  }
}

/** Follows a dotted key. Names may hold dots themselves, so the longest name that exists is taken; lists are searched by `name`. */
function findKey(data: Json, key: string): { path: Path; complete: boolean } | undefined {
  const parts = key.split('.')
  let deepest: { path: Path; complete: boolean } | undefined
  const follow = (value: Json, at: number, path: Path): boolean => {
    if (at === parts.length) {
      deepest = { path, complete: true }
      return true
    }
    if (path.length > (deepest?.path.length ?? 0)) deepest = { path, complete: false }
    for (let end = parts.length; end > at; end--) {
      const name = parts.slice(at, end).join('.')
      const step = findStep(value, name)
      if (step !== undefined && follow(valueAt(value, [step]) as Json, end, [...path, step])) return true
    }
    return false
  }
  follow(data, 0, [])
  return deepest
}

function findStep(value: Json, name: string): string | number | undefined {
  if (Array.isArray(value)) {
    const index = value.findIndex((item) => isMap(item) && item['name'] === name)
    return index === -1 ? undefined : index
  }
  return isMap(value) && Object.hasOwn(value, name) ? name : undefined
}
