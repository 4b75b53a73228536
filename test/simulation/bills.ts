import type { EffectOutcome } from '../../src/engine/effect.ts'
import { type Amount, type Need, priceOf } from '../../src/events/money.ts'
import type { Chance } from './chance.ts'

/** What a provider bills for a call, and what it tells of that. */
export interface DrawnBill {
  readonly amount: Amount
  readonly told: Pick<EffectOutcome, 'cost' | 'usage'>
}

/** Less than the worst mostly, exactly the worst sometimes, now and then more; told whole, in part or not at all. */
export function drawBill(need: Need, granted: number, { hit, between, pick }: Chance): DrawnBill {
  const output = hit(0.3) ? granted : between(0, granted)
  const fair = priceOf(need, output)
  const worst = priceOf(need, granted)
  const amount = hit(0.05) ? { cost: worst.cost * 2 + 1, tokens: worst.tokens + between(0, 50) } : fair
  const input = Math.min(need.input_tokens, amount.tokens)
  const cost = { cost: amount.cost }
  const usage = { usage: { input, output: amount.tokens - input } }
  const told = pick([{ ...cost, ...usage }, { ...cost, ...usage }, { ...cost, ...usage }, {}, cost, usage])
  return { amount, told }
}
