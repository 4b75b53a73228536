import type * as z from 'zod'
import { suggest } from './nearest.ts'
import { isMap, printPath, type Report, valueAt } from './report.ts'
import type { ParsedYaml, Path } from './yaml.ts'

type Issue = z.core.$ZodIssue

export interface IssueSetting {
  readonly data: unknown
  readonly source: ParsedYaml['source']
  readonly strict: boolean
  readonly knownKeysAt: (path: Path) => readonly string[]
  /** Where the paths of the issues begin. */
  readonly base?: Path
}

const WORDS: { readonly [type: string]: string } = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

/** Says what the schema found, in words of the file instead of words of the schema. */
export function reportIssue(report: Report, issue: Issue, setting: IssueSetting): void {
  const path: Path = [...(setting.base ?? []), ...(issue.path as (string | number)[])]
  const value = valueAt(setting.data, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) reportUnknownKey(report, [...path, key], setting)
      return
    case 'invalid_union':
      reportUnion(report, { path, value, branches: issue.errors }, setting)
      return
    case 'invalid_type':
      if (value === undefined) report.add(path, { code: 'ensemble_invalid', message: `${printPath(path)} is missing` })
      else
        refuse(report, path, { value, wanted: WORDS[issue.expected] ?? issue.expected, source: setting.source(path) })
      return
    case 'invalid_value':
      refuse(report, path, {
        value,
        wanted: issue.values.map((one) => `"${String(one)}"`).join(' or '),
        values: issue.values,
      })
      return
    case 'too_small':
      refuse(report, path, {
        value,
        wanted: `${issue.inclusive ? 'at least' : 'more than'} ${nameSize(issue.origin, issue.minimum)}`,
      })
      return
    case 'too_big':
      refuse(report, path, { value, wanted: `at most ${nameSize(issue.origin, issue.maximum)}` })
      return
    default:
      report.add(path, { code: 'ensemble_invalid', message: `${printPath(path)}: ${issue.message}` })
  }
}

function reportUnknownKey(report: Report, path: Path, setting: IssueSetting): void {
  const key = String(path.at(-1))
  if (key.startsWith('x-')) return
  const known = report.wantsHints ? setting.knownKeysAt(path.slice(0, -1)) : []
  report.add(
    path,
    {
      code: 'unknown_key',
      message: `the key ${printPath(path)} is not part of the format and is not used`,
      severity: setting.strict ? 'error' : 'warning',
      ...suggest(key, known),
    },
    'key',
  )
}

/** The branch that fits the kind of value tells more than "none of them fits". */
function reportUnion(
  report: Report,
  { path, value, branches }: { path: Path; value: unknown; branches: readonly (readonly Issue[])[] },
  setting: IssueSetting,
): void {
  // a map is no slip of the pen for one of some words
  const alien = typeof value === 'object' ? ['invalid_type', 'invalid_value'] : ['invalid_type']
  const near = branches.filter(
    (issues) => !issues.some((issue) => alien.includes(issue.code) && issue.path.length === 0),
  )
  const [branch] = near
  if (near.length === 1 && branch) {
    for (const issue of branch) reportIssue(report, issue, { ...setting, base: path })
    return
  }
  const wanted = branches.map((issues) => {
    const type = issues.find((issue) => issue.code === 'invalid_type')?.expected ?? 'another value'
    return WORDS[type] ?? type
  })
  refuse(report, path, { value, wanted: [...new Set(wanted)].join(' or '), source: setting.source(path) })
}

function refuse(
  report: Report,
  path: Path,
  what: { value: unknown; wanted: string; source?: string | undefined; values?: readonly unknown[] },
): void {
  const { value, wanted, source, values } = what
  const wantsText = wanted.split(' or ').includes('text')
  const isText = typeof value === 'string'
  const quotable = wantsText && source !== undefined && (typeof value === 'number' || typeof value === 'boolean')
  const nearest = values && isText ? suggest(value, values.map(String)) : {}
  report.add(path, {
    code: 'ensemble_invalid',
    message: `${printPath(path)} should be ${wanted}, not ${describeValue(value, source)}`,
    ...(quotable ? { hint: `Put it in quotes: "${source}".` } : nearest),
  })
}

export function describeValue(value: unknown, source?: string): string {
  if (value === null) return 'empty'
  if (typeof value === 'string')
    return value === ''
      ? 'empty text'
      : `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
  if (typeof value === 'number') return `the number ${source ?? value}`
  if (typeof value === 'boolean') return `the truth value ${source ?? value}`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return isMap(value) ? 'a map' : 'nothing'
}

function nameSize(origin: string, size: number | bigint): string {
  if (origin === 'string') return `${size} character${Number(size) === 1 ? '' : 's'}`
  if (origin === 'array') return `${size} entr${Number(size) === 1 ? 'y' : 'ies'}`
  return String(size)
}
