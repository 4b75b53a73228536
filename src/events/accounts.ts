import {
  type Account,
  type Affordable,
  type Amount,
  addAmounts,
  type BudgetLimits,
  isPricedNeed,
  type Need,
  priceOf,
  roomFor,
} from './money.ts'
import type { RunState, StepState } from './state.ts'

/** The accounts that a step's calls are charged to, with their limits: its own, those of the steps above it, the run's. */
export function* accountsOf(
  state: RunState,
  step: StepState,
): Iterable<{ limits: BudgetLimits; account: Account; whose?: string }> {
  for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    if (at.plan.budget && at.account) yield { limits: at.plan.budget, account: at.account, whose: at.id }
  yield { limits: state.limits, account: state.account }
}

/** Does anything limit what the step's calls may cost? */
export function isLimited(state: RunState, step: StepState): boolean {
  for (const { limits } of accountsOf(state, step))
    if ((limits.max_cost ?? limits.max_tokens ?? limits.max_calls) !== undefined) return true
  return false
}

/** Whether a call can be paid now: as it is, with less output, later, or not at all. */
export function checkNeed(state: RunState, step: StepState, need: Need): Affordable {
  const tooPoor = (whose: string | undefined): Affordable =>
    whose === undefined && state.limits.on_limit === 'ask' ? { answer: 'ask' } : refusalOf(whose)
  let now = need.output_tokens
  let later = need.output_tokens
  let tightest: string | undefined
  for (const { limits, account, whose } of accountsOf(state, step)) {
    if (limits.max_cost !== undefined && !isPricedNeed(need) && state.limits.unpriced !== 'allow') {
      const message = `the price of the model is not known, and ${nameOf(whose)} has a limit on cost`
      return { answer: 'no', code: 'price_unknown', message }
    }
    if (account.calls >= (limits.max_calls ?? Infinity)) return tooPoor(whose)
    const settled = roomFor(need, limits, account.settled)
    later = Math.min(later, settled)
    const held = roomFor(need, limits, addAmounts(account.settled, account.reserved))
    if (held < now) [now, tightest] = [held, whose]
  }
  if (now < need.output_tokens && later > now && later >= need.least_output) return { answer: 'later' }
  if (now >= need.least_output)
    return { answer: 'yes', reservation: { amount: priceOf(need, now), output_tokens: now } }
  return tooPoor(tightest)
}

/** Nano-dollars that are not spent yet of the tightest limit on the step's calls. What is held for others may come back. */
export function leftOf(state: RunState, step: StepState): number | undefined {
  let left: number | undefined
  for (const { limits, account } of accountsOf(state, step)) {
    if (limits.max_cost === undefined) continue
    left = Math.max(0, Math.min(left ?? Infinity, limits.max_cost - account.settled.cost))
  }
  return left
}

function refusalOf(whose: string | undefined): Affordable {
  const message = `the budget of ${nameOf(whose)} does not pay for another call`
  return { answer: 'no', code: 'budget_exhausted', message, ...(whose === undefined ? {} : { whose }) }
}

function nameOf(whose: string | undefined): string {
  return whose ?? 'the run'
}

/** Does another try of the same price fit? */
export function fits(state: RunState, step: StepState, amount: Amount): boolean {
  for (const { limits, account } of accountsOf(state, step)) {
    const { cost, tokens } = addAmounts(addAmounts(account.settled, account.reserved), amount)
    if (cost > (limits.max_cost ?? Infinity) || tokens > (limits.max_tokens ?? Infinity)) return false
    if (account.calls >= (limits.max_calls ?? Infinity)) return false
  }
  return true
}
