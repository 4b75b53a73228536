import type { Place, Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { parseChain } from '../graph/chain.ts'
import { checkName } from '../graph/name.ts'
import { isMap } from '../graph/report.ts'
import { type ParsedWorkflow, parseWorkflow } from '../graph/workflow.ts'
import type { Path } from '../graph/yaml.ts'
import type { Config } from './config.ts'
import type { Layer } from './layers.ts'
import type { Level } from './paths.ts'

/** A definition under `chains:` or `workflows:`, as it stands in the nearest level that has one of the name. */
interface Written {
  readonly name: string
  readonly level: Level
  readonly file?: string
  readonly data: Json
  place(path: Path, part?: 'value' | 'key'): Place
}

export interface FoundChain extends Omit<Written, 'data'> {
  /** As written. */
  readonly steps: readonly string[]
  /** Why it cannot be run. */
  readonly problems: readonly Problem[]
}

export interface FoundWorkflow extends Omit<Written, 'place'>, ParsedWorkflow {}

/** All chains by name, read and checked; the nearest level wins. */
export function readChains(config: Config): ReadonlyMap<string, FoundChain> {
  return readAll(config, 'chains', (written) => {
    const { data, ...about } = written
    const unfit = checkTitle(written, 'chain')
    if (!Array.isArray(data)) {
      const message = `the chain "${about.name}" should be a list of steps`
      const hint = 'For example: - "Critique>/Tester)-anthropic"'
      return { ...about, steps: [], problems: [...unfit, { code: 'chain_invalid', message, hint, ...about.place([]) }] }
    }
    const { problems } = parseChain(data, (index) => about.place([index]))
    const steps = data.map((step) => (typeof step === 'string' ? step : JSON.stringify(step)))
    return { ...about, steps, problems: [...unfit, ...problems] }
  })
}

/** All workflows by name, read and checked; the nearest level wins. */
export function readWorkflows(config: Config): ReadonlyMap<string, FoundWorkflow> {
  return readAll(config, 'workflows', (written) => {
    const { place, ...about } = written
    const read = parseWorkflow(about.name, about.data, place)
    const unfit = checkTitle(written, 'workflow')
    return unfit.length > 0 ? { ...about, problems: [...unfit, ...read.problems] } : { ...about, ...read }
  })
}

/** What is wrong with the sections as such: they are maps of names. */
export function checkSections(config: Config): readonly Problem[] {
  return config.layers.flatMap((layer) =>
    (['chains', 'workflows'] as const).flatMap((section): Problem[] => {
      const data = layer.data[section]
      if (data === undefined || isMap(data)) return []
      const message = `${section} should be a map of names`
      return [{ code: 'config_invalid', message, ...layer.place([section]) }]
    }),
  )
}

function readAll<Found>(
  { layers }: Config,
  section: 'chains' | 'workflows',
  read: (written: Written) => Found,
): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>()
  for (const layer of layers) {
    const data = layer.data[section]
    if (!isMap(data)) continue
    for (const [name, value] of Object.entries(data))
      if (!found.has(name)) found.set(name, read(locate(layer, section, { name, data: value as Json })))
  }
  return found
}

function locate(
  layer: Layer,
  section: string,
  { name, data }: { readonly name: string; readonly data: Json },
): Written {
  const { level, file } = layer
  const place = (path: Path, part?: 'value' | 'key') => layer.place([section, name, ...path], part)
  return { name, level, data, ...(file === undefined ? {} : { file }), place }
}

function checkTitle({ name, place }: Written, what: string): readonly Problem[] {
  const unfit = checkName(name)
  return unfit ? [{ ...unfit, message: `the ${what}: ${unfit.message}`, ...place([], 'key') }] : []
}
