import { isBudgetKey } from '../events/money.ts'
import type { RunState } from '../events/state.ts'

/** Keys of the effects a person is asked about: unknown outcomes, questions, approvals. */
export function findAsked(state: RunState): readonly string[] {
  const asked: string[] = []
  for (const effect of state.effects.values())
    if (effect.status === 'unknown' || (effect.kind === 'ask' && effect.status === 'open')) asked.push(effect.key)
  for (const approval of state.approvals.values()) if (approval.status === 'asked') asked.push(approval.key)
  return asked
}

/**
 * Does nothing go on but the waiting for a person? Asks about what the journal says; the holder knows what it performs, and which
 * steps' calls are held back until the budget allows them.
 */
export function isResting(state: RunState, asked: readonly string[], held: Iterable<string> = []): boolean {
  if (asked.length === 0) return false
  let questions = 0
  for (const effect of state.effects.values()) if (effect.kind === 'ask' && effect.status === 'open') questions += 1
  if (state.openEffects > questions) return false
  for (const timer of state.timers.values()) if (timer.what === 'redo' || timer.what === 'again') return false
  return !hasBusyStep(state, asked, [...state.approvals.keys()].some(isBudgetKey) ? held : [])
}

/** Is a step running that waits for something other than the questions? */
function hasBusyStep(state: RunState, asked: readonly string[], held: Iterable<string>): boolean {
  const waiting = new Set(asked.map((key) => (state.effects.get(key) ?? state.approvals.get(key))?.step))
  for (const step of held) waiting.add(step)
  for (const id of state.active) {
    const step = state.steps.get(id)
    if (step?.status === 'running' && step.waitingOn === 0 && !waiting.has(id)) return true
  }
  return false
}
