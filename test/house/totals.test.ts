import { expect, test } from 'vitest'
import { sumReports } from '../../scripts/sum-tests.ts'

const report = { success: true, numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1 }

test('reports add up', () => {
  const failing = { ...report, success: false, numFailedTests: 2 }
  expect(sumReports([report, failing])).toEqual({ passed: 6, failed: 2, skipped: 4 })
})

test('a suite that broke outside its tests is a failure', () => {
  expect(sumReports([{ ...report, success: false }])).toEqual({ passed: 3, failed: 1, skipped: 2 })
})
