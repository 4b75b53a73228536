import { join } from 'node:path'
import type { Problem } from '../events/errors.ts'
import { parseEnv } from './env-parse.ts'
import type { Paths, ProcessEnvironment } from './paths.ts'
import { isProjectTrusted } from './policy.ts'
import { limitVariables } from './project-limits.ts'
import { readTextFile } from './text-file.ts'

/** The environment as the program sees it: real variables first, then `.env` files. Nothing else reads a variable. */
export interface Environment {
  readonly values: ReadonlyMap<string, string>
  /** The `.env` files that were used, nearest first. */
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
  /** Variables that a `.env` of a project gave, each with that file: somebody else may have written it. */
  readonly foreign: ReadonlyMap<string, string>
}

/**
 * Merges `.env` of the current folder, of `.llm-orc/`, of the project's folder and of the user's config folder under the real
 * environment. A variable that is really set wins even when it is empty. What a project may not set is left out and named. `process.env` stays as it is.
 */
export async function readEnvironment(paths: Paths, env: ProcessEnvironment): Promise<Environment> {
  const folders = [paths.cwd, paths.project_dir, paths.project, paths.config].filter((folder) => folder !== undefined)
  const values = new Map<string, string>()
  const foreign = new Map<string, string>()
  const files: string[] = []
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(env)) if (value !== undefined) values.set(name, value)
  for (const folder of new Set(folders)) {
    const file = join(folder, '.env')
    const read = await readTextFile(file)
    if (!read.found) {
      if (read.problem) problems.push({ ...read.problem, severity: 'warning' })
      continue
    }
    files.push(file)
    const parsed = parseEnv(read.text, file)
    problems.push(...parsed.problems)
    for (const [name, value] of parsed.values) {
      if (values.has(name)) continue
      values.set(name, value)
      if (folder !== paths.config) foreign.set(name, file)
    }
  }
  const environment = { values, files, problems, foreign }
  const limited = limitVariables(environment)
  if (limited.problems.length === 0 || (await isProjectTrusted(paths))) return environment
  return { ...environment, values: limited.left, problems: [...problems, ...limited.problems] }
}
