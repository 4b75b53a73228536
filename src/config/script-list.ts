import { extname, join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { walkFiles } from './file-tree.ts'
import { fenceLevel, type Level, type Paths } from './paths.ts'
import { type MeasuredScript, measureScript, SCRIPT_EXTENSIONS } from './script-file.ts'
import type { ScriptOptions } from './scripts.ts'

export interface ListedScript extends MeasuredScript {
  readonly name: string
  /** Its folder below the folder of scripts, without `primitives/`; empty at the top. */
  readonly category: string
  readonly level: Level
  /** Path below the folder of scripts, with `/`: what an ensemble may write. */
  readonly relative: string
  /** A nearer level has a script of this path. */
  readonly shadowed: boolean
}

/** All scripts of the project and the libraries, however deep, nearest first. */
export async function listScripts(
  paths: Paths,
  options: ScriptOptions,
): Promise<{ readonly scripts: readonly ListedScript[]; readonly problems: readonly Problem[] }> {
  const scripts: ListedScript[] = []
  const problems: Problem[] = []
  const seen = new Set<string>()
  const roots: readonly (readonly [Level, string | undefined])[] = [
    ['project', paths.project_dir],
    ['library', paths.library_override],
    ['library', paths.library],
  ]
  for (const [level, folder] of roots) {
    if (folder === undefined) continue
    const within = fenceLevel(paths, level, folder)
    const tree = await walkFiles(join(folder, 'scripts'), { wanted: isScriptName, within })
    problems.push(...tree.problems)
    for (const { file, relative } of tree.files) {
      const measured = await measureScript(file, { ...options, reference: relative })
      if (!measured || (extname(file) === '' && measured.pinned.program.length > 0)) continue
      const cut = relative.lastIndexOf('/')
      const name = relative.slice(cut + 1)
      const category = relative.slice(0, Math.max(cut, 0)).replace(/^primitives(\/|$)/, '')
      scripts.push({ ...measured, name, category, level, relative, shadowed: seen.has(relative) })
      seen.add(relative)
    }
  }
  return { scripts, problems }
}

/** A file without extension counts when it may be executed, which its measure tells. */
function isScriptName(name: string): boolean {
  const extension = extname(name).toLowerCase()
  return extension === '' || SCRIPT_EXTENSIONS.includes(extension)
}
