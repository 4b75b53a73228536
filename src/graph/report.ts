import { isError, type Problem } from '../events/errors.ts'
import type { Locate, Path } from './yaml.ts'

type Finding = Pick<Problem, 'code' | 'message' | 'hint' | 'severity'>

/** Collects everything that is wrong with one file, with places. */
export class Report {
  readonly place: Locate
  readonly #problems: Problem[] = []

  constructor(place: Locate, problems: readonly Problem[] = []) {
    this.place = place
    this.#problems.push(...problems)
  }

  add(path: Path, finding: Finding, part: 'value' | 'key' = 'value'): void {
    this.#problems.push({ ...finding, ...this.place(path, part) })
  }

  /** Problems of another file, which have their places. */
  include(problems: readonly Problem[]): void {
    this.#problems.push(...problems)
  }

  /** Suggestions cost time per known name; a hopeless file gets them for its first problems only. */
  get wantsHints(): boolean {
    return this.#problems.length < 50
  }

  get failed(): boolean {
    return hasErrors(this.#problems)
  }

  /** In the order of the file, those of other files after them. */
  get problems(): readonly Problem[] {
    const own = this.place([]).file
    const others = (problem: Problem) => Number(problem.file !== own)
    return this.#problems.toSorted(
      (a, b) => others(a) - others(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    )
  }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(isError)
}

/** `agents[1].timeout_seconds` */
export function printPath(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}

/** The value at a path of plain data. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as { [key: string | number]: unknown })[step]
  }
  return value
}

export function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
