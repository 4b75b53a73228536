import {
  type Account,
  type Affordable,
  type Amount,
  addAmounts,
  type BudgetAnswer,
  isPricedNeed,
  type Need,
  priceOf,
  roomFor,
  type StepBudget,
} from './money.ts'
import type { RunState, StepState } from './state.ts'

/** The accounts that a step's calls are charged to, with their limits: its own, those of the steps above it, the run's. */
export function* accountsOf(
  state: RunState,
  step: StepState,
): Generator<{ limits: StepBudget; account: Account; whose?: string }> {
  for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    if (at.plan.budget && at.account) yield { limits: at.plan.budget, account: at.account, whose: at.id }
  yield { limits: state.limits, account: state.account }
}

/** The same, once for each set of limits on an account. */
function* limitsOn(state: RunState, step: StepState): ReturnType<typeof accountsOf> {
  for (const each of accountsOf(state, step)) {
    yield each
    if (each.limits.within) yield { ...each, limits: each.limits.within }
  }
}

/** Does anything limit what the step's calls may cost? */
export function isLimited(state: RunState, step: StepState): boolean {
  for (const { limits } of limitsOn(state, step))
    if ((limits.max_cost ?? limits.max_tokens ?? limits.max_calls) !== undefined) return true
  return false
}

/** A budget that is too small; `asks`: a person may raise it. */
interface Shortage {
  readonly whose: string | undefined
  readonly asks: boolean
}

/** Whether a call can be paid now: as it is, with less output, later, or not at all. */
export function checkNeed(state: RunState, step: StepState, need: Need): Affordable {
  let now = need.output_tokens
  let later = need.output_tokens
  let tightest: Shortage | undefined
  // A step's calls are used up, and it asks for more. Nobody is asked in vain: another budget may say no, whatever is given back.
  let asking: Shortage | undefined
  let hopeless: Shortage | undefined
  for (const { limits, account, whose } of limitsOn(state, step)) {
    const purse = { whose, asks: limits.on_limit === 'ask' }
    if (
      limits.max_cost !== undefined &&
      !isPricedNeed(need) &&
      (limits.unpriced ?? state.limits.unpriced) !== 'allow'
    ) {
      const message = `the price of the model is not known, and ${nameOf(whose)} has a limit on cost`
      return { answer: 'no', code: 'price_unknown', message }
    }
    if (account.calls >= (limits.max_calls ?? Infinity)) {
      if (whose === undefined || !purse.asks) return answerTo(purse)
      asking ??= purse
      continue
    }
    const settled = roomFor(need, limits, account.settled)
    later = Math.min(later, settled)
    if (settled < need.least_output && !purse.asks) hopeless ??= purse
    const held = roomFor(need, limits, addAmounts(account.settled, account.reserved))
    if (held < now) [now, tightest] = [held, purse]
  }
  if (asking) return answerTo(hopeless ?? asking)
  if (now < need.output_tokens && later > now && later >= need.least_output) return { answer: 'later' }
  if (now >= need.least_output)
    return { answer: 'yes', reservation: { amount: priceOf(need, now), output_tokens: now } }
  return answerTo(tightest?.whose !== undefined && tightest.asks && hopeless ? hopeless : tightest)
}

function answerTo({ whose, asks }: Shortage = { whose: undefined, asks: false }): Affordable {
  return asks ? { answer: 'ask', ...(whose === undefined ? {} : { whose }) } : refusalOf(whose)
}

/** Nano-dollars that are not spent yet of the tightest limit on the step's calls. What is held for others may come back. */
export function leftOf(state: RunState, step: StepState): number | undefined {
  let left: number | undefined
  for (const { limits, account } of limitsOn(state, step)) {
    if (limits.max_cost === undefined) continue
    left = Math.max(0, Math.min(left ?? Infinity, limits.max_cost - account.settled.cost))
  }
  return left
}

/** What the run's budget is and what is spent of it, and what the tightest budget of the step has left. */
export function measureBudgets(state: RunState, id: string): BudgetAnswer {
  const step = state.steps.get(id)
  const { account, limits } = state
  const { max_cost, max_tokens, max_calls, timeout_ms } = limits
  const left: { cost?: number; tokens?: number; calls?: number; ms?: number } = {}
  const note = (key: keyof typeof left, limit: number | undefined, spent: number) => {
    if (limit !== undefined) left[key] = Math.max(0, Math.min(left[key] ?? Infinity, limit - spent))
  }
  for (const { limits: own, account: paid } of step ? limitsOn(state, step) : []) {
    note('cost', own.max_cost, paid.settled.cost)
    note('tokens', own.max_tokens, paid.settled.tokens)
    note('calls', own.max_calls, paid.calls)
  }
  note('ms', state.timers.get('deadline')?.due, state.at)
  for (let at = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    note('ms', state.timers.get(`timeout:${at.id}@${at.attempt}`)?.due, state.at)
  return {
    spent: { ...account.settled, calls: account.calls },
    limit: {
      ...(max_cost === undefined ? {} : { cost: max_cost }),
      ...(max_tokens === undefined ? {} : { tokens: max_tokens }),
      ...(max_calls === undefined ? {} : { calls: max_calls }),
      ...(timeout_ms === undefined ? {} : { ms: timeout_ms }),
    },
    left,
  }
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
  for (const { limits, account } of limitsOn(state, step)) {
    const { cost, tokens } = addAmounts(addAmounts(account.settled, account.reserved), amount)
    if (cost > (limits.max_cost ?? Infinity) || tokens > (limits.max_tokens ?? Infinity)) return false
    if (account.calls >= (limits.max_calls ?? Infinity)) return false
  }
  return true
}
