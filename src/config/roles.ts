import { join } from 'node:path'
import * as z from 'zod'
import type { Place, Problem } from '../events/errors.ts'
import type { Role } from '../graph/lookup.ts'
import { isMap } from '../graph/report.ts'
import { parseYaml } from '../graph/yaml.ts'
import { checkData, toConfigProblem } from './checked-data.ts'
import type { Config } from './config.ts'
import { stemOf } from './definitions.ts'
import { walkFiles } from './file-tree.ts'
import { fenceLevel, type Level } from './paths.ts'
import { readTextFile } from './text-file.ts'

const roleSchema = z.strictObject({
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  prompt: z.string().min(1),
  context: z.string().optional(),
})

export interface FoundRole extends Role {
  readonly name: string
  readonly level: Level
  readonly place: Place
}

/** The `roles/*.yaml` of the oldest ensembles, by name; the nearest level wins. */
export async function readRoles(
  config: Config,
): Promise<{ readonly roles: ReadonlyMap<string, FoundRole>; readonly problems: readonly Problem[] }> {
  const roles = new Map<string, FoundRole>()
  const problems: Problem[] = []
  for (const { level, folder } of config.layers) {
    if (folder === undefined) continue
    const within = fenceLevel(config.paths, level, folder)
    const tree = await walkFiles(join(folder, 'roles'), { wanted: (name) => /\.ya?ml$/.test(name), within })
    problems.push(...tree.problems.map(toConfigProblem))
    for (const { file, relative } of tree.files) {
      const read = await readTextFile(file)
      if (!read.found) {
        if (read.problem) problems.push(toConfigProblem(read.problem))
        continue
      }
      const yaml = parseYaml(read.text, file)
      const checked = checkData(roleSchema, isMap(yaml.data) ? yaml.data : (yaml.data ?? {}), yaml)
      // A file that is not YAML at all has said so; that its prompt is missing too is no news.
      const found = yaml.data === undefined ? yaml.problems.map(toConfigProblem) : checked.problems
      problems.push(...found)
      const { name = stemOf(relative), prompt, context } = checked.data as Partial<FoundRole>
      if (found.length > 0 || prompt === undefined || roles.has(name)) continue
      roles.set(name, { name, prompt, ...(context === undefined ? {} : { context }), level, place: yaml.place([]) })
    }
  }
  return { roles, problems }
}
