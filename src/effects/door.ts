import type { Delta, EffectOutcome, Executor } from '../engine/effect.ts'
import type { Json } from '../events/values.ts'
import type { Redaction } from '../trust/redaction.ts'

/**
 * The door through which everything comes in from the world. Known secrets stay outside: no answer, message, detail or live text holds
 * one, so none can get into a journal, a prompt, a report or another program by way of it.
 */
export function guardDoor(
  executors: { readonly [kind: string]: Executor },
  redaction: Redaction,
): { readonly [kind: string]: Executor } {
  return Object.fromEntries(
    Object.entries(executors).map(([kind, executor]) => [kind, guardExecutor(executor, redaction)]),
  )
}

function guardExecutor(executor: Executor, redaction: Redaction): Executor {
  return {
    kind: executor.kind,
    run: async (order, { signal, stream }) => {
      const live = new LiveText(redaction, stream)
      try {
        const outcome = await executor.run(order, { signal, stream: (delta) => live.take(delta) })
        return redactOutcome(outcome, redaction)
      } catch (error) {
        // The engine keeps what an executor threw as the detail of the failure.
        throw new Error(redaction.redact(error instanceof Error ? (error.stack ?? error.message) : String(error)))
      } finally {
        live.end()
      }
    },
  }
}

function redactOutcome(outcome: EffectOutcome, { redact, redactJson }: Redaction): EffectOutcome {
  const usage = outcome.usage === undefined ? {} : { usage: redactJson(outcome.usage as Json) as typeof outcome.usage }
  if (outcome.ok) return { ...outcome, answer: redactJson(outcome.answer), ...usage }
  return {
    ...outcome,
    message: redact(outcome.message),
    ...(outcome.detail === undefined ? {} : { detail: redact(outcome.detail) }),
    ...(outcome.partial === undefined ? {} : { partial: redactJson(outcome.partial) }),
    ...usage,
  }
}

/** Live text of one effect, each kind of it by itself. */
class LiveText {
  readonly #redaction: Redaction
  readonly #show: (delta: Delta) => void
  readonly #streams = new Map<Delta['type'], ReturnType<Redaction['stream']>>()

  constructor(redaction: Redaction, show: (delta: Delta) => void) {
    this.#redaction = redaction
    this.#show = show
  }

  take({ type, text }: Delta): void {
    const stream = this.#streams.get(type) ?? this.#redaction.stream()
    this.#streams.set(type, stream)
    const ready = stream.take(text)
    if (ready !== '') this.#show({ type, text: ready })
  }

  end(): void {
    for (const [type, stream] of this.#streams) {
      const text = stream.end()
      if (text !== '') this.#show({ type, text })
    }
  }
}
