import type { EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'

/** What one call was, told when it has ended. */
export interface CallEnd {
  /** Tokens really used, in and out together; absent when nobody said. */
  readonly tokens?: number
  /** The server said that there are too many calls. */
  readonly refused?: boolean
  /** The server wants no call before so many ms from now. */
  readonly retry_after_ms?: number
}

/** The line in front of one key. */
export interface RateGate {
  /** Waits for the turn of this call; undefined when the signal fired first. */
  enter(order: EffectOrder, signal: AbortSignal): Promise<{ end(call: CallEnd): void } | undefined>
}

export interface GovernedPorts {
  /** The line this call has to stand in; undefined when there is none. */
  gate(order: EffectOrder): RateGate | undefined | Promise<RateGate | undefined>
}

/** Holds calls back until their turn has come, and tells the line how each went. It never repeats one. */
export function governed(inner: Executor, ports: GovernedPorts): Executor {
  return {
    kind: inner.kind,
    run: async (order, means) => {
      const gate = await ports.gate(order)
      if (!gate) return inner.run(order, means)
      const pass = await gate.enter(order, means.signal)
      if (!pass) {
        const message = 'The call was aborted while it waited for its turn.'
        return { ok: false, code: 'aborted', message, touched: 'no', retry: false }
      }
      let end: CallEnd = {}
      try {
        const outcome = await inner.run(order, means)
        end = readEnd(outcome)
        return outcome
      } finally {
        pass.end(end)
      }
    },
  }
}

function readEnd(outcome: EffectOutcome): CallEnd {
  const { usage } = outcome
  const known = usage?.input !== undefined || usage?.output !== undefined
  const tokens = known ? { tokens: (usage?.input ?? 0) + (usage?.output ?? 0) } : {}
  if (outcome.ok) return tokens
  const { code, touched, retry_after_ms } = outcome
  const refused = code === 'rate_limited'
  const asksToWait = refused || code === 'provider_overloaded'
  // Not for numbers that are none: they come from outside.
  const isTime = retry_after_ms !== undefined && retry_after_ms > 0
  return {
    ...(refused || touched === 'no' ? { tokens: 0 } : tokens),
    ...(refused ? { refused } : {}),
    ...(asksToWait && isTime ? { retry_after_ms } : {}),
  }
}
