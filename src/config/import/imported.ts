import type { Problem } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import type { Document, ReadBeside } from './document.ts'

/**
 * What became of one part of a source. `taken`: it means the same here. `assumed`: it was carried over by a guess, or in another form,
 * and a person should look. `not_possible`: it has no counterpart here and is gone.
 */
export interface Finding {
  readonly level: 'taken' | 'assumed' | 'not_possible'
  /** The key or part, such as `agents.root.toolsets`. */
  readonly what: string
  /** `FILE:LINE:COLUMN`. */
  readonly where: string
  readonly why: string
}

/** A file to write, by its path below a configuration folder: `ensembles/NAME.yaml`. */
export interface ImportedFile {
  readonly path: string
  readonly content: string
}

/** What came of one source. With problems nothing of it is to be written. */
export interface Imported {
  readonly format: string
  readonly sources: readonly string[]
  readonly files: readonly ImportedFile[]
  /** Keys for the `config.yaml` of the same folder, such as `providers`. */
  readonly settings?: JsonObject
  readonly report: readonly Finding[]
  readonly problems: readonly Problem[]
}

/** One foreign format: told by content, never by name alone. */
export interface ImportFormat {
  readonly name: string
  /** For messages: `CrewAI crew`. */
  readonly title: string
  detects(document: Document): boolean
  /** Documents that belong together become one import; each by itself when absent. */
  group?(documents: readonly Document[]): readonly (readonly Document[])[]
  convert(documents: readonly Document[], read: ReadBeside): Promise<Imported>
}
