import type { App } from '../../../app/app.ts'
import type { ErrorCode, OrcError } from '../../../events/errors.ts'
import { rewordHint } from '../../hint.ts'
import type { FaceContext } from '../means.ts'
import { asOrcError, statusOf } from '../problem.ts'
import { HTTP_WORDING } from '../wording.ts'
import { RunFailure } from './reply.ts'

/** An error as programs of this face know them. */
export interface OpenAiError {
  readonly message: string
  readonly type: string
  /** The field of the request it is about. */
  readonly param: string | null
  readonly code: string
}

const TYPES: { readonly [status: number]: string } = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** Where a failure inside a run stands for something else than the same failure of the request itself. */
const OF_RUNS: Partial<Record<ErrorCode, number>> = {
  aborted: 409,
  answer_restarted: 502,
  bad_input: 400,
  breaker_open: 503,
  context_overflow: 400,
  malformed_response: 502,
  model_not_found: 502,
  price_unknown: 402,
  provider_quota: 402,
  provider_unknown: 502,
  request_refused: 400,
  run_rests: 409,
  stream_stalled: 504,
  stream_truncated: 502,
}

/** The addresses whose errors have this form, whoever found them. */
export function isOpenAiPath(path: string): boolean {
  return /^\/v1\/(chat\/completions|completions|responses|embeddings|models)(\/|$)/.test(path)
}

/** The addresses that take a model: there, what is not found is one. */
const NAMES_MODEL = /^\/v1\/(chat\/completions|responses|embeddings|models(\/.+)?)$/

export function describeOpenAiError(error: OrcError): { readonly status: number; readonly error: OpenAiError } {
  const inRun = error instanceof RunFailure
  const status = (inRun ? OF_RUNS[error.code] : undefined) ?? statusOf(error.code)
  const [problem] = error.problems
  const param = /^([a-z_]+(?:\[\d+\]|\.[a-z_]+)*): /.exec(problem?.message ?? '')?.[1] ?? null
  const hint = problem?.hint === undefined ? '' : ` ${rewordHint(problem.hint, HTTP_WORDING)}`
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
  const said = `${error.problems.map(({ message }) => message).join('; ')}.${hint}`
  return {
    status,
    error: { message: said, type, param: error.code === 'bad_input' ? param : null, code: nameCode(error) },
  }
}

/** Two codes that programs ask for by name. */
function nameCode(error: OrcError): string {
  if (error.code === 'context_overflow') return 'context_length_exceeded'
  return error.code === 'not_found' && !(error instanceof RunFailure) ? 'model_not_found' : error.code
}

/**
 * The official clients repeat calls by themselves. A run that failed has been paid for, so they are told not to, unless it may pass
 * by waiting.
 */
export function answerOpenAiError(c: FaceContext, app: App, thrown: unknown): Response {
  const known = asOrcError(thrown)
  const { status, error: described } = describeOpenAiError(known)
  const error = NAMES_MODEL.test(c.req.path) ? described : { ...described, code: known.code }
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-should-retry': String(status === 429 || status === 503),
  }
  if (known instanceof RunFailure) {
    headers['x-llm-orc-run'] = known.run
    const wait = known.retry_after_ms
    if (wait !== undefined && (status === 429 || status === 503)) {
      headers['retry-after'] = String(Math.ceil(wait / 1000))
      headers['retry-after-ms'] = String(wait)
    }
  }
  return c.body(app.redact(JSON.stringify({ error })), status as 400, headers)
}
