import type { EffectFailed, EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import type { CacheAsk } from '../events/cache-ask.ts'
import { OrcError } from '../events/errors.ts'
import type { ModelRequest, Usage } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import type { ModelPart, Provider, ProviderFailure } from '../providers/provider.ts'
import { AnswerDraft } from './answer-draft.ts'

export interface ModelExecutorPorts {
  /** The provider that speaks for this request, or `undefined` when there is none. */
  provider(request: ModelRequest): Provider | undefined | Promise<Provider | undefined>
  /** ms; only differences matter. */
  clock(): number
  /** Calls back at a time of `clock`; the answer cancels. */
  wake(at: number, then: () => void): () => void
  /** The longest silence between two parts; default 60 s, and 300 s before the first part. */
  readonly idle_ms?: number
  /** The longest a call may take; default 600 s. */
  readonly total_ms?: number
  /** Integer nano-dollars, or `undefined` when the price is unknown. */
  cost?(request: ModelRequest, usage: Usage): number | undefined
}

/** A model effect's request: the model's own, plus time limits of this call in ms. A given `idle_ms` holds for the first part too. */
export type ModelEffectRequest = ModelRequest & {
  readonly idle_ms?: number
  readonly timeout_ms?: number
  /** For what stands before the executor. */
  readonly cache?: CacheAsk
}

type Means = Parameters<Executor['run']>[1]

/** A provider that does not react to an abort is left behind after this. */
const ABORT_MS = 250

/** Why a call's signal fires when it is over. One for all calls: making one costs a stack trace. */
const OVER = new DOMException('The call is over.', 'AbortError')

/** Performs model calls: streams, gathers the answer, keeps its own two clocks. Knows nothing of retries or money limits. */
export function createModelExecutor(ports: ModelExecutorPorts): Executor {
  return {
    kind: 'model',
    run: async (order, means) => {
      const request = limitOutput(order)
      if (!isModelRequest(request)) {
        return fail('bad_input', 'A model call needs a provider, a model and messages.', { touched: 'no' })
      }
      if (means.signal.aborted) return fail('aborted', 'The call was aborted.', { touched: 'no' })
      let provider: Provider | undefined
      try {
        provider = await ports.provider(request)
      } catch (error) {
        // What the user can mend, such as a file that the provider was to be made from.
        return error instanceof OrcError ? fail(error.code, error.message, { touched: 'no' }) : failBroken(error)
      }
      if (!provider) {
        return fail('provider_unknown', `There is no provider named "${request.provider.slice(0, 100)}".`, {
          touched: 'no',
        })
      }
      if (request.embed && !provider.embeds) {
        return fail('request_refused', `${provider.id} makes no embeddings.`, { touched: 'no' })
      }
      return new ModelCall(ports, request, means).run(provider)
    },
  }
}

/** The request with no more output than was paid for. */
function limitOutput({ request: asked, output_tokens }: EffectOrder): ModelEffectRequest {
  const request = asked as unknown as ModelEffectRequest
  return output_tokens === undefined || !isModelRequest(request) ? request : { ...request, max_tokens: output_tokens }
}

class ModelCall {
  readonly #ports: ModelExecutorPorts
  readonly #request: ModelEffectRequest
  readonly #means: Means
  readonly #controller = new AbortController()
  readonly #draft = new AnswerDraft()
  readonly #begun: number
  #heard: number
  /** Why we stopped it ourselves; wins over whatever still arrives. */
  #stopped: ProviderFailure | undefined
  #settle!: (outcome: EffectOutcome) => void
  #unset: (() => void) | undefined
  #tail = ''

  constructor(ports: ModelExecutorPorts, request: ModelEffectRequest, means: Means) {
    this.#ports = ports
    this.#request = request
    this.#means = means
    this.#begun = ports.clock()
    this.#heard = this.#begun
  }

  /** Not async, and no `finally`: thousands may wait here, and each frame of theirs is held. */
  run(provider: Provider): Promise<EffectOutcome> {
    const { signal } = this.#means
    const onAbort = () => this.#stop({ code: 'aborted', message: 'The call was aborted.', retry: false })
    signal.addEventListener('abort', onAbort)
    this.#watch()
    // Not a race for each part: a race would leave one listener behind for every part of a long answer.
    return new Promise((resolve) => {
      this.#settle = (outcome) => {
        resolve(outcome)
        signal.removeEventListener('abort', onAbort)
        this.#unset?.()
        // Whoever reads the stream lets go of it first.
        queueMicrotask(() => this.#controller.abort(OVER))
      }
      if (signal.aborted) onAbort()
      this.#listen(provider).catch((error) =>
        this.#stopped ? this.#end(this.#stopped) : this.#settle(failBroken(error)),
      )
    })
  }

  async #listen(provider: Provider): Promise<void> {
    const { idle_ms: _, timeout_ms: __, cache: ___, ...request } = this.#request
    for await (const part of provider.stream(request, this.#controller.signal)) {
      if (part.type === 'finish' || part.type === 'failed') {
        this.#finish(part)
        return
      }
      if (this.#stopped) continue
      this.#heard = this.#ports.clock()
      this.#draft.add(part, this.#heard - this.#begun)
      if (part.type === 'text' || part.type === 'reasoning') this.#show(part)
    }
    this.#end(
      this.#stopped ?? {
        code: 'stream_truncated',
        message: `The answer of ${provider.id} ended without saying that it was complete.`,
        retry: true,
        touched: 'yes',
      },
    )
  }

  #finish(part: Extract<ModelPart, { type: 'finish' | 'failed' }>): void {
    if (this.#stopped) this.#end({ ...this.#stopped, ...(part.type === 'failed' && { touched: part.failure.touched }) })
    else if (part.type === 'failed') this.#end(part.failure)
    else {
      const answer = this.#draft.finish(part.reason, part.usage, this.#request)
      const cost = this.#ports.cost?.(this.#request, answer.usage)
      const json = answer as unknown as Json
      this.#settle({ ok: true, answer: json, usage: answer.usage, ...(cost !== undefined && { cost }) })
    }
  }

  #end(failure: ProviderFailure): void {
    const { code, message, retry, touched, detail, retry_after_ms } = failure
    const partial = this.#draft.partial()
    this.#settle(
      fail(code, message, {
        retry,
        touched,
        ...(detail !== undefined && { detail: detail.toWellFormed() }),
        ...(retry_after_ms !== undefined && { retry_after_ms }),
        ...(partial !== undefined && { partial }),
      }),
    )
  }

  #stop(why: Omit<ProviderFailure, 'touched'>): void {
    if (this.#stopped) return
    const stopped: ProviderFailure = { ...why, touched: this.#draft.begun ? 'yes' : 'maybe' }
    this.#stopped = stopped
    this.#controller.abort()
    this.#setAlarm(this.#ports.clock() + ABORT_MS, () => this.#end(stopped))
  }

  /** One alarm for the whole call: when it rings too early it is set again, so parts cost nothing. */
  #watch(): void {
    const { idle_ms, timeout_ms } = this.#request
    const between = idle_ms ?? this.#ports.idle_ms ?? 60_000
    const first = idle_ms ?? this.#ports.idle_ms ?? 300_000
    const total = timeout_ms ?? this.#ports.total_ms ?? 600_000
    const end = this.#begun + total
    const due = this.#heard + (this.#draft.begun ? between : first)
    this.#setAlarm(Math.min(due, end, this.#ports.clock() + between), () => {
      const now = this.#ports.clock()
      const retry = !this.#draft.begun
      const allowed = retry ? first : between
      if (now >= end) {
        this.#stop({ code: 'provider_timeout', message: `No complete answer within ${total} ms.`, retry })
      } else if (now < this.#heard + allowed) this.#watch()
      else this.#stop({ code: 'stream_stalled', message: `Nothing arrived for ${allowed} ms.`, retry })
    })
  }

  #setAlarm(at: number, then: () => void): void {
    this.#unset?.()
    this.#unset = this.#ports.wake(at, then)
  }

  /** Half of a surrogate pair waits for its other half. */
  #show({ type, text }: { readonly type: 'text' | 'reasoning'; readonly text: string }): void {
    const whole = this.#tail + text
    const last = whole.charCodeAt(whole.length - 1)
    const cut = last >= 0xd800 && last <= 0xdbff ? whole.length - 1 : whole.length
    this.#tail = whole.slice(cut)
    if (cut > 0) this.#means.stream({ type, text: whole.slice(0, cut).toWellFormed() })
  }
}

function failBroken(error: unknown): EffectFailed {
  return fail('internal', 'A provider broke its contract: it threw.', {
    detail: String(error).slice(0, 2000).toWellFormed(),
  })
}

function fail(code: string, message: string, more: Partial<EffectFailed>): EffectFailed {
  return { ok: false, code, message, touched: 'maybe', retry: false, ...more }
}

/** Only what the executor itself relies on; the engine has checked the rest. */
function isModelRequest(request: Partial<ModelRequest> | null): request is ModelRequest {
  return (
    typeof request === 'object' &&
    typeof request?.provider === 'string' &&
    typeof request.model === 'string' &&
    Array.isArray(request.messages)
  )
}
