import type { EventOf } from './event.ts'
import { addLimits, type BudgetLimits, isBudgetKey, type StepBudget, stepOfBudgetKey } from './money.ts'
import type { ApprovalState, RunState, StepState } from './state.ts'

/** Somebody is to say whether an effect may happen; until then it is not admitted. */
export function requestApproval(state: RunState, { data, seq }: EventOf<'approval-requested'>): void {
  const step = state.steps.get(data.step)
  if (step?.status !== 'running') return
  const { key, request, grant, expires_at } = data
  const approval: ApprovalState = {
    key,
    step: step.id,
    attempt: step.attempt,
    request: request.sha256,
    grant,
    status: 'asked',
    seq,
  }
  state.approvals.set(key, approval)
  step.approvals ??= new Set()
  step.approvals.add(key)
  if (expires_at !== undefined)
    state.timers.add({ key: timerOf(key), due: expires_at, cause: seq, what: 'expire', effect: key })
}

/** What was granted lets the effect of this key and request happen once. */
export function giveApproval(state: RunState, { data, seq }: EventOf<'approval-given'>): void {
  const approval = state.approvals.get(data.key)
  if (!approval || approval.request !== data.request) return
  if (isBudgetKey(data.key)) {
    const raise = data.grant['raise'] as BudgetLimits
    changeBudget(state, data.key, (limits) => ({ ...limits, ...addLimits(limits, raise) }))
    return dropApproval(state, data.key)
  }
  approval.status = 'given'
  approval.seq = seq
  approval.grant = data.grant
  if (data.grant.scope === 'run') state.granted.push(data.grant)
  ;(state.steps.get(approval.step) as StepState).cause = seq
}

/** The effect will not happen, and its step is told. A denial needs no request before it: policy may say no at once. */
export function denyApproval(state: RunState, { data, seq, at }: EventOf<'approval-denied'>): void {
  const step = state.steps.get(data.step)
  dropApproval(state, data.key)
  // Whoever waits for it is refused from now on, and told so.
  if (isBudgetKey(data.key)) return changeBudget(state, data.key, withoutAsking)
  if (step?.status !== 'running') return
  step.denied ??= new Set()
  step.denied.add(data.key)
  step.cause = seq
  state.wakes.push({ step: step.id, attempt: step.attempt, what: 'answer', offer: data.key, seq, at })
}

function withoutAsking<T extends StepBudget>(budget: T): Omit<T, 'on_limit'> {
  const { on_limit: _, ...limits } = budget
  return limits
}

/** The run's own budget, or that of the step which the question is about. */
function changeBudget(
  state: RunState,
  key: string,
  change: <T extends StepBudget>(limits: T) => Omit<T, 'on_limit'>,
): void {
  const whose = stepOfBudgetKey(key)
  if (whose === undefined) {
    state.limits = change(state.limits)
    return
  }
  const step = state.steps.get(whose)
  if (step?.plan.budget) step.plan = { ...step.plan, budget: change(step.plan.budget) }
}

/** It has been used, refused, or its attempt is over. */
export function dropApproval(state: RunState, key: string): void {
  const approval = state.approvals.get(key)
  if (!approval) return
  state.approvals.delete(key)
  state.steps.get(approval.step)?.approvals?.delete(key)
  state.timers.drop(timerOf(key))
}

/** An approval holds in the run it was given in: a fork asks again for what has not happened yet. */
export function askAgain(state: RunState): void {
  state.granted.length = 0
  for (const approval of state.approvals.values()) approval.status = 'asked'
}

function timerOf(key: string): string {
  return `approval:${key}`
}
