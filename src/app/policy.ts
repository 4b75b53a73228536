import { hash } from 'node:crypto'
import { readPolicyFiles } from '../config/policy.ts'
import { OrcError } from '../events/errors.ts'
import { createPolicy, type PolicyLevel, type PolicyOptions, type PolicyRule } from '../trust/policy.ts'
import { parseToolPattern } from '../trust/tool-pattern.ts'
import type { App } from './app.ts'
import { listGoverned } from './governed.ts'
import { createLocate } from './locate.ts'

/** What the command line adds for one run. */
export interface Permits {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  /** The run neither takes answers from the cache nor adds any. */
  readonly no_cache?: boolean
}

/** The policy in force: the command line first, then user, system and project. Throws OrcError when a rule cannot be read. */
export async function loadPolicy(
  app: Pick<App, 'paths'>,
  permits: Permits = {},
  more: Pick<PolicyOptions, 'doubt' | 'wall'> = {},
) {
  const files = await readPolicyFiles(app.paths)
  const levels: PolicyLevel[] = [
    {
      name: 'command line',
      trusted: true,
      rules: [
        ...(permits.deny ?? []).map((text) => readPermit(text, 'deny')),
        ...(permits.allow ?? []).map((text) => readPermit(text, 'allow')),
      ],
    },
  ]
  for (const { level, rules, trusted } of files)
    levels.push({
      name: level,
      trusted,
      rules: rules.map(({ tool, expires_seconds, place, path, host, label, decision, reason }): PolicyRule => {
        const pattern = parseToolPattern(tool)
        if (!pattern)
          throw new OrcError({
            code: 'config_invalid',
            message: `"${tool}" is no pattern for tools`,
            hint: PATTERN_HINT,
            ...place,
          })
        return {
          tool: pattern,
          decision,
          place: `${place.file ?? ''}:${place.line ?? 1}`,
          ...(path === undefined ? {} : { path }),
          ...(host === undefined ? {} : { host }),
          ...(label === undefined ? {} : { label }),
          ...(reason === undefined ? {} : { reason }),
          ...(expires_seconds === undefined ? {} : { expires_ms: Math.round(expires_seconds * 1000) }),
        }
      }),
    })
  const sha256 = (text: string): string => hash('sha256', text, 'hex')
  // Not of the permits: a word on the command line is a person's own, and does not undo what they said before.
  const digest = sha256(JSON.stringify(files.map(({ level, text, trusted }) => [level, text, trusted])))
  const locate = createLocate(app.paths.project ?? app.paths.cwd)
  const governed = listGoverned(app.paths)
  return { ...createPolicy({ levels, digest, sha256, locate, governed, ...more }), levels, digest }
}

const PATTERN_HINT = 'Write NAME or NAME(ARGUMENTS), for example bash(git status*) or mcp:files:*'

function readPermit(text: string, decision: 'allow' | 'deny'): PolicyRule {
  const tool = parseToolPattern(text)
  if (!tool)
    throw new OrcError({
      code: 'bad_input',
      message: `--${decision} ${text}: no pattern for tools`,
      hint: PATTERN_HINT,
    })
  return { tool, decision, place: `--${decision} ${text}` }
}
