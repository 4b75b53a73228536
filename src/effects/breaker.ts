import type { CircuitBreakerPolicy } from 'cockatiel'
import type { EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number
  /** Between two probes while it is open. */
  readonly probe_ms: number
}

/** Five failures in a row open it; then one call in 30 s tries whether the provider is back. */
export const USUAL_BREAKER: BreakerSettings = { failures: 5, probe_ms: 30_000 }

/** What a call goes to, and how ill that may get before nobody asks it any more. */
export interface Ward extends BreakerSettings {
  /** One breaker each: provider, address and model. */
  readonly key: string
  /** Provider and model, for people. */
  readonly name: string
}

export interface BreakerPorts {
  /** Undefined for calls that no breaker guards. */
  ward(order: EffectOrder): Ward | undefined
  /** ms; only differences matter. */
  clock(): number
}

export interface BreakerState {
  readonly name: string
  readonly state: 'closed' | 'open' | 'probing'
  /** Until the next call is let through, while it is open. */
  readonly probe_in_ms?: number
}

/** The breakers of this process. */
export interface Breakers {
  wrap(inner: Executor): Executor
  describe(): readonly BreakerState[]
}

/** What an outcome says about the provider: `unclear` neither heals nor harms. */
type Sign = 'well' | 'ill' | 'unclear'

/** Calls to a provider that is down are answered at once with `breaker_open`, so that the next candidate is taken. */
export function createBreakers(ports: BreakerPorts): Breakers {
  const circuits = new Map<string, Circuit>()
  const find = (ward: Ward): Circuit => {
    const known = circuits.get(ward.key) ?? new Circuit(ward, ports.clock)
    circuits.set(ward.key, known)
    return known
  }
  return {
    wrap: (inner) => ({
      kind: inner.kind,
      run: async (order, means) => {
        const ward = ports.ward(order)
        if (!ward || means.signal.aborted) return inner.run(order, means)
        const circuit = find(ward)
        const leave = circuit.enter()
        if (!leave) return circuit.refuse()
        let sign: Sign = 'unclear'
        try {
          const outcome = await inner.run(order, means)
          sign = readSign(outcome)
          return outcome
        } finally {
          await leave(sign)
        }
      },
    }),
    describe: () => [...circuits.values()].map((circuit) => circuit.describe()),
  }
}

/** One breaker around one executor. */
export function broken(inner: Executor, ports: BreakerPorts): Executor {
  return createBreakers(ports).wrap(inner)
}

const ILL = new Set(['provider_unreachable', 'provider_overloaded', 'provider_timeout', 'stream_stalled'])
/** Answers that only somebody who is there can give. */
const ANSWERS = new Set([
  'rate_limited',
  'provider_auth',
  'provider_quota',
  'model_not_found',
  'context_overflow',
  'request_refused',
])

function readSign(outcome: EffectOutcome): Sign {
  if (outcome.ok) return 'well'
  // Of the errors without a name of their own, those worth another try are the 5xx; the others are wrong addresses.
  if (ILL.has(outcome.code) || (outcome.code === 'provider_error' && outcome.retry)) return 'ill'
  return ANSWERS.has(outcome.code) ? 'well' : 'unclear'
}

/**
 * Counts and states are cockatiel's, which is loaded with the first failure; time is ours, so that a probe is due by the clock we
 * are given, and whoever comes while one is under way is answered at once instead of waiting for it.
 */
class Circuit {
  readonly #ward: Ward
  readonly #clock: () => number
  #policy: CircuitBreakerPolicy | undefined
  #isOpen = false
  #isProbing = false
  #probeAt = 0

  constructor(ward: Ward, clock: () => number) {
    this.#ward = ward
    this.#clock = clock
  }

  /** How the call leaves again; undefined when it may not go. */
  enter(): ((sign: Sign) => Promise<void>) | undefined {
    if (!this.#isOpen) return (sign) => this.#take(sign)
    const now = this.#clock()
    if (this.#isProbing || now < this.#probeAt) return undefined
    this.#isProbing = true
    this.#probeAt = now + this.#ward.probe_ms
    return async (sign) => {
      await this.#policy?.execute(() => sign)
      this.#isProbing = false
      this.#isOpen = sign !== 'well'
    }
  }

  refuse(): EffectOutcome {
    const seconds = Math.max(1, Math.ceil((this.#probeAt - this.#clock()) / 1_000))
    const message = `${this.#ward.name} failed ${this.#ward.failures} times in a row; it is not asked again for ${seconds} s.`
    return { ok: false, code: 'breaker_open', message, touched: 'no', retry: false }
  }

  describe(): BreakerState {
    const { name } = this.#ward
    if (!this.#isOpen) return { name, state: 'closed' }
    if (this.#isProbing) return { name, state: 'probing' }
    return { name, state: 'open', probe_in_ms: Math.max(0, Math.ceil(this.#probeAt - this.#clock())) }
  }

  /** Of calls that began before it opened, what comes after that says nothing new. Good news matter only after bad ones. */
  async #take(sign: Sign): Promise<void> {
    if (sign === 'unclear' || (sign === 'well' && !this.#policy)) return
    const policy = await this.#load()
    if (this.#isOpen) return
    await policy.execute(() => sign)
  }

  async #load(): Promise<CircuitBreakerPolicy> {
    const { ConsecutiveBreaker, ConstantBackoff, circuitBreaker, handleWhenResult } = await import('cockatiel')
    if (this.#policy) return this.#policy
    const policy = circuitBreaker(
      handleWhenResult((sign) => sign !== 'well'),
      {
        // Its own clock is the machine's, which may be set anew: by this one a probe is always due.
        halfOpenAfter: new ConstantBackoff(Number.NEGATIVE_INFINITY),
        breaker: new ConsecutiveBreaker(this.#ward.failures),
      },
    )
    policy.onBreak(() => {
      if (this.#isOpen) return
      this.#isOpen = true
      this.#probeAt = this.#clock() + this.#ward.probe_ms
    })
    this.#policy = policy
    return policy
  }
}
