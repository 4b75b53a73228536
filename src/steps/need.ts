import { countRequestAtMost } from '../context/count.ts'
import type { ModelRequest } from '../events/messages.ts'
import { type ModelCard, rateFor } from '../events/model-card.ts'
import type { Need } from '../events/money.ts'

/** Output tokens of a call that says no limit, to a model whose own limit is not known. */
const USUAL_OUTPUT = 8_192
/** An answer that may not have so many is not worth its input. */
const LEAST_OUTPUT = 256

/** What a model call costs at worst: all of its input at the highest price it may have, and all the output it may have. */
export function needOf(request: ModelRequest, card: ModelCard | undefined): Need {
  return needFor(countRequestAtMost(request), request.max_tokens, card)
}

/** The same of a call whose request is not there yet, but the most tokens it may be. */
export function needFor(input_tokens: number, max_tokens: number | undefined, card: ModelCard | undefined): Need {
  const output_tokens = max_tokens ?? card?.max_output ?? USUAL_OUTPUT
  const need = {
    input_tokens,
    output_tokens,
    least_output: Math.min(LEAST_OUTPUT, output_tokens),
    ...(max_tokens === undefined ? { open: true } : {}),
  }
  if (!card?.prices) return need
  const rate = rateFor(card.prices, input_tokens)
  const input = Math.max(rate.input, rate.cache_read ?? 0, rate.cache_write ?? 0)
  return { ...need, input_cost: Math.ceil((input_tokens * input) / 1_000_000), output_price: rate.output }
}
