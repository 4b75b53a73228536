import { checkNeed } from '../events/accounts.ts'
import type { Event } from '../events/event.ts'
import { budgetKeyOf, isBudgetKey, raiseOf } from '../events/money.ts'
import type { RunState, StepState } from '../events/state.ts'
import type { Json, Value } from '../events/values.ts'
import type { RawOffer } from './attempt.ts'
import type { Draft } from './draft.ts'

/** A call that waits for a person's word on a budget, and the question, if nobody has been asked yet. */
export interface MoneyWait {
  /** The step whose budget it is; absent: the run. */
  readonly whose?: string
  readonly question?: Draft
}

/** Undefined for a call that does not wait for a person, but for what others may give back. */
export function askForMoney(
  state: RunState,
  { step, need }: RawOffer & { readonly what: 'effect' },
  make: (request: Json) => Value,
): MoneyWait | undefined {
  if (!need) return undefined
  const asking = state.steps.get(step) as StepState
  const affordable = checkNeed(state, asking, need)
  if (affordable.answer !== 'ask') return undefined
  const { whose } = affordable
  const wait = whose === undefined ? {} : { whose }
  const key = budgetKeyOf(whose)
  if (state.approvals.has(key)) return wait
  const owner = whose === undefined ? undefined : state.steps.get(whose)
  const raise = raiseOf(owner?.plan.budget ?? state.limits)
  const { settled, calls } = owner?.account ?? state.account
  const about = whose === undefined ? { budget: 'run' } : { budget: 'step', step: whose }
  const request = make({ ...about, spent: { ...settled, calls }, limits: raise, raise })
  const data = { step, key, request, grant: { ...about, raise } }
  return { ...wait, question: { type: 'approval-requested', actor: 'world', data, causes: [asking.cause] } }
}

/** Calls that wait for money are to be looked at again: the question was answered, or the step that asked it is over. */
export function mayPayNow(event: Event): boolean {
  if (event.type === 'approval-given' || event.type === 'approval-denied') return isBudgetKey(event.data.key)
  return event.type === 'step-failed' || event.type === 'step-cancelled'
}
