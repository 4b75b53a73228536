import type { Usage } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import { isRecord } from './failures.ts'

/** A count as it can be trusted: a non-negative integer. Anything else is "not told". */
export function readCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** Leaves out the counts that were not told. */
export function toUsage(counts: { readonly [name in keyof Usage]: Usage[name] | undefined }): Usage {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined))
}

/**
 * Usage in the chat-completions dialect and its neighbours. Some tell tokens of the cache, or of thoughts (xAI), beside the others instead
 * of among them: their sums say so.
 */
export function readChatUsage(usage: unknown): Usage {
  if (!isRecord(usage)) return {}
  const input = isRecord(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const output = isRecord(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  const prompt = readCount(usage.prompt_tokens)
  const completion = readCount(usage.completion_tokens)
  const cache_read = readCount(input.cached_tokens) ?? readCount(usage.prompt_cache_hit_tokens)
  const reasoning = readCount(output.reasoning_tokens)
  const cachedApart = prompt !== undefined && (cache_read ?? 0) > prompt ? (cache_read ?? 0) : 0
  const whole = prompt === undefined ? undefined : prompt + cachedApart
  const thoughtApart = completion !== undefined && usage.total_tokens === (whole ?? 0) + completion + (reasoning ?? 0)
  return toUsage({
    input: whole,
    output: thoughtApart ? completion + (reasoning ?? 0) : completion,
    cache_read,
    cache_write: readCount(input.cache_write_tokens),
    reasoning,
    raw: usage as Json,
  })
}
