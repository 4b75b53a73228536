import { relative, resolve, sep } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { isLoopback } from '../events/loopback.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap, valueAt } from '../graph/report.ts'
import type { Locate } from '../graph/yaml.ts'
import type { Level, Paths } from './paths.ts'
import { nameVariable } from './settings-env.ts'

/** Somebody else may have written a project: what would send work elsewhere, or take a wall away, is for its user to set. */
export interface Limited<T> {
  readonly left: T
  /** What was left out, each a warning. */
  readonly problems: readonly Problem[]
}

/** The variables of the environment, and which of them a `.env` of a project gave, by that file. */
interface Variables {
  readonly values: ReadonlyMap<string, string>
  readonly foreign: ReadonlyMap<string, string>
}

/** What one level says. */
interface Sayings {
  readonly level: Level
  readonly file?: string
  readonly folder?: string
  readonly data: JsonObject
  readonly place: Locate
}

const ENDPOINT = ['telemetry', 'otlp_endpoint']
const CONTENT = ['telemetry', 'content']
const TIER = ['sandbox', 'tier']
const FALLBACK = ['sandbox', 'fallback']
const ENDPOINT_VARIABLES = [nameVariable(ENDPOINT), 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
/** Whom the server answers. */
const SERVE = ['host', 'public_url', 'cors', 'allowed_hosts'].map((key) => ['serve', key])
/** Whom it believes. Left out, nobody would have to bring a token: it stays, and no token is good. */
const ISSUER = ['serve', 'oidc']
/** Weakest first. */
const TIERS: readonly unknown[] = ['process', 'landlock', 'bwrap']

/** The variables without what only the real environment and the user's own `.env` may say. */
export function limitVariables(variables: Variables): Limited<Variables['values']> {
  const values = new Map(variables.values)
  const problems: Problem[] = []
  const refuse = (name: string, why: string) => {
    const file = variables.foreign.get(name)
    if (file === undefined || !values.delete(name)) return
    problems.push(describe(name, why, { file }))
  }
  for (const name of ENDPOINT_VARIABLES) if (!staysHere(values.get(name) ?? '')) refuse(name, SENDS)
  refuse(nameVariable(CONTENT), SENDS)
  for (const path of [TIER, FALLBACK]) refuse(nameVariable(path), WEAKENS)
  for (const path of SERVE) refuse(nameVariable(path), ADMITS)
  return { left: values, problems }
}

/** The layers without what only those that are the user's may say; the nearest first. */
export function limitLayers<L extends Sayings>(
  layers: readonly L[],
  { paths, values }: { readonly paths: Paths; readonly values: Variables['values'] },
): Limited<readonly L[]> {
  const problems: Problem[] = []
  const own = layers.filter((layer) => !isForeign(layer, paths))
  // A wall may be asked for by anybody; who asks for less than the user does is not heard.
  const least = own.map(({ data }) => valueAt(data, TIER)).find((tier) => tier !== undefined) ?? 'process'
  const endpoints = [
    ...ENDPOINT_VARIABLES.map((name) => values.get(name)),
    ...layers.map(({ data }) => valueAt(data, ENDPOINT)),
  ]
  const isHome = endpoints.every((url = '') => staysHere(String(url)))
  const left = layers.map((layer): L => {
    if (!isForeign(layer, paths)) return layer
    const refused = [
      { path: ENDPOINT, why: SENDS, if: (value: Json) => !staysHere(String(value)) },
      { path: CONTENT, why: SENDS, if: (value: Json) => value === true && !isHome },
      { path: TIER, why: WEAKENS, if: (value: Json) => TIERS.indexOf(value) < TIERS.indexOf(least) },
      { path: FALLBACK, why: WEAKENS, if: () => true },
      ...[...SERVE, ISSUER].map((path) => ({ path, why: ADMITS, if: () => true })),
    ].filter(({ path, if: holds }) => {
      const value = valueAt(layer.data, path)
      return value !== undefined && holds(value as Json)
    })
    for (const { path, why } of refused) problems.push(describe(path.join('.'), why, layer.place(path)))
    const gone = refused.filter(({ path }) => path !== ISSUER)
    return { ...layer, data: gone.reduce<JsonObject>((data, { path }) => leaveOut(data, path), layer.data) }
  })
  return { left, problems }
}

/** What stays as a project says it, and gets nothing of the user's. */
export interface Untrusted {
  /** Providers whose address beyond this machine it gave: no key of the user's goes there. */
  readonly providers: ReadonlySet<string>
  /** Those that its `.env` gave. */
  readonly variables: ReadonlySet<string>
  /** Its issuer of tokens: nobody is believed. */
  readonly issuer: boolean
}

/** What a layer of the user's says as well is the user's. */
export function findUntrusted(
  layers: readonly Sayings[],
  { paths, foreign }: { readonly paths: Paths; readonly foreign: Variables['foreign'] },
): Untrusted {
  const addressIn = (layer: Sayings, name: string) => valueAt(layer.data, ['providers', name, 'base_url'])
  const own = layers.filter((layer) => !isForeign(layer, paths))
  const isStrange = (name: string) => {
    const nearest = layers.find((layer) => addressIn(layer, name) !== undefined)
    const url = nearest && addressIn(nearest, name)
    return url !== undefined && !staysHere(String(url)) && !own.some((layer) => addressIn(layer, name) === url)
  }
  const names = layers.flatMap(({ data }) => Object.keys((data['providers'] ?? {}) as JsonObject))
  return {
    providers: new Set(names.filter(isStrange)),
    variables: new Set(foreign.keys()),
    // Parts of it may come from several layers, and one is enough.
    issuer:
      layers.some((layer) => isForeign(layer, paths) && valueAt(layer.data, ISSUER) !== undefined) ||
      [...foreign.keys()].some((name) => name.startsWith(`${nameVariable(ISSUER)}_`)),
  }
}

/** Written by whoever wrote the project; what lies in it and is named on the command line, too. */
export function isForeign(
  { level, file, folder }: Pick<Sayings, 'level' | 'file' | 'folder'>,
  { project }: Paths,
): boolean {
  if (level === 'project') return true
  const place = file ?? folder
  if (level !== 'extra' || project === undefined || place === undefined) return false
  const way = relative(resolve(project), resolve(place))
  return way !== '..' && !way.startsWith(`..${sep}`)
}

const SENDS = 'would tell others what is done here'
const WEAKENS = 'would take a wall away'
const ADMITS = 'would say whom the server here answers'

function describe(what: string, why: string, place: Partial<Problem>): Problem {
  return {
    ...place,
    code: 'setting_untrusted',
    message: `${what} of a project is not used: it ${why}`,
    hint: 'Set it in your own configuration, or list the folder under trusted_projects of your policy.yaml.',
    severity: 'warning',
  }
}

function leaveOut(data: JsonObject, [key = '', ...below]: readonly string[]): JsonObject {
  const { [key]: value, ...rest } = data
  return below.length > 0 && isMap(value) ? { ...rest, [key]: leaveOut(value as JsonObject, below) } : rest
}

/** An address of this machine, or none. */
export function staysHere(url: string): boolean {
  return url === '' || isLoopback(url)
}
