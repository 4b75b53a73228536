import type { Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import type { Ensemble, References } from './ensemble.ts'
import { checkEnsemble } from './ensemble-check.ts'
import { collectReferences, normaliseEnsemble } from './ensemble-normalise.ts'
import { type EnsembleFile, ensembleFile, knownKeysAt } from './ensemble-schema.ts'
import { isMap, Report } from './report.ts'
import { describeValue, reportIssue } from './schema-issues.ts'
import { type ParsedYaml, parseYaml } from './yaml.ts'

export interface ParsedEnsemble {
  /** Absent when there is an error. */
  readonly ensemble?: Ensemble
  /** Errors and warnings, all of them, in the order of the file. */
  readonly problems: readonly Problem[]
  readonly references: References
}

const NO_REFERENCES: References = { profiles: [], scripts: [], ensembles: [], roles: [] }
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
  for (const issue of parsed.error?.issues ?? []) reportIssue(report, issue, { data, source, strict, knownKeysAt })
  checkEnsemble(report, data, strict)
  if (report.failed) return { problems: report.problems, references: NO_REFERENCES }
  // only unknown keys can be left over, so the data has the form of the schema
  const read = data as unknown as EnsembleFile
  return { ensemble: normaliseEnsemble(read, place), problems: report.problems, references: collectReferences(read) }
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
