import { HttpFailure } from './http-failure.ts'
import type { ProviderFailure } from './provider.ts'
import { redact } from './redaction.ts'
import { readRetryAfter, readRetryDelay } from './retry-after.ts'

/** Who is being spoken to: what messages name, and what must never appear in them. */
export interface Speaker {
  readonly name: string
  readonly secrets: readonly string[]
  /** The environment variable a missing key can be put in. */
  readonly key_name?: string
  /** On this machine: a closed port means that nobody started it, and waiting does not help. */
  readonly local?: boolean
  /** There is a key, but for another address; it was not sent. */
  readonly withheld?: boolean
}

export interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const OVERFLOW =
  /context[_ -]?(length|window|limit|size)|maximum context|prompt is too long|exceed_context|input token count.{0,80}exceeds|too many (input |prompt )?tokens|maximum prompt length|input is too long/i
const QUOTA =
  /insufficient[_ ](quota|credits|funds|balance)|credit balance|billing[_ ](hard[_ ]limit|not[_ ]active)|out of credits/i
/** Said of an empty account by some vendors and of a full minute by others; the latter say when to come back. */
const QUOTA_OR_RATE = /exceeded your current quota/i
const BAD_KEY = /api[_ ]?key[_ ](not[_ ]valid|invalid)|(invalid|incorrect|missing)[_ ]api[_ ]?key/i
const NO_MODEL = /model/i

/** What an error status means. The body only refines it. */
export function readRefusal(refusal: Refusal, speaker: Speaker, now = Date.now()): ProviderFailure {
  const { status, body } = refusal
  const wait = readRetryAfter(refusal.headers ?? {}, now) ?? readRetryDelay(body)
  const told = { status, touched: 'yes', ...withDetail(readMessage(body), speaker) } as const
  const waiting = { ...told, retry: true, ...(wait !== undefined && { retry_after_ms: wait }) }
  const { name } = speaker

  const spent = QUOTA.test(body) || (wait === undefined && QUOTA_OR_RATE.test(body))
  if (status === 402 || (spent && (status === 400 || status === 403 || status === 429))) {
    return { code: 'provider_quota', message: `The account at ${name} has no credit left.`, retry: false, ...told }
  }
  if (status === 401 || status === 403 || (status === 400 && BAD_KEY.test(body))) {
    return { code: 'provider_auth', message: `${name} refused the key.${hintAtKey(speaker)}`, retry: false, ...told }
  }
  if (status === 429) return { code: 'rate_limited', message: `${name} asks to slow down.`, ...waiting }
  if (status === 408 || status === 504 || status === 524) {
    return { code: 'provider_timeout', message: `${name} gave up waiting (status ${status}).`, ...waiting }
  }
  if (OVERFLOW.test(body)) {
    const message = `The request is longer than the model at ${name} can read.`
    return { code: 'context_overflow', message, retry: false, ...told }
  }
  if (status === 404) {
    return NO_MODEL.test(body)
      ? { code: 'model_not_found', message: `${name} does not have this model.`, retry: false, ...told }
      : {
          code: 'provider_error',
          message: `${name} has nothing at this address; check base_url.`,
          retry: false,
          ...told,
        }
  }
  if (status >= 300 && status < 400) {
    const message = `${name} redirects (status ${status}); redirects are not followed, set base_url to the final address.`
    return { code: 'provider_error', message, retry: false, ...told }
  }
  if (status === 425 || status === 503 || (status >= 520 && status <= 529)) {
    return { code: 'provider_overloaded', message: `${name} is overloaded (status ${status}).`, ...waiting }
  }
  if (status >= 500 || status === 409) {
    return { code: 'provider_error', message: `${name} failed (status ${status}).`, ...waiting }
  }
  return { code: 'request_refused', message: `${name} refused the request (status ${status}).`, retry: false, ...told }
}

/** Words for errors inside a stream that began with status 200, and the status each would have had. First match counts. */
const WORDS: readonly (readonly [RegExp, number])[] = [
  [/overload/i, 529],
  [/rate.?limit|resource_exhausted|too_many/i, 429],
  [/insufficient_quota|billing/i, 402],
  [/authentication|unauthenticated|permission/i, 401],
  [/not_found/i, 404],
  [/invalid|bad_?request/i, 400],
  [/timeout|deadline/i, 504],
  [/unavailable/i, 503],
]

/** An error object that arrived inside a stream. */
export function readStreamError(error: unknown, speaker: Speaker): ProviderFailure {
  const body = typeof error === 'string' ? error : toText(error)
  const known = isRecord(error) ? error : {}
  const numbers = [known.statusCode, known.status, known.code].map(Number)
  const words = [known.type, known.code, known.status].filter((word) => typeof word === 'string').join(' ')
  const status =
    numbers.find((number) => Number.isInteger(number) && number >= 400 && number < 600) ??
    WORDS.find(([pattern]) => pattern.test(words))?.[1] ??
    500
  const { status: _, ...failure } = readRefusal({ status, body: JSON.stringify({ error }) ?? body }, speaker)
  return failure
}

/** A request that got no complete reply. */
export function readHttpFailure(failure: HttpFailure, speaker: Speaker): ProviderFailure {
  const { name } = speaker
  const { touched, reason } = failure
  const detail = reason ? { detail: reason } : {}
  switch (failure.kind) {
    case 'aborted':
      return describeAbort(touched)
    case 'unreachable':
      // Only what may pass by itself is worth another try: not a wrong host name, not a bad certificate.
      return {
        code: 'provider_unreachable',
        message: `${name} cannot be reached${reason ? ` (${reason})` : ''}; check that it is running and base_url is right.`,
        retry: !/ENOTFOUND|CERT|SSL|TLS/.test(reason) && !(speaker.local && reason === 'ECONNREFUSED'),
        touched,
        ...detail,
      }
    case 'reset':
      return {
        code: touched === 'yes' ? 'stream_truncated' : 'provider_error',
        message: `${name} closed the connection ${touched === 'yes' ? 'before the answer was complete' : 'without an answer'}.`,
        retry: true,
        touched,
        ...detail,
      }
    case 'malformed':
      return { ...describeMalformed(reason, speaker), touched }
    case 'invalid':
      return {
        code: 'request_refused',
        message: `The request to ${name} cannot be sent: address or key has a forbidden form.`,
        retry: false,
        touched,
        ...detail,
      }
  }
}

/** `retry` is for damage on the way; a server that speaks another language will do so again. */
export function describeMalformed(found: string, speaker: Speaker, retry = true): ProviderFailure {
  const message = `${speaker.name} sent something that is not a model's answer.`
  return { code: 'malformed_response', message, retry, touched: 'yes', ...withDetail(found, speaker) }
}

export function describeTruncation(speaker: Speaker): ProviderFailure {
  const message = `The answer of ${speaker.name} ended without saying that it was complete.`
  return { code: 'stream_truncated', message, retry: true, touched: 'yes' }
}

export function describeAbort(touched: ProviderFailure['touched']): ProviderFailure {
  return { code: 'aborted', message: 'The call was aborted.', retry: false, touched }
}

export function describeMissingKey(speaker: Speaker): ProviderFailure {
  const message = `There is no key for ${speaker.name}.${hintAtKey(speaker)}`
  return { code: 'provider_auth', message, retry: false, touched: 'no' }
}

function hintAtKey({ withheld, key_name }: Speaker): string {
  if (withheld) return ' The known key belongs to another address; set base_url in your own settings of the provider.'
  return key_name ? ` Set ${key_name}.` : ''
}

/** The message inside an error body, in whichever of the usual places it stands. */
function readMessage(body: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return body.trim()
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  const outer = isRecord(first) ? first : {}
  const error = outer.error ?? outer
  if (typeof error === 'string') return error
  const message = isRecord(error) ? (error.message ?? error.detail ?? outer.message ?? outer.detail) : undefined
  return typeof message === 'string' ? message : body.trim()
}

function withDetail(text: string, speaker: Speaker): { detail?: string } {
  return text ? { detail: redact(text, speaker.secrets) } : {}
}

function toText(value: unknown): string {
  return value instanceof Error ? value.message : (JSON.stringify(value) ?? '')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
