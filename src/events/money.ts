/** Integer nano-dollars and tokens, in and out together. */
export type Amount = {
  readonly cost: number
  readonly tokens: number
}

/** What may be spent in a run or a step and all below it. */
export type BudgetLimits = {
  readonly max_cost?: number
  readonly max_tokens?: number
  /** Model calls, repetitions included. */
  readonly max_calls?: number
}

/** The same with what happens at its end. */
export type StepBudget = BudgetLimits & {
  /** A call that it does not pay for waits until a person has raised it, or has refused to. */
  readonly on_limit?: 'ask'
  /** Models without a known price count as free against it; otherwise its limit on cost refuses them. */
  readonly unpriced?: 'allow'
  /** What is around it allows so much besides; these limits stay as they are, and neither of its words is about them. */
  readonly within?: BudgetLimits
}

/** What has been spent, may be spent, or is left: integer nano-dollars, tokens, calls, ms. Absent: without a limit. */
export type Measures = {
  readonly cost?: number
  readonly tokens?: number
  readonly calls?: number
  readonly ms?: number
}

/** The answer of the effect `budget`. Spent and limit are the run's; left is by the tightest budget of the step that asks. */
export type BudgetAnswer = { readonly spent: Measures; readonly limit: Measures; readonly left: Measures }

/** What a call needs at worst. Its output may be cut down to `least_output`; below that it is not worth its price. */
export type Need = {
  readonly input_tokens: number
  /** Nano-dollars; absent where the price is not known. */
  readonly input_cost?: number
  readonly output_tokens: number
  readonly least_output: number
  /** Nano-dollars for a million tokens of output; absent where it is not known. */
  readonly output_price?: number
  /** The request itself sets no limit on its output: whoever performs it is told the one that is paid for. */
  readonly open?: boolean
}

/** `settled + reserved <= limit` holds at every event, unless a provider billed more than was reserved. */
export interface Account {
  settled: Amount
  reserved: Amount
  /** Calls that something was held for. */
  calls: number
}

/** What is held for a call, and the output it may have. */
export interface Reservation {
  readonly amount: Amount
  readonly output_tokens: number
}

export type Affordable =
  | { readonly answer: 'yes'; readonly reservation: Reservation }
  /** More will be free when other calls are settled. */
  | { readonly answer: 'later' }
  /** Not before a person has raised the budget of the step `whose`, or of the run. */
  | { readonly answer: 'ask'; readonly whose?: string }
  /** `whose`: the step whose budget it is; absent for the run's own. */
  | {
      readonly answer: 'no'
      readonly code: 'budget_exhausted' | 'price_unknown'
      readonly message: string
      readonly whose?: string
    }

/** Whole numbers that are not below zero, as far as they are there. */
export function isNeed(need: Need): boolean {
  const { input_tokens, input_cost = 0, output_tokens, least_output, output_price = 0 } = need
  const numbers = [input_tokens, input_cost, output_tokens, least_output, output_price]
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0) && least_output <= output_tokens
}

export function isPricedNeed({ input_cost, output_price }: Need): boolean {
  return input_cost !== undefined && output_price !== undefined
}

/** The key of the question whether the run's budget may be raised; those about steps have the step behind it. */
export const BUDGET_KEY = 'budget'
const STEP_BUDGET_KEY = `${BUDGET_KEY}:`

export function budgetKeyOf(whose: string | undefined): string {
  return whose === undefined ? BUDGET_KEY : `${STEP_BUDGET_KEY}${whose}`
}

/** Keys of effects begin with the name of a step, which has no colon. */
export function isBudgetKey(key: string): boolean {
  return key === BUDGET_KEY || key.startsWith(STEP_BUDGET_KEY)
}

/** The step whose budget a question is about; undefined for the run's own. */
export function stepOfBudgetKey(key: string): string | undefined {
  return key === BUDGET_KEY ? undefined : key.slice(STEP_BUDGET_KEY.length)
}

/** What is granted by it: as much again of every limit. */
export function raiseOf({ max_cost, max_tokens, max_calls }: BudgetLimits): BudgetLimits {
  return {
    ...(max_cost === undefined ? {} : { max_cost }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(max_calls === undefined ? {} : { max_calls }),
  }
}

export function addLimits(limits: BudgetLimits, raise: BudgetLimits): BudgetLimits {
  const sums = (['max_cost', 'max_tokens', 'max_calls'] as const).flatMap((key) => {
    const limit = limits[key]
    return limit === undefined ? [] : [[key, limit + (raise[key] ?? 0)] as const]
  })
  return Object.fromEntries(sums)
}

export const NOTHING: Amount = { cost: 0, tokens: 0 }

export function createAccount(): Account {
  return { settled: NOTHING, reserved: NOTHING, calls: 0 }
}

export function addAmounts(a: Amount, b: Amount): Amount {
  return { cost: a.cost + b.cost, tokens: a.tokens + b.tokens }
}

export function subtractAmounts(a: Amount, b: Amount): Amount {
  return { cost: a.cost - b.cost, tokens: a.tokens - b.tokens }
}

/** The output that is left when so much has been spent, in tokens; negative when not even the input can be paid. */
export function roomFor(need: Need, limits: BudgetLimits, spent: Amount): number {
  const tokens = (limits.max_tokens ?? Infinity) - spent.tokens - need.input_tokens
  if (limits.max_cost === undefined) return tokens
  const money = limits.max_cost - spent.cost - (need.input_cost ?? 0)
  const price = need.output_price ?? 0
  const bought = money < 0 ? -1 : price === 0 ? Infinity : Math.floor((money * 1_000_000) / price)
  return Math.min(tokens, bought)
}

export function priceOf({ input_tokens, input_cost = 0, output_price = 0 }: Need, output: number): Amount {
  return { cost: input_cost + Math.ceil((output * output_price) / 1_000_000), tokens: input_tokens + output }
}
