import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { defineOperation } from '../operation.ts'
import { readUsage, USAGE_SPLITS } from '../usage.ts'

const count = z.int()
const sum = {
  calls: count,
  failed_calls: count,
  cached_calls: count,
  input: count.optional(),
  output: count.optional(),
  cached: count.optional(),
  reasoning: count.optional(),
  unmetered: count,
  cost: count.optional(),
  unpriced: count,
  estimated: count.optional(),
}

/** The shape that programs may rely on. */
const usageReport = z.object({
  by: z.enum(USAGE_SPLITS),
  lines: z.array(
    z.object({
      key: z.string(),
      ...sum,
      runs: count.optional(),
      succeeded: count.optional(),
      success_rate: z.number().optional(),
      mean_cost: count.optional(),
      mean_ms: count.optional(),
    }),
  ),
  total: z.object({ ...sum, runs: count }),
  unreadable: z.array(z.string()),
})

const DAY_MS = 86_400_000

export const usageOperation = defineOperation({
  name: 'usage',
  summary: 'Sum up what runs have spent: calls, tokens, money, by day, ensemble, agent, model or provider.',
  input: z.object({
    by: z.enum(USAGE_SPLITS).default('day').describe('What each line stands for.'),
    since: z.string().optional().describe('From this day or time (UTC) on, or for so long, as 7d or 12h.'),
    until: z.string().optional().describe('Before this day or time (UTC), or until so long ago.'),
    ensemble: z.string().optional().describe('Only runs of what has this name.'),
  }),
  output: usageReport,
  run: ({ by, since, until, ensemble }, { app }) =>
    readUsage(app, {
      by,
      ...(since === undefined ? {} : { since: readTime(since) }),
      ...(until === undefined ? {} : { until: readTime(until) }),
      ...(ensemble === undefined ? {} : { ensemble }),
    }).then((report) => ({ ...report, lines: [...report.lines], unreadable: [...report.unreadable] })),
})

/** `2026-11-21`, `2026-11-21T12:00Z`, `7d` or `12h` ago; ms UTC. */
function readTime(text: string): number {
  const span = /^(\d{1,6})([dh])$/.exec(text)
  if (span) return Date.now() - Number(span[1]) * (span[2] === 'd' ? DAY_MS : DAY_MS / 24)
  const at = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  const hint = 'Write a day as 2026-11-21, a time as 2026-11-21T12:00Z, or how long ago as 7d or 12h.'
  throw new OrcError({ code: 'bad_input', message: `${JSON.stringify(text)} is no time`, hint })
}
