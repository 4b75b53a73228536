import type { ZodType } from 'zod'
import type { Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap, Report, valueAt } from '../graph/report.ts'
import { describeValue, reportIssue } from '../graph/schema-issues.ts'
import type { Locate, Path } from '../graph/yaml.ts'
import { foreignKeys, knownKeysAt } from './schema.ts'

export interface CheckedData {
  /** Fits the schema, but may hold unknown keys: what did not fit is left out, nothing else is. */
  readonly data: JsonObject
  readonly problems: readonly Problem[]
  /** Unknown keys: a reason to speak only when asked. */
  readonly warnings: readonly Problem[]
}

export interface Whence {
  readonly place: Locate
  readonly source?: (path: Path) => string | undefined
  /** Where the data stands in its file. */
  readonly base?: Path
}

/** Holds data against a schema and keeps what fits, so that one wrong value does not cost the others. */
export function checkData(schema: ZodType, given: Json, whence: Whence): CheckedData {
  const base = whence.base ?? []
  const report = new Report((path, part) => whence.place([...base, ...path], part))
  if (!isMap(given)) {
    if (given === null) return { data: {}, problems: [], warnings: [] }
    const message = `a map of keys is expected here, not ${describeValue(given)}`
    return { data: {}, problems: [{ code: 'config_invalid', message, ...whence.place(base) }], warnings: [] }
  }
  const data = structuredClone(given) as { [key: string]: Json }
  dropEmpty(data, foreignKeys(schema))
  const parsed = schema.safeParse(data)
  for (const issue of parsed.error?.issues ?? [])
    reportIssue(report, issue, {
      data,
      source: (path) => whence.source?.([...base, ...path]),
      strict: false,
      knownKeysAt: (path) => knownKeysAt(schema, path),
    })
  for (const issue of parsed.error?.issues ?? [])
    if (issue.code !== 'unrecognized_keys') dropAt(data, issue.path as Path)
  return {
    data,
    problems: report.problems.filter((problem) => problem.code !== 'unknown_key').map(toConfigProblem),
    warnings: report.problems.filter((problem) => problem.code === 'unknown_key'),
  }
}

/** Everything wrong with a configuration file ends the program the same way. */
export function toConfigProblem(problem: Problem): Problem {
  return { ...problem, code: 'config_invalid' }
}

/** A key without a value says nothing: people comment out what stood below it. What others read is left to them. */
function dropEmpty(map: { [key: string]: Json }, foreign: readonly string[] = []): void {
  for (const [key, value] of Object.entries(map)) {
    if (value === null) delete map[key]
    else if (isMap(value) && !foreign.includes(key)) dropEmpty(value as { [key: string]: Json })
  }
}

function dropAt(data: { [key: string]: Json }, path: Path): void {
  const key = path.at(-1)
  const parent = valueAt(data, path.slice(0, -1))
  if (key === undefined || !isMap(parent)) return
  delete (parent as { [key: string]: Json })[String(key)]
}
