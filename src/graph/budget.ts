import * as z from 'zod'
import type { BudgetLimits, StepBudget } from '../events/money.ts'

const count = z.number().int().positive()

/** What may be spent, as users write it. */
const limits = {
  max_cost: z.number().positive().max(1_000_000).optional().describe('US dollars.'),
  max_tokens: count.optional().describe('Tokens, in and out together.'),
  max_calls: count.optional().describe('Model calls, repetitions included.'),
  max_seconds: z.number().positive().max(2_147_483).optional().describe('Time from its start.'),
}

export const stepBudgetBlock = z.strictObject(limits).describe('What this agent and all it runs may spend.')

export const LIMIT_POLICIES = ['stop', 'ask', 'cheaper', 'finish'] as const
export type LimitPolicy = (typeof LIMIT_POLICIES)[number]

export const budgetBlock = z
  .strictObject({
    ...limits,
    on_limit: z
      .enum(LIMIT_POLICIES)
      .optional()
      .describe(
        'What happens when it is used up: `stop` (usual), `ask` a person for more, go on with the `cheaper` model, or `finish` with what is there.',
      ),
    model: z
      .string()
      .min(1)
      .optional()
      .describe('The profile that `cheaper` goes on with, or that `finish` writes the last answer with.'),
    wrap_up: z
      .number()
      .min(0.01)
      .max(0.9)
      .optional()
      .describe('For `finish`: the part that is kept back for the last answer; usually 0.2.'),
    unpriced: z
      .enum(['refuse', 'allow'])
      .optional()
      .describe('Models without a known price: refused where there is a limit on cost (usual), or free.'),
  })
  .describe('What a run may spend.')

export type BudgetBlock = z.infer<typeof budgetBlock>
export type StepBudgetBlock = z.infer<typeof stepBudgetBlock>

/** A budget in the units of the engine. */
export type Budget = {
  readonly limits: BudgetLimits
  readonly timeout_ms?: number
  readonly on_limit?: LimitPolicy
  readonly model?: string
  readonly wrap_up?: number
  readonly unpriced?: 'allow' | 'refuse'
}

export function readBudget(block: BudgetBlock): Budget {
  const { max_cost, max_tokens, max_calls, max_seconds, on_limit, model, wrap_up, unpriced } = block
  return {
    limits: {
      ...(max_cost === undefined ? {} : { max_cost: Math.round(max_cost * 1e9) }),
      ...(max_tokens === undefined ? {} : { max_tokens }),
      ...(max_calls === undefined ? {} : { max_calls }),
    },
    ...(max_seconds === undefined ? {} : { timeout_ms: Math.max(1, Math.round(max_seconds * 1000)) }),
    ...(on_limit === undefined ? {} : { on_limit }),
    ...(model === undefined ? {} : { model }),
    ...(wrap_up === undefined ? {} : { wrap_up }),
    ...(unpriced === undefined ? {} : { unpriced }),
  }
}

/** Both hold: the smaller of each limit; in all else the first one's word before the second's. */
export function joinBudgets(first: Budget, second: Budget): Budget {
  const timeout = smaller(first.timeout_ms, second.timeout_ms)
  return {
    ...second,
    ...first,
    limits: joinLimits(first.limits, second.limits),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
  }
}

function joinLimits(a: BudgetLimits, b: BudgetLimits): BudgetLimits {
  const joined = (['max_cost', 'max_tokens', 'max_calls'] as const).flatMap((key) => {
    const limit = smaller(a[key], b[key])
    return limit === undefined ? [] : [[key, limit] as const]
  })
  return Object.fromEntries(joined)
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

/** What of a budget a step has in the plan of a run: its limits, and what happens there. */
export function budgetOf({ limits, on_limit, unpriced }: Budget): StepBudget {
  return {
    ...limits,
    ...(on_limit === 'ask' ? { on_limit } : {}),
    ...(unpriced === 'allow' ? { unpriced } : {}),
  }
}

export function hasLimits({ max_cost, max_tokens, max_calls }: BudgetLimits): boolean {
  return (max_cost ?? max_tokens ?? max_calls) !== undefined
}
