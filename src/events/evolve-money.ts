import { accountsOf } from './accounts.ts'
import type { EventData, EventOf } from './event.ts'
import { type Amount, addAmounts, createAccount, NOTHING, subtractAmounts } from './money.ts'
import type { EffectState, RunState, StepState } from './state.ts'

/** Holds the price of a try in every account it is charged to. */
export function reserve(state: RunState, effect: EffectState, amount: Amount): void {
  effect.reserved = amount
  for (const { account } of accountsOf(state, state.steps.get(effect.step) as StepState)) {
    account.reserved = addAmounts(account.reserved, amount)
    account.calls += 1
  }
}

/** A try is over: what it cost is due to be settled, or, where nobody told, all that was held for it. */
export function settle(
  state: RunState,
  effect: EffectState,
  told: Partial<
    Pick<EventData['effect-failed'], 'touched' | 'cost' | 'usage'> & Pick<EventData['effect-done'], 'source'>
  >,
): void {
  const { reserved, step, key } = effect
  if (!reserved) return
  effect.reserved = undefined
  const due = { what: 'settle', step, key, reserved, cause: state.seq } as const
  if (told.touched === 'no' || told.source === 'cache') {
    state.due.push({ ...due, amount: NOTHING, basis: 'untouched' })
    return
  }
  const { input, output } = told.usage ?? {}
  const tokens = input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0)
  const whole = told.cost !== undefined && tokens !== undefined
  const amount = { cost: told.cost ?? reserved.cost, tokens: tokens ?? reserved.tokens }
  state.due.push({ ...due, amount, basis: whole ? 'told' : 'reserved' })
}

/** What was held is given back, what it cost is spent. The decision at the head of the line says how much was held. */
export function settleBudget(state: RunState, { data }: EventOf<'budget-settled'>, reserved: Amount): void {
  for (const { account } of accountsOf(state, state.steps.get(data.step) as StepState)) {
    account.reserved = subtractAmounts(account.reserved, reserved)
    account.settled = addAmounts(account.settled, data.amount)
    if (data.basis === 'untouched') account.calls -= 1
  }
}

/** The past that a fork shares has been paid by its parent. */
export function forgetSpending(state: RunState): void {
  Object.assign(state.account, createAccount())
  for (const step of state.steps.values()) if (step.account) step.account = createAccount()
  for (const effect of state.effects.values()) effect.reserved = undefined
}
