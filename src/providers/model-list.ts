import { OrcError } from '../events/errors.ts'
import { describeMalformed, readHttpFailure, readRefusal, type Speaker } from './failures.ts'
import type { Http } from './http.ts'
import { HttpFailure } from './http-failure.ts'
import type { ModelInfo, ProviderFailure } from './provider.ts'
import { readText } from './wire.ts'

const LIST_LIMIT = 8 * 1024 * 1024
const TIMEOUT_MS = 5000

export interface ListAsk {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly speaker: Speaker
  /** Takes the models out of the parsed answer; `undefined` when it has another form. */
  readonly pick: (answer: unknown) => readonly ModelInfo[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** Asks a server for its models, 5 s at most. Throws an `OrcError` with the failure's code. */
export async function listModels(http: Http, ask: ListAsk): Promise<readonly ModelInfo[]> {
  const { url, headers, speaker } = ask
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  const signal = ask.signal ? AbortSignal.any([ask.signal, limit]) : limit
  let failure: ProviderFailure
  try {
    const reply = await http.send({ url, method: 'GET', headers, signal })
    const { text } = await readText(reply.body, LIST_LIMIT)
    if (reply.status === 200) {
      const models = ask.pick(parseOrNothing(text))
      if (models) return models
      failure = describeMalformed(text, speaker)
    } else failure = readRefusal({ status: reply.status, headers: reply.headers, body: text }, speaker)
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    failure = limit.aborted
      ? {
          code: 'provider_timeout',
          message: `${speaker.name} did not list its models in time.`,
          retry: true,
          touched: 'maybe',
        }
      : readHttpFailure(error, speaker)
  }
  throw toProblem(failure)
}

/** A failure where the interface throws. */
export function toProblem({ code, message, detail }: ProviderFailure): OrcError {
  return new OrcError({ code, message, ...(detail && { hint: detail }) })
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The list every OpenAI-like server gives: `{data: [{id}]}`. */
export function pickData(answer: unknown): readonly ModelInfo[] | undefined {
  return pickList(answer, 'data', (entry) => toInfo(entry.id, entry.display_name ?? entry.name))
}

export function pickList(
  answer: unknown,
  key: string,
  read: (entry: Record<string, unknown>) => ModelInfo | undefined,
): readonly ModelInfo[] | undefined {
  const list = (answer as Record<string, unknown> | null | undefined)?.[key]
  if (!Array.isArray(list)) return undefined
  return list.flatMap(
    (entry: unknown) => (typeof entry === 'object' && entry && read(entry as Record<string, unknown>)) || [],
  )
}

export function toInfo(id: unknown, name?: unknown): ModelInfo | undefined {
  if (typeof id !== 'string' || id === '') return undefined
  return typeof name === 'string' && name && name !== id ? { id, name } : { id }
}
