import { constants, copyFile, lstat, realpath, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Level } from '../config/paths.ts'
import { readTextFile } from '../config/text-file.ts'
import { OrcError } from '../events/errors.ts'
import { checkRelativePath } from '../graph/name.ts'
import type { App } from './app.ts'

export type OwnKind = 'ensembles' | 'profiles' | 'scripts'

/**
 * Where a new file of the project stands, outside of a project one of the user; `path` is below the folder of its kind. Throws OrcError for names that
 * lead elsewhere, and for folders that are links out of the project.
 */
export async function placeOwnFile(
  { paths }: Pick<App, 'paths'>,
  kind: OwnKind,
  { path, user = false }: { readonly path: string; readonly user?: boolean },
): Promise<string> {
  const refused = checkRelativePath(path)
  if (refused) throw new OrcError(refused)
  const own = user || paths.project === undefined || paths.project_dir === undefined
  const [root, folder] = own ? [paths.config, paths.config] : [paths.project, paths.project_dir]
  const file = join(folder, kind, ...path.split('/'))
  await requireInside(root, file)
  return file
}

/** Only files that are this user's to edit: not those of earlier programs, of the system, or of a library. */
export async function requireOwnFile(
  { paths }: Pick<App, 'paths'>,
  { what, level, file }: { readonly what: string; readonly level: Level; readonly file: string | undefined },
): Promise<string> {
  if (file === undefined || !['project', 'user', 'extra'].includes(level)) {
    const message = `${what} stands in ${file ?? `the ${level}`}, which is not edited from here`
    throw new OrcError({
      code: 'file_unreadable',
      message,
      hint: `One of the same name in ${paths.project_dir ?? paths.config} hides it.`,
    })
  }
  if (level === 'project' && paths.project !== undefined) await requireInside(paths.project, file)
  return file
}

export async function readOwnFile(file: string): Promise<string> {
  const read = await readTextFile(file)
  if (read.found) return read.text
  throw new OrcError(read.problem ?? { code: 'not_found', message: `${file} is not there any more`, file })
}

/** A copy beside the file, under a name that nothing reads; answers with it. */
export async function backUp(file: string): Promise<string> {
  const name = `${file}.${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
  for (let again = 0; ; again += 1) {
    const copy = `${name}${again === 0 ? '' : `-${again}`}.bak`
    try {
      await copyFile(file, copy, constants.COPYFILE_EXCL)
      return copy
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A link is removed, never what it leads to. */
export async function removeOwnFile(file: string): Promise<void> {
  await rm(file, { force: true })
}

export function needConfirmation(message: string): OrcError {
  return new OrcError({ code: 'confirmation_needed', message, hint: 'Add --confirm to do it.' })
}

/** Follows what exists of the way to the file; a link that leads out of the root is refused. */
async function requireInside(root: string, file: string): Promise<void> {
  const real = await realpath(root).catch(() => root)
  for (let at = file; at.length >= root.length; at = dirname(at)) {
    if ((await lstat(at).catch(() => undefined)) === undefined) continue
    const target = await realpath(at).catch(() => undefined)
    const way = target === undefined ? '..' : relative(real, target)
    if (way !== '..' && !way.startsWith(`..${sep}`)) return
    const hint = 'Put the file itself there.'
    throw new OrcError({ code: 'path_refused', message: `${at} leads out of ${root}`, hint, file: at })
  }
}
