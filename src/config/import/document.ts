import type { Problem } from '../../events/errors.ts'
import type { Json } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import { type Locate, parseYaml } from '../../graph/yaml.ts'

/** A file as it was given: its path from the place that was named, with `/`, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
  /** What the folder is called that the path begins in. */
  readonly home?: string
}

/** A source with what can be read in it. */
export interface Document extends Source {
  /** Absent when it is no YAML, JSON or markdown with such a head. */
  readonly data?: Json
  /** What stands below the head of a markdown file. */
  readonly body?: string
  readonly place: Locate
  /** Why there is no data. */
  readonly problems: readonly Problem[]
}

/** Reads another file by its path from the place that was named; undefined when it is not there, or outside. */
export type ReadBeside = (path: string) => Promise<string | undefined>

const HEAD = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/

/** Reads YAML and JSON whole, and of markdown the head between `---` lines. */
export function readDocument(source: Source): Document {
  const head = isMarkdown(source.path) ? HEAD.exec(source.text) : null
  if (isMarkdown(source.path) && !head) return { ...source, place: () => ({ file: source.path }), problems: [] }
  // the first line of the head is line 2 of the file
  const yaml = parseYaml(head ? `\n${head[1] ?? ''}` : source.text, source.path)
  return {
    ...source,
    ...(yaml.data === undefined ? {} : { data: yaml.data }),
    ...(head ? { body: source.text.slice(head[0].length) } : {}),
    place: yaml.place,
    problems: yaml.problems,
  }
}

function isMarkdown(path: string): boolean {
  return /\.(md|markdown|mdc)$/i.test(path)
}

/** The data of a document when it is a map of keys. */
export function mapOf(document: Document): { readonly [key: string]: Json } {
  return isMap(document.data) ? (document.data as { readonly [key: string]: Json }) : {}
}

/** `teams/agents.yaml` is in `teams/`, `agents.yaml` in the folder that was named. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : ''
}

/** The names of the folders that a document lies in, as far as they are known. */
export function foldersOf({ path, home }: Source): readonly string[] {
  return [...(home === undefined ? [] : [home]), ...folderOf(path).split('/')].filter((name) => name !== '')
}

/** `teams/agents.yaml` -> `agents` */
export function stemOf(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.[a-z]+$/i, '')
}

/** A path relative to a document, as a path from the place that was named; undefined when it leads out of it. */
export function resolveBeside(document: Document, path: string): string | undefined {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return undefined
  const parts: string[] = []
  for (const part of `${folderOf(document.path)}${path}`.split(/[/\\]/)) {
    if (part === '..' && parts.pop() === undefined) return undefined
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return parts.join('/')
}
