// node scripts/sum-tests.ts REPORT.json...   adds up vitest's JSON reports; the last line is `N passed, N failed, N skipped`
import { readFileSync } from 'node:fs'

export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The part of vitest's JSON report that is read here. */
export interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

/** A suite that broke outside its tests (a file that does not load, an unhandled error) counts as one failure. */
export function sumReports(reports: readonly Report[]): Totals {
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  for (const report of reports) {
    const isBroken = !report.success && report.numFailedTests === 0
    totals = {
      passed: totals.passed + report.numPassedTests,
      failed: totals.failed + report.numFailedTests + (isBroken ? 1 : 0),
      skipped: totals.skipped + report.numPendingTests + report.numTodoTests,
    }
  }
  return totals
}

if (import.meta.main) {
  const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report)
  const { passed, failed, skipped } = sumReports(reports)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  if (failed > 0) process.exitCode = 1
}
