import { ERROR_CODES } from '../../../events/errors.ts'
import type { RunReport } from '../../../events/views/run-report.ts'

/** The exit code of a command that drove a run: 0 · 1 failed or partial · 3 refused · 4 a person is asked · 5 exhausted · 130 cancelled. */
export function exitCodeOf(report: Pick<RunReport, 'status' | 'errors'>): number {
  switch (report.status) {
    case 'succeeded':
      return 0
    case 'paused':
      return 4
    case 'exhausted':
      return 5
    case 'cancelled':
      return 130
    case 'failed':
      return report.errors.length > 0 && report.errors.every(({ code }) => exitOf(code) === 3) ? 3 : 1
    default:
      return 1
  }
}

function exitOf(code: string): number | undefined {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].exit : undefined
}
