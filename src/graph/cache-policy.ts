import * as z from 'zod'
import type { CacheAsk } from '../events/cache-ask.ts'
import { isMap, type Report } from './report.ts'
import type { Path } from './yaml.ts'

const whether = z.union([z.boolean(), z.enum(['off', 'exact'])])
const seconds = z.number().positive().describe('An answer older than this does not serve.')

/** `cache:` of an ensemble: for its agents that ask a model and say nothing of their own. */
export const cacheBlock = z
  .union([whether, z.strictObject({ ttl_seconds: seconds.optional() })])
  .describe('Whether answers may come from the cache.')

/** `cache:` of an agent. */
export const agentCacheBlock = z
  .union([
    whether,
    z.strictObject({
      ttl_seconds: seconds.optional(),
      files: z
        .array(z.string().min(1).max(500))
        .min(1)
        .max(100)
        .optional()
        .describe('For a script: globs in the project; what stands in these files is part of the question.'),
    }),
  ])
  .describe('Whether its answers may come from the cache.')

export type CacheBlock = z.infer<typeof agentCacheBlock>

/** What a step asks of the cache; `false`: nothing. */
export type CachePolicy = CacheAsk | false

export function readCachePolicy(block: CacheBlock): CachePolicy {
  if (block === false || block === 'off') return false
  if (block === true || block === 'exact') return {}
  const { ttl_seconds: ttl, files } = block
  return {
    ...(ttl === undefined ? {} : { ttl_ms: Math.max(1, Math.round(ttl * 1000)) }),
    ...(files ? { files } : {}),
  }
}

export interface CacheWork {
  readonly raw: { readonly [key: string]: unknown }
  readonly path: Path
  /** The agent as messages name it. */
  readonly label: string
  readonly work: 'model' | 'script' | 'steps'
}

/** Says where `cache:` of an agent does not fit its work. */
export function checkCache(report: Report, { raw, path, label, work }: CacheWork): void {
  const block = raw['cache']
  if (block === undefined || block === null || block === false || block === 'off') return
  const files = isMap(block) ? block['files'] : undefined
  const refuse = (at: Path, message: string, hint: string) =>
    report.add([...path, 'cache', ...at], { code: 'ensemble_invalid', message, hint })
  if (work === 'steps')
    return refuse([], `${label} neither asks a model nor runs a script itself`, 'Put `cache` to the agents inside it.')
  if (work === 'model') {
    if (files === undefined) return
    return refuse(['files'], `${label} is no script: all that its model reads is part of the question`, 'Remove files.')
  }
  if (files === undefined)
    return report.add(
      [...path, 'cache'],
      {
        code: 'cache_needs_files',
        message: `${label} is a script and names no files under cache, so it runs every time`,
        hint: 'Name what its answer depends on: `cache: {files: ["data/**"]}`.',
        severity: 'warning',
      },
      'key',
    )
  for (const [index, glob] of (Array.isArray(files) ? (files as unknown[]) : []).entries())
    if (typeof glob === 'string' && (/^([/\\]|[A-Za-z]:)/.test(glob) || glob.split(/[/\\]/).includes('..')))
      refuse(
        ['files', index],
        `${JSON.stringify(glob)} leads out of the project`,
        'Globs begin at the project’s folder.',
      )
}
