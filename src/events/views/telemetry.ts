import type { Event, EventOf } from '../event.ts'
import { FAILURE_KINDS, type FailureKind, isOfModel, isPassing, kindOfFailure } from '../failure-kinds.ts'
import type { ModelTelemetry } from '../routing.ts'
import type { Json } from '../values.ts'
import type { View } from './view.ts'

/** One try of a model call. */
export interface CallSample {
  readonly provider: string
  readonly model: string
  /** What the step asked of its model, where it said so. */
  readonly capability?: string
  /** It was asked because another model had failed so. */
  readonly after?: FailureKind
  /** The kind of the step. */
  readonly kind?: string
  readonly at: number
  readonly code?: string
  readonly ms?: number
  readonly cost?: number
  readonly output_tokens?: number
  /** It answered, and the answer passed its checks, or did not. */
  verified?: boolean
  /** Why an answer that did not pass was of no use. */
  flaw?: FailureKind
}

interface Asked {
  readonly provider: string
  readonly model: string
  readonly capability?: string
  readonly after?: FailureKind
}

export interface TelemetryState {
  readonly kinds: Map<string, string>
  readonly routes: Map<string, Asked>
  readonly open: Map<string, { readonly step: string; readonly asked: Asked }>
  readonly latest: Map<string, CallSample>
  /** The newest calls of the run, at most MOST_SAMPLES. */
  readonly samples: CallSample[]
}

const MOST_SAMPLES = 2_000
const DAY = 86_400_000
/** A call counts half as much for each day that has gone by. */
export const HALF_LIFE_MS = DAY
/** One that failed for something that passes by itself, for each hour: an outage of yesterday is no reason to stay away today. */
const PASSING_HALF_LIFE_MS = 3_600_000
/** Older calls say nothing. */
export const HORIZON_MS = 30 * DAY
/** A capability's own numbers are told from so many calls on; below, those of all calls. */
const OWN_CALLS = 5

/** Answers that were of no use, by the code with which the step passed them over. */
const USELESS = new Set(['context_cut', 'empty_answer', 'output_invalid'])

/** How the model calls of a run went. A fork's copied past counts with its parent. */
export const telemetryView: View<TelemetryState> = {
  initial: () => ({ kinds: new Map(), routes: new Map(), open: new Map(), latest: new Map(), samples: [] }),
  evolve: (state, event) => {
    evolveTelemetry(state, event)
    return state
  },
}

function evolveTelemetry(state: TelemetryState, event: Event): void {
  switch (event.type) {
    case 'run-started':
      for (const { id, kind } of event.data.steps) state.kinds.set(id, kind)
      return
    case 'steps-added':
      if ('steps' in event.data) for (const { id, kind } of event.data.steps) state.kinds.set(id, kind)
      return
    case 'run-forked':
      state.samples.length = 0
      return
    case 'step-routed':
      return takeRoute(state, event)
    case 'step-verified': {
      const { answer, status } = event.data.facts
      const sample = state.latest.get(typeof answer === 'string' ? answer : '')
      if (!sample) return
      sample.verified = status === 'passed'
      if (!sample.verified) sample.flaw = 'judged'
      return
    }
    case 'step-failed':
      if (USELESS.has(event.data.code)) rejectLatest(state, event.data.step)
      return
    case 'effect-intended': {
      const { key, step, kind, answered_by } = event.data
      const asked = state.routes.get(step)
      if (kind === 'model' && asked && answered_by === undefined) state.open.set(key, { step, asked })
      return
    }
    case 'effect-done':
    case 'effect-failed':
      takeOutcome(state, event)
  }
}

function takeRoute(state: TelemetryState, { data }: EventOf<'step-routed'>): void {
  const { step, facts } = data
  const { provider, model, because, route } = facts
  if (typeof because === 'string' && USELESS.has(because)) rejectLatest(state, step)
  if (typeof provider !== 'string' || typeof model !== 'string') return
  // The step that checks an answer asks the model in a step of its own.
  const around = state.routes.get(step.slice(0, step.lastIndexOf('/')))
  const capability = readCapability(route) ?? (state.routes.get(step) ?? around)?.capability
  const after = typeof because !== 'string' ? around?.after : isOfModel(because) ? kindOfFailure(because) : undefined
  state.routes.set(step, {
    provider,
    model,
    ...(capability === undefined ? {} : { capability }),
    ...(after === undefined ? {} : { after }),
  })
}

function readCapability(route: Json | undefined): string | undefined {
  const { requirements } = (route ?? {}) as { readonly requirements?: { readonly capability?: unknown } }
  return typeof requirements?.capability === 'string' ? requirements.capability : undefined
}

function rejectLatest(state: TelemetryState, step: string): void {
  const sample = state.latest.get(step)
  if (sample && sample.code === undefined) Object.assign(sample, { verified: false, flaw: 'malformed' })
}

function takeOutcome(state: TelemetryState, event: EventOf<'effect-done'> | EventOf<'effect-failed'>): void {
  const { key, ms, cost, usage } = event.data
  const call = state.open.get(key)
  if (!call) return
  const code = event.type === 'effect-failed' ? event.data.code : undefined
  const isOurs = event.type === 'effect-done' && event.data.source !== undefined
  if (isOurs || (code !== undefined && !isOfModel(code))) return
  const kind = state.kinds.get(call.step)
  const sample: CallSample = {
    ...call.asked,
    at: event.at,
    ...(kind === undefined ? {} : { kind }),
    ...(code === undefined ? {} : { code }),
    ...(ms === undefined ? {} : { ms }),
    ...(cost === undefined ? {} : { cost }),
    ...(usage?.output === undefined ? {} : { output_tokens: usage.output }),
  }
  state.latest.set(call.step, sample)
  state.samples.push(sample)
  if (state.samples.length > MOST_SAMPLES) state.samples.splice(0, MOST_SAMPLES / 2)
}

function kindOf({ code, verified, flaw = 'judged' }: CallSample): FailureKind | undefined {
  if (code !== undefined) return kindOfFailure(code)
  return verified === false ? flaw : undefined
}

/** What calls say of their model at a time; those for the same capability alone where there are enough of them. */
export function summariseCalls(
  samples: readonly CallSample[],
  { now, capability }: { readonly now: number; readonly capability?: string | undefined },
): ModelTelemetry {
  const recent = samples.filter(({ at }) => now - at <= HORIZON_MS)
  const own = recent.filter((sample) => sample.capability === capability)
  const weigh = (sample: CallSample) => {
    const kind = kindOf(sample)
    const halfLife = kind !== undefined && isPassing(kind) ? PASSING_HALF_LIFE_MS : HALF_LIFE_MS
    return 2 ** (-Math.max(0, now - sample.at) / halfLife)
  }
  const used = sumOf(own, weigh, () => 1) >= OWN_CALLS ? own : recent
  const count = sumOf(used, weigh, () => 1)
  if (count === 0) return { samples: 0 }
  const answered = used.filter(({ code }) => code === undefined)
  const useful = used.filter((sample) => kindOf(sample) === undefined)
  const good = sumOf(useful, weigh, () => 1)
  const bills = sumOf(used, weigh, (sample) => sample.cost ?? 0)
  const failures = FAILURE_KINDS.flatMap((kind) => {
    const part = round(sumOf(used, weigh, (sample) => (kindOf(sample) === kind ? 1 : 0)) / count, 10_000)
    return part > 0 ? [[kind, part] as const] : []
  })
  const after = FAILURE_KINDS.flatMap((kind) => {
    const calls = used.filter((sample) => sample.after === kind)
    const asked = sumOf(calls, weigh, () => 1)
    const helped = sumOf(calls, weigh, (sample) => (kindOf(sample) === undefined ? 1 : 0))
    return asked > 0 ? [[kind, { samples: round(asked, 100), success: round(helped / asked, 10_000) }] as const] : []
  })
  const latency = medianOf(
    answered.filter(({ ms }) => ms !== undefined),
    weigh,
  )
  const cost = meanOf(used, weigh, 'cost')
  const output = meanOf(answered, weigh, 'output_tokens')
  return {
    samples: round(count, 100),
    success: round(good / count, 10_000),
    ...(failures.length > 0 ? { failures: Object.fromEntries(failures) } : {}),
    ...(after.length > 0 ? { after: Object.fromEntries(after) } : {}),
    ...(bills > 0 ? { paid: round(sumOf(useful, weigh, (sample) => sample.cost ?? 0) / bills, 10_000) } : {}),
    ...(latency === undefined ? {} : { latency_ms: Math.round(latency) }),
    ...(cost === undefined ? {} : { cost: Math.round(cost) }),
    ...(output === undefined ? {} : { output_tokens: Math.round(output) }),
    age_ms: Math.max(0, now - Math.max(...used.map(({ at }) => at))),
  }
}

type Weigh = (sample: CallSample) => number

function sumOf(samples: readonly CallSample[], weigh: Weigh, value: (sample: CallSample) => number): number {
  return samples.reduce((sum, sample) => sum + weigh(sample) * value(sample), 0)
}

function meanOf(samples: readonly CallSample[], weigh: Weigh, key: 'cost' | 'output_tokens'): number | undefined {
  const told = samples.filter((sample) => sample[key] !== undefined)
  const count = sumOf(told, weigh, () => 1)
  return count === 0 ? undefined : sumOf(told, weigh, (sample) => sample[key] ?? 0) / count
}

function medianOf(samples: readonly CallSample[], weigh: Weigh): number | undefined {
  const sorted = samples.toSorted((a, b) => (a.ms ?? 0) - (b.ms ?? 0))
  let left = sumOf(sorted, weigh, () => 1) / 2
  for (const sample of sorted) {
    left -= weigh(sample)
    if (left <= 0) return sample.ms
  }
  return sorted.at(-1)?.ms
}

function round(value: number, parts: number): number {
  return Math.round(value * parts) / parts
}
