import { OrcError, type Problem } from '../events/errors.ts'
import type { Redact } from '../trust/redaction.ts'

/** The same failure without secrets, its causes too: whoever shows it knows nothing of them. */
export function redactError(error: unknown, redact: Redact): unknown {
  if (error instanceof OrcError) return new OrcError(error.problems.map((problem) => redactProblem(problem, redact)))
  if (!(error instanceof Error)) return typeof error === 'string' ? redact(error) : error
  error.message = redact(error.message)
  if (error.stack !== undefined) error.stack = redact(error.stack)
  if (error.cause !== undefined) error.cause = redactError(error.cause, redact)
  return error
}

function redactProblem(problem: Problem, redact: Redact): Problem {
  const words = Object.entries(problem).map(([key, value]) => [key, typeof value === 'string' ? redact(value) : value])
  return Object.fromEntries(words) as Problem
}
