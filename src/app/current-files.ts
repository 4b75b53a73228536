import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Paths } from '../config/paths.ts'
import { OrcError, type Problem } from '../events/errors.ts'

/** ms between looks: what changes is seen well within a second, and a busy server does not look at every request. */
const LOOK_EVERY_MS = 250

/** What was read of the user's files, kept current. */
export interface CurrentFiles<T> {
  now(): T
  warnings(): readonly Problem[]
  refresh(wish?: { readonly at_once?: boolean }): Promise<void>
}

/** `look` says in short how the files are, `read` reads them; it throws OrcError when they cannot be used. */
export function createCurrentFiles<T extends { readonly warnings: readonly Problem[] }>(
  first: T,
  files: { readonly seen: string; look(): Promise<string>; read(): Promise<T> },
): CurrentFiles<T> {
  let now = first
  let broken: readonly Problem[] = []
  let { seen } = files
  let looked = performance.now()
  let looking: Promise<void> | undefined

  const look = async (): Promise<void> => {
    const print = await files.look()
    if (print !== seen) {
      try {
        now = await files.read()
        broken = []
      } catch (error) {
        // Whoever works with what was there before goes on; the new is told of as what is wrong.
        if (!(error instanceof OrcError)) throw error
        broken = error.problems
      }
      seen = print
    }
    looked = performance.now()
  }
  return {
    now: () => now,
    warnings: () => [...broken, ...now.warnings],
    refresh: async ({ at_once = false } = {}) => {
      if (at_once) {
        // A look under way may have been there before the change.
        await looking
        looked = Number.NEGATIVE_INFINITY
      }
      if (!looking && performance.now() - looked < LOOK_EVERY_MS) return
      looking ??= look().finally(() => {
        looking = undefined
      })
      await looking
    },
  }
}

/** Names, times and sizes of the files that are read once: settings, models, profiles, `.env`. Ensembles are read whenever they are asked for. */
export async function takeFingerprint(paths: Paths): Promise<string> {
  const { cwd, project, project_dir, config, legacy, system, library, library_override, extra } = paths
  const levels = [project_dir, config, ...legacy, system, library, library_override, ...extra]
  const folders = [...new Set(levels.filter((folder) => folder !== undefined))]
  const prints = await Promise.all([
    ...[cwd, project].flatMap((folder) => (folder === undefined ? [] : [printFile(join(folder, '.env'))])),
    ...folders.map((folder) => printFolder(folder)),
    ...folders.map((folder) => printFolder(join(folder, 'profiles'), true)),
  ])
  return prints.flat().join('\n')
}

async function printFolder(folder: string, recursive = false): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive }).catch(() => undefined)
  // What was named may be a file.
  if (!entries) return [await printFile(folder)]
  const names = entries.filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$|^\.env$/.test(entry.name))
  return Promise.all(names.map(({ parentPath, name }) => printFile(join(parentPath, name))))
}

async function printFile(file: string): Promise<string> {
  const info = await stat(file).catch(() => undefined)
  return info ? `${file} ${info.mtimeMs} ${info.size} ${info.ino}` : `${file} -`
}
