import { ERROR_CODES, type Problem } from '../../events/errors.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { exitCodeOf } from './render/exit-code.ts'

/** What results say about success, whichever operation they come from. */
interface Telling {
  readonly report?: RunReport
  readonly status?: string
  readonly asks?: readonly string[]
  readonly passed?: boolean
  readonly healthy?: boolean
  readonly equal?: boolean
  readonly ok?: boolean
  readonly success?: boolean
  /** Why one call failed. */
  readonly code?: string
  readonly valid?: boolean
  readonly problems?: readonly Problem[]
}

/** Operations that steer or look at a run: their success is not the run's. */
const LOOKS = new Set(['runs show', 'runs tail'])
const STEERS = new Set(['runs cancel', 'runs resolve', 'runs steer', 'approvals give', 'approvals deny'])
/** Operations that call one thing once: their success is that of the call. */
const CALLS = new Set(['scripts test', 'tools test'])

/** The exit code for what an operation answered. */
export function exitCodeFor(operation: string, result: unknown): number {
  if (LOOKS.has(operation) || typeof result !== 'object' || result === null) return 0
  const { report, status, asks, passed, healthy, equal, ok, success, code, valid, problems } = result as Telling
  if (report) {
    // Another process drives on, or the run ended as it was told to.
    if (
      STEERS.has(operation) &&
      (report.status === 'running' || (operation === 'runs cancel' && report.status === 'cancelled'))
    )
      return 0
    return asks && asks.length > 0 ? 4 : exitCodeOf(report)
  }
  if (valid === false) {
    const first = problems?.find(({ severity }) => severity !== 'warning')
    return first ? ERROR_CODES[first.code].exit : 2
  }
  if ([passed, healthy, equal, ok, success].includes(false)) return 1
  if (!CALLS.has(operation) || status === undefined) return 0
  const errors = code === undefined ? [] : [{ code } as RunReport['errors'][number]]
  return exitCodeOf({ status: status as RunReport['status'], errors })
}
