import type { Usage } from './messages.ts'

/** Integer nano-dollars for a million tokens: $3 for a million is 3_000_000_000. */
export type Rate = {
  readonly input: number
  readonly output: number
  /** Input tokens the provider had in its cache, or put there; absent means the price of other input. */
  readonly cache_read?: number
  readonly cache_write?: number
  /** Of those put there, the ones kept for an hour; absent means the price of the others. */
  readonly cache_write_long?: number
}

/** What a model costs. Above so many input tokens, some charge all tokens of a call at another rate. */
export type Prices = Rate & {
  readonly above?: readonly (Rate & { readonly input_tokens: number })[]
  /** Part of the usual price that a batch endpoint charges, for example 0.5. */
  readonly batch?: number
}

/** What is known of a model; whatever is absent is not known. Pinned with the definition, so a replay needs no registry. */
export type ModelCard = {
  readonly provider: string
  readonly model: string
  /** Tokens of input and output together. */
  readonly context_window?: number
  readonly max_input?: number
  readonly max_output?: number
  /** Zero for models on this machine. */
  readonly prices?: Prices
  readonly tools?: boolean
  readonly vision?: boolean
  readonly json?: boolean
  readonly reasoning?: boolean
  /** 0 to 1 by capability, as somebody judged them, for example `coding`. */
  readonly skills?: { readonly [capability: string]: number }
  /** What somebody measured before this program did. */
  readonly usual?: { readonly latency_ms?: number; readonly error_rate?: number }
  /** Who says so, the nearest first: `models.yaml`, `capabilities.json`, `catalogue`, `local`. */
  readonly sources: readonly string[]
  /** The day the prices were looked up, as YYYY-MM-DD. */
  readonly as_of?: string
}

/** Nano-dollars for what was used, rounded up; undefined when the price or the tokens are not known. */
export function priceUsage(prices: Prices | undefined, usage: Usage): number | undefined {
  const { input, output, cache_read = 0, cache_write = 0 } = usage
  const long = Math.min(usage.cache_write_long ?? 0, cache_write)
  if (!prices || input === undefined || output === undefined) return undefined
  const rate = rateFor(prices, input)
  const plain = Math.max(0, input - cache_read - cache_write)
  const total =
    plain * rate.input +
    cache_read * (rate.cache_read ?? rate.input) +
    (cache_write - long) * (rate.cache_write ?? rate.input) +
    long * (rate.cache_write_long ?? rate.cache_write ?? rate.input) +
    output * rate.output
  return Math.ceil(total / 1_000_000)
}

/** The rate for a call with so much input. */
export function rateFor(prices: Prices, input_tokens: number): Rate {
  let rate: Rate = prices
  let above = -1
  for (const tier of prices.above ?? []) {
    if (input_tokens <= tier.input_tokens || tier.input_tokens < above) continue
    rate = tier
    above = tier.input_tokens
  }
  return rate
}
