import type { EventOf } from '../event.ts'
import { isBudgetKey } from '../money.ts'
import { readFallback } from './route.ts'
import type { View } from './view.ts'

/** How often something was done about one kind of failure, and what came of it; what is under way is neither. */
export interface RecoveryCount {
  readonly code: string
  readonly action: 'retry' | 'wait' | 'ask' | 'shrink' | 'fallback'
  tried: number
  /** What had failed came to its answer, or the budget was raised. */
  succeeded: number
  failed: number
}

export interface Recoveries {
  /** By code and action. */
  readonly counts: Map<string, RecoveryCount>
  /** What is under way: by the effect's key, or by the step for what a step does. */
  readonly open: Map<string, RecoveryCount>
  /** Effects that failed and may be done again, with the code; `wait`: the world said when. */
  readonly failing: Map<string, { readonly code: string; readonly wait: boolean }>
}

/**
 * What was done about failures, told from the events of any run: repetitions by the engine, questions to people, requests made smaller, and
 * other models.
 */
export const recoveryView: View<Recoveries> = {
  initial: () => ({ counts: new Map(), open: new Map(), failing: new Map() }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'effect-failed':
        noteFailure(state, event)
        break
      case 'effect-unknown':
        state.failing.set(event.data.key, { code: 'effect_unknown', wait: false })
        break
      case 'effect-intended':
        noteIntent(state, event)
        break
      case 'effect-done':
        answerUnknown(state, event.data.key, true)
        settle(state, event.data.key, true)
        break
      case 'step-routed': {
        const fallback = readFallback(event.data.facts)
        if (!fallback) break
        settle(state, ofStep(event.data.step), false)
        begin(state, ofStep(event.data.step), { code: fallback.because ?? 'unknown', action: 'fallback' })
        break
      }
      case 'note-written':
        if ('step' in event.data && event.data.facts['about'] === 'recovery')
          begin(state, smaller(event.data.step), { code: String(event.data.facts['code']), action: 'shrink' })
        break
      case 'step-finished':
        settle(state, ofStep(event.data.step), true)
        break
      case 'step-failed':
        settle(state, ofStep(event.data.step), false)
        break
      case 'step-cancelled':
        state.open.delete(ofStep(event.data.step))
        break
      case 'approval-requested':
        if (isBudgetKey(event.data.key)) begin(state, event.data.key, { code: 'budget_exhausted', action: 'ask' })
        break
      case 'approval-given':
      case 'approval-denied':
        if (isBudgetKey(event.data.key)) settle(state, event.data.key, event.type === 'approval-given')
    }
    return state
  },
}

/** The most frequent first. */
export function listRecoveries({ counts }: Recoveries): readonly RecoveryCount[] {
  return sortCounts([...counts.values()])
}

/** Adds up what happened in several runs. */
export function addRecoveries(sum: Map<string, RecoveryCount>, more: Iterable<RecoveryCount>): void {
  for (const { code, action, tried, succeeded, failed } of more) {
    const count = countOf(sum, { code, action })
    count.tried += tried
    count.succeeded += succeeded
    count.failed += failed
  }
}

export function sortCounts(counts: readonly RecoveryCount[]): readonly RecoveryCount[] {
  const name = ({ code, action }: RecoveryCount) => `${code} ${action}`
  return counts.toSorted((a, b) => b.tried - a.tried || (name(a) < name(b) ? -1 : 1))
}

function noteFailure(state: Recoveries, { data }: EventOf<'effect-failed'>): void {
  const { key, code, retry, retry_after_ms } = data
  answerUnknown(state, key, false)
  settle(state, key, false)
  if (retry) state.failing.set(key, { code, wait: retry_after_ms !== undefined })
}

/** A repetition after a failure, or the request that was made smaller. One after a crash mends no failure. */
function noteIntent(state: Recoveries, { data }: EventOf<'effect-intended'>): void {
  const { key, step, redo } = data
  const failed = state.failing.get(key)
  state.failing.delete(key)
  if (redo !== undefined && failed) begin(state, key, { code: failed.code, action: failed.wait ? 'wait' : 'retry' })
  const shrunk = state.open.get(smaller(step))
  if (!shrunk || data.kind !== 'model') return
  state.open.delete(smaller(step))
  state.open.set(key, shrunk)
}

/** Somebody said what became of an effect that nobody knew of. */
function answerUnknown(state: Recoveries, key: string, succeeded: boolean): void {
  if (state.failing.get(key)?.code === 'effect_unknown') {
    begin(state, key, { code: 'effect_unknown', action: 'ask' })
    settle(state, key, succeeded)
  }
  state.failing.delete(key)
}

function begin(state: Recoveries, name: string, what: Pick<RecoveryCount, 'code' | 'action'>): void {
  const count = countOf(state.counts, what)
  count.tried += 1
  state.open.set(name, count)
}

function settle(state: Recoveries, name: string, succeeded: boolean): void {
  const count = state.open.get(name)
  if (!count) return
  state.open.delete(name)
  count[succeeded ? 'succeeded' : 'failed'] += 1
}

function countOf(
  counts: Map<string, RecoveryCount>,
  { code, action }: Pick<RecoveryCount, 'code' | 'action'>,
): RecoveryCount {
  const name = `${code} ${action}`
  const count = counts.get(name) ?? { code, action, tried: 0, succeeded: 0, failed: 0 }
  counts.set(name, count)
  return count
}

function ofStep(step: string): string {
  return `step ${step}`
}

function smaller(step: string): string {
  return `next ${step}`
}

/** `rate_limited: waited 3 times, 2 helped`. */
export function describeRecovery({ code, action, tried, succeeded }: RecoveryCount): string {
  const times = tried === 1 ? 'once' : `${tried} times`
  return `${code}: ${DONE[action]} ${times}, ${succeeded === tried ? 'which helped' : `${succeeded} helped`}`
}

const DONE: { readonly [action in RecoveryCount['action']]: string } = {
  retry: 'asked again',
  wait: 'waited and asked again',
  ask: 'asked a person',
  shrink: 'gave it less to read',
  fallback: 'asked another model',
}
