import { hash } from 'node:crypto'
import { countRequestAtMost } from '../context/count.ts'
import { type BreakerState, type Breakers, createBreakers, USUAL_BREAKER, type Ward } from '../effects/breaker.ts'
import { type GovernedPorts, governed } from '../effects/governed.ts'
import type { EffectOrder, Executor } from '../engine/effect.ts'
import type { ModelRequest } from '../events/messages.ts'
import { Governor, type GovernorState } from '../journal/governor.ts'
import type { RateLimits } from '../journal/rate-plan.ts'
import type { App } from './app.ts'
import { describeOwner, isOwnerDead } from './owner.ts'
import { TokenGuess } from './token-guess.ts'

/** What stands before the calls of one provider. */
export interface ProviderLimits {
  readonly provider: string
  readonly key_name?: string
  readonly base_url?: string
  readonly state: GovernorState
}

/** Wraps the executor of model calls so that all processes together keep the limits of each key. */
export function createGovernor(app: App): (inner: Executor) => Executor {
  const known = lines.get(app.paths) ?? createLines(app)
  lines.set(app.paths, known)
  return (inner) => governed(inner, known)
}

/** One set for all runs of a process: what one run was told holds for the others. */
const lines = new WeakMap<App['paths'], GovernedPorts>()

function createLines(app: App): GovernedPorts {
  const governors = new Map<string, Promise<Governor>>()
  const guess = new TokenGuess(countRequestAtMost)
  return {
    gate: async (order) => {
      const request = readRequest(order)
      if (!request) return undefined
      const key = nameKey(app, request)
      if (key === undefined) return undefined
      const limits = limitsOf(app, request.provider)
      const known = governors.get(key) ?? openGovernor(app, key, limits)
      governors.set(key, known)
      known.catch(() => governors.delete(key))
      const governor = await known
      return {
        enter: async (_, signal) => {
          // What has to be loaded first is loaded before the turn, not in it: a late call takes another's place.
          if (limits) await app.models.provider(request).catch(() => undefined)
          const tokens = limits?.tokens === undefined ? 0 : guess.of(request, order.output_tokens)
          const pass = await governor.enter(tokens, signal)
          return (
            pass && {
              end: (call) => {
                if (limits?.tokens !== undefined && !call.refused) guess.learn(request, call.tokens)
                pass.end(call)
              },
            }
          )
        },
      }
    },
  }
}

/** Wraps the executor of model calls so that models that are down are not asked. */
export function createBreaker(app: App): (inner: Executor) => Executor {
  return (inner) => findBreakers(app).wrap(inner)
}

/** The limits of all providers that are configured, as all processes see them. */
export async function describeLimits(app: App): Promise<readonly ProviderLimits[]> {
  const named = Object.entries(app.config.settings.providers ?? {}).filter(([, { limits }]) => limits !== undefined)
  const shown = named.map(async ([provider]) => {
    const key = nameKey(app, { provider })
    if (key === undefined) return []
    const { key_name, base_url } = app.models.account({ provider }) ?? {}
    const governor = await openGovernor(app, key, limitsOf(app, provider))
    const about = { ...(key_name === undefined ? {} : { key_name }), ...(base_url === undefined ? {} : { base_url }) }
    return [{ provider, ...about, state: await governor.describe() }]
  })
  return (await Promise.all(shown)).flat()
}

/** The breakers of this process: in a server, those of its runs. */
export function describeBreakers(app: App): readonly BreakerState[] {
  return findBreakers(app).describe()
}

const breakers = new WeakMap<App['paths'], Breakers>()

/** One set for all runs of a process: what one run learned of a provider holds for the others. */
function findBreakers(app: App): Breakers {
  const known =
    breakers.get(app.paths) ?? createBreakers({ ward: (order) => findWard(app, order), clock: readMachineClock })
  breakers.set(app.paths, known)
  return known
}

function findWard(app: App, order: EffectOrder): Ward | undefined {
  const request = readRequest(order)
  const key = request && nameKey(app, request)
  if (!request || key === undefined) return undefined
  const { breaker } = app.config.settings.providers?.[request.provider] ?? {}
  if (breaker === 'off') return undefined
  return {
    key: `${key}/${request.model}`,
    name: `${request.provider}/${request.model}`,
    failures: breaker?.failures ?? USUAL_BREAKER.failures,
    probe_ms: breaker?.seconds === undefined ? USUAL_BREAKER.probe_ms : breaker.seconds * 1_000,
  }
}

async function openGovernor(app: App, key: string, limits: RateLimits | undefined): Promise<Governor> {
  const { journal } = await app.openJournal()
  const clocks = { clock: readMachineClock, wake: wakeAt }
  const alone = (error: unknown) => sayAlone(app, error)
  return new Governor({ journal, ...clocks, owner: describeOwner(), isDead: isOwnerDead, alone }, key, limits)
}

const saidAlone = new WeakSet<App['paths']>()

/** Once in a process, whatever the provider: all of them stand in one file. */
function sayAlone({ paths, redact }: App, error: unknown): void {
  if (saidAlone.has(paths)) return
  saidAlone.add(paths)
  const why = error instanceof Error ? error.message : String(error)
  const text = `the calls of other processes cannot be seen (${why}): this one keeps the limits of its providers by itself meanwhile`
  process.emitWarning(redact(text), { type: 'LimitsWarning', code: 'governor_alone' })
}

function limitsOf(app: App, provider: string): RateLimits | undefined {
  const { limits } = app.config.settings.providers?.[provider] ?? {}
  if (!limits) return undefined
  const { requests_per_minute: requests, tokens_per_minute: tokens, window_seconds = 60 } = limits
  if (requests === undefined && tokens === undefined) return undefined
  return {
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
    window_ms: window_seconds * 1_000,
  }
}

/** Which line a call stands in: the same for every name of the same key at the same address. Never holds the key itself. */
function nameKey(app: App, request: Pick<ModelRequest, 'provider' | 'base_url'>): string | undefined {
  const account = app.models.account(request)
  if (!account) return undefined
  const { vendor, key_name = '', base_url = '' } = account
  return hash('sha256', JSON.stringify([vendor, key_name, base_url]), 'hex').slice(0, 32)
}

function readRequest({ kind, request }: EffectOrder): ModelRequest | undefined {
  const asked = request as unknown as Partial<ModelRequest> | null
  return kind === 'model' && typeof asked?.provider === 'string' && Array.isArray(asked.messages)
    ? (asked as ModelRequest)
    : undefined
}

/** ms since this machine was started: the same in all its processes, whatever is done to the time of day. */
function readMachineClock(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

function wakeAt(at: number, then: () => void): () => void {
  const timer = setTimeout(then, Math.max(0, Math.ceil(at - readMachineClock())))
  return () => clearTimeout(timer)
}
