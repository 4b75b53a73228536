import type { Executor } from '../engine/effect.ts'
import type { TelemetryAnswer, TelemetryRequest } from '../events/routing.ts'
import type { Json } from '../events/values.ts'

/**
 * Tells a step how models have done so far, and what its budgets have left. The numbers make a choice better and are no condition of
 * it: without them there are none.
 */
export function createTelemetryExecutor(
  tell: (request: TelemetryRequest) => Promise<TelemetryAnswer>,
  countLeft: (place: { readonly run: string; readonly step: string }) => Promise<number | undefined> = async () =>
    undefined,
): Executor {
  return {
    kind: 'telemetry',
    run: async ({ run, step, request }) => {
      const none: TelemetryAnswer = { models: {} }
      const [{ models }, left] = await Promise.all([
        tell(request as unknown as TelemetryRequest).catch(() => none),
        countLeft({ run, step }).catch(() => undefined),
      ])
      const answer: TelemetryAnswer = { models, ...(left === undefined ? {} : { left }) }
      return { ok: true, answer: answer as unknown as Json }
    },
  }
}
