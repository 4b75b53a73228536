import { homedir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import * as z from 'zod'
import { OrcError, type Place, type Problem } from '../events/errors.ts'
import { isMap } from '../graph/report.ts'
import { parseYaml } from '../graph/yaml.ts'
import { checkData, toConfigProblem } from './checked-data.ts'
import type { Paths } from './paths.ts'
import { readTextFile } from './text-file.ts'

export const policyRule = z.strictObject({
  tool: z.string().min(1).describe('NAME or NAME(ARGUMENTS), both with * for anything.'),
  decision: z.enum(['allow', 'ask', 'deny']),
  path: z.string().min(1).optional().describe('A glob over the paths in the arguments.'),
  host: z.string().min(1).optional().describe('host, host:port or *.domain'),
  label: z
    .enum(['outside', 'file'])
    .optional()
    .describe('Only calls whose arguments derive from what came from outside, or from files.'),
  reason: z.string().optional(),
  expires_seconds: z.number().positive().max(31_536_000).optional(),
})

export const policyFile = z.strictObject({
  rules: z.array(policyRule).optional(),
  trusted_projects: z
    .array(z.string().min(1))
    .optional()
    .describe('Folders of projects whose own policy may also allow; only in the policy of the user or the system.'),
})

export type PolicyFileRule = z.infer<typeof policyRule> & { readonly place: Place }

/** The policy file of one level. */
export interface PolicyFile {
  readonly level: 'user' | 'system' | 'project'
  readonly file: string
  readonly text: string
  readonly rules: readonly PolicyFileRule[]
  /** May it allow, too? A project that somebody else wrote may only narrow. */
  readonly trusted: boolean
}

/** The `policy.yaml` of user, system and project, in the order in which their rules are asked. Throws OrcError when one cannot be read: nothing runs under half a policy. */
export async function readPolicyFiles(paths: Paths): Promise<readonly PolicyFile[]> {
  const user = await readOne('user', join(paths.config, 'policy.yaml'))
  const system = await readOne('system', join(paths.system, 'policy.yaml'))
  const project = paths.project_dir ? await readOne('project', join(paths.project_dir, 'policy.yaml')) : undefined
  const problems = [user, system, project].flatMap((read) => read?.problems ?? [])
  if (project && project.trusted_projects.length > 0)
    problems.push({
      ...project.start,
      code: 'config_invalid',
      message: 'a project cannot say which projects are trusted',
    })
  if (problems.length > 0) throw new OrcError(problems)
  const trusted = isAmong([user, system], paths)
  return [user, system, project].flatMap((read) =>
    read ? [{ ...read.file, trusted: read !== project || trusted }] : [],
  )
}

/** Do the user or the system say that this project is as good as their own? What cannot be read trusts nobody. */
export async function isProjectTrusted(paths: Paths): Promise<boolean> {
  const levels = [
    readOne('user', join(paths.config, 'policy.yaml')),
    readOne('system', join(paths.system, 'policy.yaml')),
  ]
  const read = await Promise.all(levels).catch(() => [])
  return isAmong(read, paths)
}

function isAmong(
  levels: readonly ({ readonly trusted_projects: readonly string[] } | undefined)[],
  { project, cwd }: Paths,
): boolean {
  const folders = levels.flatMap((level) => level?.trusted_projects ?? [])
  return folders.some((folder) => contains(folder, project ?? cwd))
}

async function readOne(level: PolicyFile['level'], file: string) {
  const read = await readTextFile(file)
  if (!read.found) {
    if (read.problem) throw new OrcError(toConfigProblem(read.problem))
    return undefined
  }
  const yaml = parseYaml(read.text, file)
  const checked = checkData(policyFile, isMap(yaml.data) ? yaml.data : (yaml.data ?? {}), yaml)
  const problems: Problem[] = [...yaml.problems.map(toConfigProblem), ...checked.problems]
  // A misspelt key of a rule would make it fit more than was meant.
  problems.push(...checked.warnings.map(toConfigProblem))
  const data = checked.data as z.infer<typeof policyFile>
  const rules = problems.length > 0 ? [] : (data.rules ?? [])
  return {
    file: {
      level,
      file,
      text: read.text,
      rules: rules.map((each, at) => ({ ...each, place: yaml.place(['rules', at]) })),
    },
    trusted_projects: problems.length > 0 ? [] : (data.trusted_projects ?? []),
    problems,
    start: yaml.place([]),
  }
}

function contains(folder: string, project: string): boolean {
  const from = resolve(folder.startsWith('~/') ? join(homedir(), folder.slice(2)) : folder)
  return project === from || project.startsWith(from.endsWith(sep) ? from : `${from}${sep}`)
}
