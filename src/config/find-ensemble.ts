import { isAbsolute, resolve } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { checkRelativePath } from '../graph/name.ts'
import { suggest } from '../graph/nearest.ts'
import { ENSEMBLE_EXTENSION, type EnsembleFile, listRoots, readName, readRoot, stemOf } from './definitions.ts'
import type { Paths } from './paths.ts'
import { readTextFile } from './text-file.ts'

export type EnsembleFound = { readonly found: EnsembleFile } | { readonly problem: Problem }

export interface FindOptions {
  /** May the reference be the path of any file? Only for the person at the keyboard; names from a network are never paths. */
  readonly files?: boolean
}

/**
 * Finds an ensemble by its name, by its path below a folder of ensembles (ending in the file's or the ensemble's name, with or without
 * extension), or by the end of such a path. Exact names on any level win over ends of paths on a nearer one.
 */
export async function findEnsemble(reference: string, paths: Paths, options: FindOptions = {}): Promise<EnsembleFound> {
  const files = options.files === true && !reference.includes('\0')
  if (files && looksLikePath(reference)) {
    const direct = await readDirect(reference, paths)
    if (direct) return direct
  }
  const refused = checkRelativePath(reference)
  if (!refused) {
    const found = await findByName(reference, paths)
    if ('found' in found) return found
    return (files && (await readDirect(reference, paths))) || found
  }
  if (!files) return { problem: refused }
  if (!looksLikePath(reference)) return (await readDirect(reference, paths)) ?? { problem: refused }
  return { problem: describeMissing(reference, [], 'Check the path.') }
}

async function findByName(reference: string, paths: Paths): Promise<EnsembleFound> {
  const wanted = reference.replace(ENSEMBLE_EXTENSION, '')
  const names: string[] = []
  let loose: EnsembleFound | undefined
  for (const root of await listRoots(paths)) {
    const { files, unreadable } = await readRoot(root)
    const broken = unreadable.find(({ relative }) => isExact(wanted, { name: stemOf(relative), relative }))
    if (broken) return { problem: broken.problem }
    const found = files.find((file) => file.name === reference) ?? files.find((file) => isExact(wanted, file))
    if (found) return { found }
    const near = files.find((file) => isLoose(wanted, file))
    if (near) loose ??= { found: near }
    names.push(...files.map((file) => file.name))
  }
  return loose ?? { problem: describeMissing(reference, names) }
}

type Named = Pick<EnsembleFile, 'name' | 'relative'>

function isExact(wanted: string, file: Named): boolean {
  return pathsOf(file).includes(wanted) || file.name === wanted
}

function isLoose(wanted: string, file: Named): boolean {
  return pathsOf(file).some((path) => path.endsWith(`/${wanted}`))
}

/** `review/sec.yaml` with the name `security` is `review/sec` and `review/security`. */
function pathsOf({ name, relative }: Named): readonly string[] {
  const folder = relative.includes('/') ? relative.slice(0, relative.lastIndexOf('/') + 1) : ''
  return [relative.replace(ENSEMBLE_EXTENSION, ''), folder + name]
}

function looksLikePath(reference: string): boolean {
  return isAbsolute(reference) || /^\.\.?[/\\]/.test(reference) || /\.(ya?ml|json)$/.test(reference)
}

async function readDirect(reference: string, paths: Paths): Promise<EnsembleFound | undefined> {
  for (const extension of ['', '.yaml', '.yml']) {
    const file = resolve(paths.cwd, reference + extension)
    const read = await readTextFile(file)
    if (read.found) {
      const relative = file.split(/[/\\]/).at(-1) as string
      return { found: { name: readName(read.text, relative), file, level: 'extra', relative, text: read.text } }
    }
    // A folder of that name is no reason to stop: `review` may stand beside `review.yaml`.
    if (read.problem && extension !== '') return { problem: read.problem }
    if (read.problem && /\.(ya?ml|json)$/.test(reference)) return { problem: read.problem }
  }
  return undefined
}

function describeMissing(reference: string, names: readonly string[], otherwise?: string): Problem {
  const known = [...new Set(names)]
  const listed =
    known.length === 0 ? 'There are none yet: `llm-orc init` writes one.' : `There are: ${known.join(', ')}.`
  return {
    code: 'not_found',
    message: `there is no ensemble ${JSON.stringify(reference)}`,
    hint: otherwise ?? (known.length <= 12 ? listed : '`llm-orc ensembles list` shows all of them.'),
    ...suggest(reference, known),
  }
}
