import {
  describeMalformed,
  describeMissingKey,
  isRecord,
  readHttpFailure,
  readRefusal,
  readStreamError,
  type Speaker,
} from './failures.ts'
import { HttpFailure } from './http-failure.ts'
import type { ProviderFailure } from './provider.ts'
import { redact } from './redaction.ts'

/** Names of the packages' errors for requests they refuse to send. */
const UNSENT = /^AI_(UnsupportedFunctionality|InvalidPrompt|InvalidArgument|NoSuchModel|LoadSetting)/

/**
 * What a vendor package threw or streamed. Its errors are told apart by name, because packages may carry copies of the classes.
 * `place` says whether the answer had begun.
 */
export function readSdkError(error: unknown, speaker: Speaker, place: 'request' | 'stream'): ProviderFailure {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof HttpFailure) return readHttpFailure(cause, speaker)
  }
  if (!(error instanceof Error)) return readStreamError(isRecord(error) && error.data ? error.data : error, speaker)
  if (error.name === 'AI_LoadAPIKeyError') return describeMissingKey(speaker)
  if (UNSENT.test(error.name)) {
    const message = `The request cannot be put into the form ${speaker.name} takes.`
    return {
      code: 'request_refused',
      message,
      retry: false,
      touched: 'no',
      detail: redact(error.message, speaker.secrets),
    }
  }
  if (error.name === 'AI_APICallError') {
    const { statusCode, responseHeaders, responseBody } = error as Error & {
      readonly statusCode?: number
      readonly responseHeaders?: Record<string, string>
      readonly responseBody?: string
    }
    const body = responseBody ?? error.message
    if (typeof statusCode === 'number' && statusCode >= 300) {
      return readRefusal({ status: statusCode, headers: responseHeaders ?? {}, body }, speaker)
    }
    return describeMalformed(body, speaker, !/<html/i.test(body))
  }
  // Whatever else a package stumbles over was in the answer: it had a request it could send.
  return { ...describeMalformed(error.message, speaker), touched: place === 'stream' ? 'yes' : 'maybe' }
}
