import * as z from 'zod'
import { OrcError, type Problem } from '../../events/errors.ts'
import type { App } from '../app.ts'
import { addChange, coversOther, readApprovals, type ShownApproval } from '../approvals.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { findRunId } from '../run-id.ts'
import { sketchRuns } from '../run-sketch.ts'
import { commandRun, requireRun } from '../runs.ts'

const run = z.string().min(1).describe('The id of the run, its beginning, or `latest`.')
const accept_changed = z.boolean().default(false).describe('Go on although files of the definition have changed since.')
const ask = z.string().min(1).describe('The step that asks, or the key of its effect, as `approvals list` shows it.')

export const listApprovals = defineOperation({
  name: 'approvals list',
  summary: 'List what waits for a yes or no.',
  input: z.object({
    run: z.string().optional().describe('Only of this run, and what was decided before, too.'),
    all: z.boolean().default(false).describe('Runs of every project, not only of this one.'),
  }),
  run: async ({ run: named, all }, { app }) => {
    if (named !== undefined) return { approvals: await readRun(app, await findRunId(app, named)) }
    const approvals: ShownApproval[] = []
    for await (const { id, last } of sketchRuns(app, { all }))
      if (last && last.type !== 'run-finished')
        approvals.push(...(await readRun(app, id)).filter(({ status }) => status === 'asked' || status === 'expired'))
    return { approvals }
  },
})

export const showApproval = defineOperation({
  name: 'approvals show',
  summary: 'Show one of them whole: the arguments, and what the word would be bound to.',
  input: z.object({ run, ask }),
  run: async (input, { app }) => addChange(app, await findOne(app, await findRunId(app, input.run), input.ask)),
})

export const giveApproval = defineOperation({
  name: 'approvals give',
  summary: 'Allow it; the run goes on.',
  input: z.object({
    run,
    ask,
    scope: z
      .enum(['call', 'run'])
      .default('call')
      .describe('call: this one time · run: this tool in this run, whatever its arguments.'),
    accept_changed,
  }),
  run: async (input, call) => {
    const { app } = call
    const id = await findRunId(app, input.run)
    const one = await findWaiting(app, id, input.ask)
    const { scope } = input
    // Others that wait for the same are meant as well, when every call of it is.
    const others = (scope === 'run' ? await readRun(app, id) : []).filter(
      (other) => other.status === 'asked' && other.key !== one.key && coversOther(one, other),
    )
    const commands = [{ ...one, scope }, ...others.map((other) => ({ ...other, scope: 'call' as const }))].map(
      (each) => ({ type: 'approve' as const, key: each.key, request: each.digest, scope: each.scope }),
    )
    const result = await commandRun(app, id, { ...steeringOf(call), commands, accept_changed: input.accept_changed })
    return { ...result, ...(await warnOfUnused(app, id, new Set(commands.map(({ key }) => key)))) }
  },
})

/** A yes that something took back before it was used: which and why. */
async function warnOfUnused(app: App, id: string, keys: ReadonlySet<string>): Promise<{ warnings?: Problem[] }> {
  const latest = new Map((await readRun(app, id)).map((each) => [each.key, each]))
  const warnings = [...latest.values()].flatMap(({ key, status, reason = status }): Problem[] =>
    keys.has(key) && (status === 'denied' || status === 'void' || status === 'expired')
      ? [{ code: 'approval_denied', message: `the yes to ${key} was not used: ${reason}`, severity: 'warning' }]
      : [],
  )
  return warnings.length > 0 ? { warnings } : {}
}

export const denyApproval = defineOperation({
  name: 'approvals deny',
  summary: 'Forbid it; the step is told, and the run goes on.',
  input: z.object({
    run,
    ask,
    reason: z.string().optional().describe('Why; the model reads it.'),
    accept_changed,
  }),
  run: async (input, call) => {
    const { app } = call
    const id = await findRunId(app, input.run)
    const { key, digest } = await findWaiting(app, id, input.ask)
    const reason = input.reason === undefined ? {} : { reason: input.reason }
    const command = { type: 'deny' as const, key, request: digest, ...reason }
    return commandRun(app, id, { ...steeringOf(call), commands: [command], accept_changed: input.accept_changed })
  },
})

async function readRun(app: App, id: string): Promise<readonly ShownApproval[]> {
  return readApprovals(app, id, await requireRun(app, id))
}

async function findOne(app: App, id: string, named: string): Promise<ShownApproval> {
  const all = await readRun(app, id)
  const fitting = all.filter(({ key, step }) => key === named || step === named)
  const waiting = fitting.filter(({ status }) => status === 'asked')
  const one = waiting.length === 1 ? waiting[0] : fitting.length === 1 ? fitting[0] : undefined
  if (one) return one
  const asked = all.filter(({ status }) => status === 'asked').map(({ key }) => key)
  const message =
    fitting.length === 0
      ? `the run ${id} does not ask about ${named}`
      : `${named} asks about several things; name one of them by its key`
  const hint = asked.length > 0 ? `It asks about: ${asked.join(', ')}` : 'It asks about nothing.'
  throw new OrcError({ code: 'not_found', message, hint })
}

async function findWaiting(app: App, id: string, named: string): Promise<ShownApproval> {
  const one = await findOne(app, id, named)
  if (one.status === 'asked') return one
  throw new OrcError({
    code: 'not_found',
    message: `${one.key} does not wait for a word any more: it is ${one.status}`,
    ...(one.status === 'expired' ? { hint: `Let the run go on without it: llm-orc runs resume ${id}` } : {}),
  })
}
