import { checkNeed } from '../events/accounts.ts'
import type { Event } from '../events/event.ts'
import { BUDGET_KEY, raiseOf } from '../events/money.ts'
import type { RunState, StepState } from '../events/state.ts'
import type { Json, Value } from '../events/values.ts'
import type { RawOffer } from './attempt.ts'
import type { Draft } from './draft.ts'

/** The question whether the run's budget may be raised, when a call waits for that and nobody has been asked yet. */
export function askForMoney(
  state: RunState,
  { step, need }: RawOffer & { readonly what: 'effect' },
  make: (request: Json) => Value,
): Draft | undefined {
  if (state.limits.on_limit !== 'ask' || state.approvals.has(BUDGET_KEY) || !need) return undefined
  const asking = state.steps.get(step) as StepState
  if (checkNeed(state, asking, need).answer !== 'ask') return undefined
  const raise = raiseOf(state.limits)
  const { settled, calls } = state.account
  const request = make({ budget: 'run', spent: { ...settled, calls }, limits: raise, raise })
  const data = { step, key: BUDGET_KEY, request, grant: { budget: 'run', raise } }
  return { type: 'approval-requested', actor: 'world', data, causes: [asking.cause] }
}

/** Calls that wait for money are to be looked at again: the question was answered, or the step that asked it is over. */
export function mayPayNow(event: Event): boolean {
  if (event.type === 'approval-given' || event.type === 'approval-denied') return event.data.key === BUDGET_KEY
  return event.type === 'step-failed' || event.type === 'step-cancelled'
}
