import { ERROR_CODES, type ErrorCode, OrcError, type Problem } from '../../events/errors.ts'
import { rewordProblem } from '../hint.ts'
import { HTTP_WORDING } from './wording.ts'

/** An error as RFC 9457 wants it; `problems` has all of them, the first one speaks for the answer. */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly hint?: string
  /** The id of the request. */
  readonly instance: string
  readonly problems: readonly Problem[]
}

export const PROBLEM_TYPE = 'application/problem+json'

const STATUS: Partial<Record<ErrorCode, number>> = {
  access_limited: 429,
  credentials_missing: 401,
  credentials_refused: 401,
  identity_unreachable: 503,
  key_exists: 409,
  keys_unreadable: 503,
  artifact_refused: 400,
  body_too_large: 413,
  budget_exhausted: 402,
  confirmation_needed: 409,
  definition_changed: 409,
  file_exists: 409,
  fork_too_late: 409,
  headers_too_many: 431,
  host_refused: 403,
  media_type_refused: 415,
  method_refused: 405,
  not_found: 404,
  ensemble_missing: 404,
  mcp_server_missing: 404,
  profile_missing: 404,
  script_missing: 404,
  tool_missing: 404,
  provider_auth: 502,
  rate_limited: 429,
  run_ended: 409,
  run_held: 409,
  run_taken: 409,
  run_differs: 409,
  shutting_down: 503,
  journal_busy: 503,
  timeout: 504,
  provider_timeout: 504,
  provider_unreachable: 502,
  provider_overloaded: 503,
  provider_error: 502,
  request_refused: 502,
  internal: 500,
}

/** Those without a status of their own, by how the same failure ends a command: 2 is the caller's fault, 3 a refusal. */
const BY_EXIT: { readonly [exit: number]: number } = { 1: 500, 2: 400, 3: 403, 4: 409, 5: 402, 78: 500, 130: 499 }

export function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? BY_EXIT[ERROR_CODES[code].exit] ?? 500
}

export function describeProblem(error: OrcError, instance: string): ProblemDetails {
  const { code } = error
  const problems = error.problems.slice(0, 100).map((problem) => rewordProblem(problem, HTTP_WORDING))
  const [first] = problems
  return {
    type: `/v1/errors/${code}`,
    title: ERROR_CODES[code].summary,
    status: statusOf(code),
    detail: first?.message ?? error.message,
    code,
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    instance,
    problems,
  }
}

/** Expected failures as they are. Of anything else only that it happened: its words are for the log. */
export function asOrcError(error: unknown): OrcError {
  if (error instanceof OrcError) return error
  const hint = 'This is a fault of the program; the log of the server says more.'
  return new OrcError({ code: 'internal', message: 'something went wrong inside the program', hint })
}
