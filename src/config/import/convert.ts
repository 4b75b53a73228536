import type { Problem } from '../../events/errors.ts'
import { detectFormat, FORMATS, findFormat } from './detect.ts'
import { type Document, type ReadBeside, readDocument, type Source } from './document.ts'
import type { Imported, ImportFormat } from './imported.ts'

export interface Conversion {
  /** One per source, or per group of sources that belong together. */
  readonly imports: readonly Imported[]
  /** Files that are of no format that is known; in a folder that is nothing to complain about. */
  readonly unknown: readonly { readonly path: string; readonly problem: Problem }[]
}

export interface ConvertOptions {
  readonly read: ReadBeside
  /** Take every file for this format, whatever its content looks like. */
  readonly format?: string
}

/** Converts files of any known format. Reads nothing but what it is given and what `read` answers; never throws for what is in a file. */
export async function convertSources(
  sources: readonly Source[],
  { read, format: wanted }: ConvertOptions,
): Promise<Conversion> {
  const format = wanted === undefined ? undefined : findFormat(wanted)
  const known = new Map<ImportFormat, Document[]>()
  const unknown: { path: string; problem: Problem }[] = []
  for (const document of sources.map(readDocument)) {
    const found = document.data === undefined ? undefined : (format ?? detectFormat(document))
    if (!found) unknown.push({ path: document.path, problem: describeUnknown(document) })
    else known.set(found, [...(known.get(found) ?? []), document])
  }
  const imports: Imported[] = []
  for (const [found, documents] of known)
    for (const group of found.group?.(documents) ?? documents.map((document) => [document]))
      imports.push(await found.convert(group, read))
  return { imports, unknown }
}

function describeUnknown(document: Document): Problem {
  const [problem] = document.problems
  if (problem) return { ...problem, hint: problem.hint ?? 'Mend the file, then import it again.' }
  return {
    code: 'import_unknown',
    message: `${document.path} is of no format that can be imported`,
    hint: `Formats: ${FORMATS.map(({ name }) => name).join(', ')}.`,
    file: document.path,
  }
}
