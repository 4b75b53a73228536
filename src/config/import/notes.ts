import type { Problem } from '../../events/errors.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { isMap, printPath } from '../../graph/report.ts'
import type { Path } from '../../graph/yaml.ts'
import type { Document } from './document.ts'
import type { Finding, Imported, ImportedFile } from './imported.ts'

const MAX_FINDINGS = 2_000
/** Nodes, agents, tasks or models in one source: far above any real one, and little enough to look at in pairs. */
export const MAX_PARTS = 1_000

/**
 * What is said about one document while it is read. It remembers which keys were looked at, so that in the end every other key is named:
 * nothing is left behind in silence.
 */
export class Notes {
  readonly document: Document
  readonly problems: Problem[] = []
  readonly #findings = new Map<string, { readonly path: Path; readonly finding: Finding }[]>()
  readonly #seen = new Set<string>()
  readonly #whole = new Set<string>()

  constructor(document: Document) {
    this.document = document
  }

  /** The key was looked at; what is below it still has to be. */
  see(path: Path): void {
    this.#seen.add(keyOf(path))
  }

  /** The value was used as it is, with everything below. */
  take(path: Path): void {
    this.#seen.add(keyOf(path))
    this.#whole.add(keyOf(path))
  }

  assume(path: Path, why: string): void {
    this.#add('assumed', path, why)
  }

  /** Gone, with everything below that was not looked at. */
  lose(path: Path, why: string): void {
    this.take(path)
    this.#add('not_possible', path, why)
  }

  /** The whole source cannot be converted, and this is why. */
  refuse(path: Path, message: string, hint?: string): void {
    this.lose(path, message)
    this.problems.push({
      code: 'import_refused',
      message,
      ...(hint === undefined ? {} : { hint }),
      ...this.document.place(path),
    })
  }

  /**
   * Everything that was said, in the order of the document: keys that were used and not spoken of are `taken`, keys nobody looked at are
   * `not_possible`, with the reason that `reasons` has for a key of that name.
   */
  finish(reasons: { readonly [key: string]: string } = {}): Finding[] {
    const findings: Finding[] = (this.#findings.get(keyOf([])) ?? []).map(({ finding }) => finding)
    this.#visit(this.document.data ?? null, [], { reasons, findings })
    // what was said about places that are no keys of the document
    const said = new Set(findings)
    for (const list of this.#findings.values())
      for (const { finding } of list) if (!said.has(finding)) findings.push(finding)
    const more = findings.length - MAX_FINDINGS
    if (more <= 0) return findings
    return [...findings.slice(0, MAX_FINDINGS), this.#make('not_possible', [], `and ${more} more findings`)]
  }

  #visit(value: Json, path: Path, told: Told): void {
    const { reasons, findings } = told
    const entries: readonly (readonly [string | number, Json])[] = Array.isArray(value)
      ? [...value.entries()]
      : isMap(value)
        ? Object.entries(value as JsonObject)
        : []
    for (const [key, below] of entries) {
      const at = [...path, key]
      const id = keyOf(at)
      const said = this.#findings.get(id) ?? []
      findings.push(...said.map(({ finding }) => finding))
      if (!this.#seen.has(id)) {
        if (said.length === 0) findings.push(this.#make('not_possible', at, reasons[key] ?? 'has no counterpart here'))
      } else if (this.#whole.has(id) || !isOpen(below)) {
        if (said.length === 0) findings.push(this.#make('taken', at, 'means the same here'))
      } else this.#visit(below, at, told)
    }
  }

  #add(level: Finding['level'], path: Path, why: string): void {
    const id = keyOf(path)
    this.#seen.add(id)
    const finding = this.#make(level, path, why)
    const list = this.#findings.get(id)
    if (list) list.push({ path, finding })
    else this.#findings.set(id, [{ path, finding }])
  }

  #make(level: Finding['level'], path: Path, why: string): Finding {
    const { file = this.document.path, line, column } = this.document.place(path, 'key')
    const where = [file, line, column].filter((part) => part !== undefined).join(':')
    return { level, what: path.length === 0 ? 'the file' : shorten(printPath(path)), where, why }
  }
}

interface Told {
  readonly reasons: { readonly [key: string]: string }
  readonly findings: Finding[]
}

function isOpen(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}

interface Outcome {
  readonly format: string
  readonly files: readonly ImportedFile[]
  readonly settings?: JsonObject
  readonly reasons?: { readonly [key: string]: string }
}

/** Puts together what came of documents that were read side by side. A problem in one of them leaves nothing to write. */
export function finishImport(notes: readonly Notes[], { format, files, settings, reasons }: Outcome): Imported {
  const problems = notes.flatMap((each) => each.problems)
  const isRefused = problems.length > 0
  return {
    format,
    sources: notes.map(({ document }) => document.path),
    files: isRefused ? [] : files,
    ...(settings && !isRefused && Object.keys(settings).length > 0 ? { settings } : {}),
    report: notes.flatMap((each) => each.finish(reasons)),
    problems,
  }
}
