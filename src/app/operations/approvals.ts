import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { type ApprovalEntry, approvalsView } from '../../events/views/approvals.ts'
import { foldEvents } from '../../events/views/view.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { findRunId } from '../run-id.ts'
import { loadContents } from '../run-report.ts'
import { sketchRuns } from '../run-sketch.ts'
import { commandRun, requireRun } from '../runs.ts'

const run = z.string().min(1).describe('The id of the run, its beginning, or `latest`.')
const ask = z.string().min(1).describe('The step that asks, or the key of its effect, as `approvals list` shows it.')

/** Something that waits for a yes or no, with everything that would be done. */
export interface ShownApproval extends Omit<ApprovalEntry, 'request' | 'asked' | 'expires_at'> {
  readonly run: string
  /** ISO 8601 UTC. */
  readonly asked: string
  readonly expires?: string
  /** The whole request as JSON; absent where its content is gone. */
  readonly request?: unknown
  readonly digest: string
}

export const listApprovals = defineOperation({
  name: 'approvals list',
  summary: 'List what waits for a yes or no.',
  input: z.object({
    run: z.string().optional().describe('Only of this run, and what was decided before, too.'),
    all: z.boolean().default(false).describe('Runs of every project, not only of this one.'),
  }),
  run: async ({ run: named, all }, { app }) => {
    if (named !== undefined) return { approvals: await readApprovals(app, await findRunId(app, named)) }
    const approvals: ShownApproval[] = []
    for await (const { id, last } of sketchRuns(app, { all }))
      if (last && last.type !== 'run-finished')
        approvals.push(...(await readApprovals(app, id)).filter(({ status }) => status === 'asked'))
    return { approvals }
  },
})

export const showApproval = defineOperation({
  name: 'approvals show',
  summary: 'Show one of them whole: the arguments, and what the word would be bound to.',
  input: z.object({ run, ask }),
  run: async (input, { app }) => findOne(app, await findRunId(app, input.run), input.ask),
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
  }),
  run: async (input, { app, signal, watcher }) => {
    const id = await findRunId(app, input.run)
    const { key, digest } = await findWaiting(app, id, input.ask)
    const command = { type: 'approve' as const, key, request: digest, scope: input.scope }
    return commandRun(app, id, { command, signal, ...(watcher ? { watcher } : {}) })
  },
})

export const denyApproval = defineOperation({
  name: 'approvals deny',
  summary: 'Forbid it; the step is told, and the run goes on.',
  input: z.object({ run, ask, reason: z.string().optional().describe('Why; the model reads it.') }),
  run: async (input, { app, signal, watcher }) => {
    const id = await findRunId(app, input.run)
    const { key, digest } = await findWaiting(app, id, input.ask)
    const reason = input.reason === undefined ? {} : { reason: input.reason }
    const command = { type: 'deny' as const, key, request: digest, ...reason }
    return commandRun(app, id, { command, signal, ...(watcher ? { watcher } : {}) })
  },
})

export async function readApprovals(app: App, id: string): Promise<readonly ShownApproval[]> {
  const { entries } = foldEvents(approvalsView, await requireRun(app, id))
  const { blobs } = await app.openJournal()
  const read = await loadContents(
    entries.map(({ request }) => request),
    id,
    blobs,
  )
  return entries.map(({ request, asked, expires_at, ...entry }) => {
    const content = read(request)
    return {
      ...entry,
      run: id,
      asked: new Date(asked).toISOString(),
      ...(expires_at === undefined ? {} : { expires: new Date(expires_at).toISOString() }),
      ...(content === undefined ? {} : { request: content }),
      digest: request.sha256,
    }
  })
}

async function findOne(app: App, id: string, named: string): Promise<ShownApproval> {
  const all = await readApprovals(app, id)
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
  })
}
