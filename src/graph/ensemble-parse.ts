import type { Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import type { Ensemble, References } from './ensemble.ts'
import { checkEnsemble } from './ensemble-check.ts'
import { collectReferences, normaliseEnsemble } from './ensemble-normalise.ts'
import { type EnsembleFile, ensembleFile, knownKeysAt } from './ensemble-schema.ts'
import { isMap, Report } from './report.ts'
import { describeValue, reportIssue } from './schema-issues.ts'
import { type Locate, type ParsedYaml, type Path, parseYaml } from './yaml.ts'

export interface ParsedEnsemble {
  /** Absent when there is an error. */
  readonly ensemble?: Ensemble
  /** When there is an error: the agents that can be read all the same, so that what they lack outside the file is named too. */
  readonly readable?: Ensemble
  /** Errors and warnings, all of them, in the order of the file. */
  readonly problems: readonly Problem[]
  readonly references: References
}

const NO_REFERENCES: References = { profiles: [], scripts: [], ensembles: [], roles: [], tools: [] }
// Top-level keys of shapes that look like ensembles and are none.
const OTHER_SHAPES = ['ensemble', 'workflow', 'setup', 'usage', 'orchestration', 'steps', 'tasks', 'nodes', 'jobs']

export interface ParseOptions {
  /** Unknown keys and a missing description are errors; `strict: true` in the file means the same. */
  readonly strict?: boolean
}

/** Reads an ensemble file of any generation, YAML or JSON. */
export function parseEnsemble(text: string, file?: string, options: ParseOptions = {}): ParsedEnsemble {
  const yaml = parseYaml(text, file)
  if (yaml.data === undefined) return { problems: yaml.problems, references: NO_REFERENCES }
  return readEnsemble(yaml.data, { ...options, place: yaml.place, source: yaml.source })
}

/** The same for data that never was a file, such as the arguments of a call. */
export function readEnsemble(
  given: Json,
  options: ParseOptions & Partial<Pick<ParsedYaml, 'place' | 'source'>> = {},
): ParsedEnsemble {
  const { place = () => ({}), source = () => undefined } = options
  const report = new Report(place)
  if (!isMap(given) || isOtherShape(given)) {
    report.add([], {
      code: 'ensemble_invalid',
      message: isMap(given)
        ? `this is not an ensemble: it has ${Object.keys(given).slice(0, 5).join(', ')} instead of agents`
        : `an ensemble is a map of keys, but this is ${describeValue(given)}`,
      hint: 'An ensemble has name, description and agents at the top.',
    })
    return { problems: report.problems, references: NO_REFERENCES }
  }
  const data = dropEmpty(given)
  const strict = options.strict === true || data['strict'] === true
  const parsed = ensembleFile.safeParse(data)
  for (const issue of (parsed.error?.issues ?? []).filter((issue) => !isMissingLimit(issue)))
    reportIssue(report, issue, { data, source, strict, knownKeysAt })
  checkEnsemble(report, data, strict)
  if (report.failed) {
    const { file, placeOf } = salvageFile(data, parsed.error?.issues ?? [], place)
    const readable = normaliseEnsemble(file, placeOf)
    return { readable, problems: report.problems, references: collectReferences(file) }
  }
  // only unknown keys can be left over, so the data has the form of the schema
  const read = data as unknown as EnsembleFile
  return { ensemble: normaliseEnsemble(read, place), problems: report.problems, references: collectReferences(read) }
}

/** A loop without a limit is reported with what to do about it. */
function isMissingLimit({
  code,
  path,
  input,
}: {
  code?: string
  path: readonly PropertyKey[]
  input?: unknown
}): boolean {
  return code === 'invalid_type' && input === undefined && path.at(-1) === 'max_iterations' && path.at(-2) === 'loop'
}

/** A broken file without the values of a wrong type, and without agents that then have no name; `placeOf` still finds the others. */
function salvageFile(
  data: { readonly [key: string]: Json },
  issues: readonly { readonly code?: string | undefined; readonly path: readonly PropertyKey[] }[],
  place: Locate,
): { readonly file: EnsembleFile; readonly placeOf: Locate } {
  const wrong = issues.filter(({ code }) => code !== 'unrecognized_keys').map(({ path }) => path)
  const keep = (value: unknown, base: Path) => {
    const broken = new Set(
      wrong.filter((path) => base.every((step, at) => path[at] === step)).map((path) => path[base.length]),
    )
    return isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !broken.has(key))) : {}
  }
  const list = Array.isArray(data['agents']) ? (data['agents'] as readonly Json[]) : []
  const agents = list.map((agent, index) => keep(agent, ['agents', index]))
  const kept = [...agents.keys()].filter((index) => agents[index]?.['name'] !== undefined)
  const file = {
    name: '',
    agents: kept.map((index) => agents[index]),
    coordinator: keep(data['coordinator'], ['coordinator']),
  } as unknown as EnsembleFile
  const placeOf: Locate = (path, part) => {
    const [top, index, ...rest] = path
    return place(top === 'agents' && typeof index === 'number' ? [top, kept[index] ?? index, ...rest] : path, part)
  }
  return { file, placeOf }
}

function isOtherShape(data: { readonly [key: string]: Json }): boolean {
  return !('agents' in data) && !('name' in data && 'description' in data) && OTHER_SHAPES.some((key) => key in data)
}

const CONDITION_KEYS = new Set(['on', 'when', 'condition'])

/** A key without a value counts as absent, an empty condition too. What belongs to others (parameters, options) is left alone. */
function dropEmpty(data: { readonly [key: string]: unknown }): { readonly [key: string]: Json } {
  const dropIn = (map: unknown, deeper: { readonly [key: string]: (value: unknown) => unknown } = {}): unknown => {
    if (!isMap(map)) return map
    return Object.fromEntries(
      Object.entries(map)
        .filter(([key, value]) => value !== null && !(value === '' && CONDITION_KEYS.has(key)))
        .map(([key, value]) => [key, Object.hasOwn(deeper, key) ? deeper[key]?.(value) : value]),
    )
  }
  const inList = (drop: (item: unknown) => unknown) => (list: unknown) => (Array.isArray(list) ? list.map(drop) : list)
  const dropInDependencies = inList((entry) => dropIn(entry))
  const dropInAgent = (agent: unknown) =>
    dropIn(agent, { depends_on: dropInDependencies, dependencies: dropInDependencies, retry: (retry) => dropIn(retry) })
  const dropInChecks = inList((check) => dropIn(check))
  return dropIn(data, {
    agents: inList(dropInAgent),
    coordinator: (coordinator) => dropIn(coordinator),
    validation: (validation) =>
      dropIn(validation, { schema: dropInChecks, schema_validations: dropInChecks, behavioral: dropInChecks }),
  }) as { readonly [key: string]: Json }
}
