import { toJson } from '../events/canonical.ts'
import type { EventData, EventOf } from '../events/event.ts'
import type { RunState } from '../events/state.ts'
import type { Json, Value } from '../events/values.ts'
import type { ContentStore } from './content.ts'
import type { Draft } from './draft.ts'
import type { Delta, EffectFailed, EffectOrder, EffectOutcome, Safety } from './effect.ts'
import type { EnginePorts } from './world.ts'

const ABANDON_MS = 5_000

interface Running {
  readonly controller: AbortController
  readonly pool: string | undefined
  readonly safety: Safety
  giveUp?: () => void
}

/** Runs the executors of committed intents and turns what they report into inputs. */
export class Performances {
  readonly #run: string
  readonly #ports: EnginePorts
  readonly #store: ContentStore
  readonly #state: RunState
  readonly #report: (draft: Draft, safety: Safety) => void
  readonly #running = new Map<string, Running>()
  readonly #inPool = new Map<string, number>()

  constructor(options: {
    readonly run: string
    readonly ports: EnginePorts
    readonly store: ContentStore
    readonly state: RunState
    report(draft: Draft, safety: Safety): void
  }) {
    this.#run = options.run
    this.#ports = options.ports
    this.#store = options.store
    this.#state = options.state
    this.#report = options.report
  }

  get count(): number {
    return this.#running.size
  }

  /** Takes a place in the pool, if there is one. */
  enter(pool: string | undefined): boolean {
    if (pool === undefined) return true
    const taken = this.#inPool.get(pool) ?? 0
    if (taken >= (this.#ports.poolLimit?.(pool) ?? Infinity)) return false
    this.#inPool.set(pool, taken + 1)
    return true
  }

  leave(pool: string | undefined): void {
    if (pool !== undefined) this.#inPool.set(pool, (this.#inPool.get(pool) ?? 1) - 1)
  }

  /** Starts the executor of an intent that is on disk and has its place in the pool. */
  begin({ data, seq }: EventOf<'effect-intended'>): void {
    const { key, kind } = data
    const running: Running = { controller: new AbortController(), pool: data.pool, safety: data.safety }
    this.#running.set(key, running)
    const { tries = 1, asked = seq } = this.#state.effects.get(key) ?? {}
    const began = this.#ports.world.clock()
    // What waits for the executor keeps the order, not the event: thousands may wait at once.
    void this.#perform(kind, this.#orderOf(data, { tries, asked }), running).then((outcome) => {
      if (this.#running.get(key) !== running) return
      this.#end(key, running)
      const ms = Math.max(0, Math.round(this.#ports.world.clock() - began))
      this.#report(this.#inputOf(outcome, { key, intent: seq, ms }), running.safety)
    })
  }

  /** Answers an intent without its executor: it was stopped before it began. */
  decline({ data: { key, safety }, seq }: EventOf<'effect-intended'>): void {
    const message = 'its step was over before it began'
    const outcome = { ok: false, code: 'aborted', message, touched: 'no', retry: false } as const
    this.#report(this.#inputOf(outcome, { key, intent: seq, ms: 0 }), safety)
  }

  /** Stops an executor; if it stays silent it is given up after a while. */
  abort(key: string, intent: number): void {
    const running = this.#running.get(key)
    if (!running || running.controller.signal.aborted) return
    running.controller.abort()
    running.giveUp = this.#ports.world.wake(this.#ports.world.clock() + ABANDON_MS, () => {
      if (this.#running.get(key) !== running) return
      this.#end(key, running)
      const message = 'the executor did not answer after it was told to stop'
      const outcome = { ok: false, code: 'abandoned', message, touched: 'maybe', retry: false } as const
      this.#report(this.#inputOf(outcome, { key, intent, ms: ABANDON_MS }), running.safety)
    })
  }

  /** Stops everything without a report: the process is going away. */
  drop(): void {
    for (const [key, running] of this.#running) {
      this.#end(key, running)
      running.controller.abort()
    }
  }

  #end(key: string, running: Running): void {
    this.#running.delete(key)
    running.giveUp?.()
    this.leave(running.pool)
  }

  async #orderOf(
    data: EventData['effect-intended'],
    { tries, asked }: { readonly tries: number; readonly asked: number },
  ): Promise<EffectOrder> {
    return {
      run: this.#run,
      step: data.step,
      attempt: data.attempt,
      key: data.key,
      kind: data.kind,
      safety: data.safety,
      request: await this.#store.read(data.request, asked),
      tries,
      idempotency_key: this.#ports.world.sha256(`${this.#run}/${data.key}`),
      ...(data.pool === undefined ? {} : { pool: data.pool }),
      ...(data.output_tokens === undefined ? {} : { output_tokens: data.output_tokens }),
    }
  }

  async #perform(kind: string, ordered: Promise<EffectOrder>, running: Running): Promise<EffectOutcome> {
    try {
      const order = await ordered
      const executor = this.#ports.executors[kind]
      if (!executor)
        return {
          ok: false,
          code: 'no_executor',
          message: `nothing here can perform ${kind}`,
          touched: 'no',
          retry: false,
        }
      const stream = (delta: Delta) => this.#ports.watcher?.delta?.(order.step, order.attempt, delta)
      const outcome: unknown = await executor.run(order, { signal: running.controller.signal, stream })
      if (!isOutcome(outcome)) throw new TypeError(`the executor answered ${typeof outcome}, which is no outcome`)
      return outcome
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return {
        ok: false,
        code: 'executor_crashed',
        message: `the executor of ${kind} threw an error`,
        detail,
        touched: 'maybe',
        retry: false,
      }
    }
  }

  #inputOf(outcome: EffectOutcome, { key, intent, ms }: { key: string; intent: number; ms: number }): Draft {
    const causes = [intent]
    const cost = { ...(outcome.cost === undefined ? {} : { cost: outcome.cost }), ...this.#usageOf(outcome) }
    if (outcome.ok) {
      const source = outcome.source === 'cache' ? { source: outcome.source } : {}
      const answer = toJson(outcome.answer)
      if (answer.ok)
        return {
          type: 'effect-done',
          actor: 'world',
          data: { key, answer: this.#store.make(answer.json), ms, ...source, ...cost, ...labelsOf(outcome) },
          causes,
        }
      const message = `the answer is not plain JSON: ${answer.reason}`
      return {
        type: 'effect-failed',
        actor: 'world',
        data: { key, code: 'not_json', message, touched: 'yes', retry: false, ms, ...cost },
        causes,
      }
    }
    const data: EventData['effect-failed'] = {
      key,
      code: outcome.code,
      message: outcome.message.toWellFormed(),
      touched: outcome.touched,
      retry: outcome.retry,
      ...this.#valueOf('detail', outcome.detail),
      ...this.#valueOf('partial', outcome.partial),
      ...waitOf(outcome.retry_after_ms),
      ms,
      ...cost,
      ...labelsOf(outcome),
    }
    return { type: 'effect-failed', actor: 'world', data, causes }
  }

  #usageOf(outcome: EffectOutcome): { usage?: NonNullable<EffectOutcome['usage']> } {
    const plain = outcome.usage === undefined ? undefined : toJson(outcome.usage)
    return plain?.ok ? { usage: plain.json as NonNullable<EffectOutcome['usage']> } : {}
  }

  #valueOf(name: 'detail' | 'partial', content: Json | undefined): { readonly [key: string]: Value } {
    const plain = content === undefined ? undefined : toJson(content)
    return plain?.ok ? { [name]: this.#store.make(plain.json) } : {}
  }
}

function labelsOf({ labels }: EffectOutcome): { readonly labels?: readonly string[] } {
  return labels === undefined || labels.length === 0 ? {} : { labels: [...new Set(labels.map(String))].sort() }
}

/** Executors may come from plug-ins: what is no outcome must not stop the engine. */
function isOutcome(outcome: unknown): outcome is EffectOutcome {
  if (typeof outcome !== 'object' || outcome === null || !('ok' in outcome)) return false
  const { ok, code, message } = outcome as Partial<EffectFailed>
  return (
    (ok as boolean | undefined) === true || (ok === false && typeof code === 'string' && typeof message === 'string')
  )
}

/** What a server asks for, as a number a journal can keep. */
function waitOf(ms: number | undefined): { readonly retry_after_ms?: number } {
  if (ms === undefined || Number.isNaN(ms)) return {}
  return { retry_after_ms: Math.min(Math.max(0, Math.round(ms)), Number.MAX_SAFE_INTEGER) }
}
