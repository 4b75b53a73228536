import { canonicalJson } from '../events/canonical.ts'
import type { Event } from '../events/event.ts'
import type { JsonObject } from '../events/values.ts'
import { type ApprovalEntry, approvalsView } from '../events/views/approvals.ts'
import { foldEvents } from '../events/views/view.ts'
import type { App } from './app.ts'
import type { FileChange } from './file-change.ts'
import { loadContents } from './run-report.ts'

/** Something that waits for a yes or no, with everything that would be done. */
export interface ShownApproval extends Omit<ApprovalEntry, 'request' | 'asked' | 'expires_at' | 'status'> {
  readonly run: string
  /** `expired`: nobody spoke in time; the step is told as soon as the run is taken up. */
  readonly status: ApprovalEntry['status'] | 'expired'
  /** ISO 8601 UTC. */
  readonly asked: string
  readonly expires?: string
  /** The whole request as JSON; absent where its content is gone. */
  readonly request?: unknown
  readonly digest: string
  /** What would become of a file of the project, as it is now. */
  readonly change?: FileChange
}

/** Everything that a run asked to be allowed, with what became of it. */
export async function readApprovals(
  app: App,
  run: string,
  events: readonly Event[],
): Promise<readonly ShownApproval[]> {
  const { entries } = foldEvents(approvalsView, events)
  const { blobs } = await app.openJournal()
  const read = await loadContents(
    entries.map(({ request }) => request),
    run,
    blobs,
  )
  const now = Date.now()
  return entries.map(({ request, asked, expires_at, status, ...entry }) => {
    const content = read(request)
    const late = (status === 'asked' || status === 'given') && expires_at !== undefined && expires_at <= now
    return {
      ...entry,
      run,
      status: late ? 'expired' : status,
      asked: new Date(asked).toISOString(),
      ...(expires_at === undefined ? {} : { expires: new Date(expires_at).toISOString() }),
      ...(content === undefined ? {} : { request: content }),
      digest: request.sha256,
    }
  })
}

/** Does a yes for the whole run to the one say yes to the other, too? */
export function coversOther({ grant }: ShownApproval, other: ShownApproval): boolean {
  const parts = (given: JsonObject) => {
    const { arguments: _, scope: __, ...rest } = given
    return canonicalJson(rest)
  }
  return parts(grant) === parts(other.grant)
}

/** With what it would change in a file, where it would. */
export async function addChange(app: App, approval: ShownApproval): Promise<ShownApproval> {
  if (approval.status !== 'asked') return approval
  const { readChange } = await import('./file-change.ts')
  const change = await readChange(app, approval.request)
  return change ? { ...approval, change } : approval
}
