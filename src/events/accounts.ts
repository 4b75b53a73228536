import {
  type Account,
  type Affordable,
  type Amount,
  addAmounts,
  type BudgetLimits,
  type Need,
  priceOf,
  roomFor,
} from './money.ts'
import type { RunState, StepState } from './state.ts'

/** The accounts that a step's calls are charged to, with their limits: its own, those of the steps above it, the run's. */
export function* accountsOf(
  state: RunState,
  step: StepState,
): Iterable<{ limits: BudgetLimits; account: Account; whose: string }> {
  for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    if (at.plan.budget && at.account) yield { limits: at.plan.budget, account: at.account, whose: at.id }
  yield { limits: state.limits, account: state.account, whose: 'the run' }
}

/** Does anything limit what the step's calls may cost? */
export function isLimited(state: RunState, step: StepState): boolean {
  for (const { limits } of accountsOf(state, step))
    if (limits.max_cost !== undefined || limits.max_tokens !== undefined) return true
  return false
}

/** Whether a call can be paid now: as it is, with less output, later, or not at all. */
export function checkNeed(state: RunState, step: StepState, need: Need): Affordable {
  let now = need.output_tokens
  let later = need.output_tokens
  let tightest = 'the run'
  for (const { limits, account, whose } of accountsOf(state, step)) {
    if (limits.max_cost !== undefined && (need.input_cost === undefined || need.output_price === undefined)) {
      const message = `the price of the model is not known, and ${whose} has a limit on cost`
      return { answer: 'no', code: 'price_unknown', message }
    }
    const settled = roomFor(need, limits, account.settled)
    later = Math.min(later, settled)
    const held = roomFor(need, limits, addAmounts(account.settled, account.reserved))
    if (held < now) [now, tightest] = [held, whose]
  }
  if (now < need.output_tokens && later > now && later >= need.least_output) return { answer: 'later' }
  if (now >= need.least_output)
    return { answer: 'yes', reservation: { amount: priceOf(need, now), output_tokens: now } }
  return { answer: 'no', code: 'budget_exhausted', message: `the budget of ${tightest} does not pay for another call` }
}

/** Does another try of the same price fit? */
export function fits(state: RunState, step: StepState, amount: Amount): boolean {
  for (const { limits, account } of accountsOf(state, step)) {
    const { cost, tokens } = addAmounts(addAmounts(account.settled, account.reserved), amount)
    if (cost > (limits.max_cost ?? Infinity) || tokens > (limits.max_tokens ?? Infinity)) return false
  }
  return true
}
