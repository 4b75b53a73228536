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

/** Usage in the chat-completions dialect and its neighbours. */
export function readChatUsage(usage: unknown): Usage {
  if (!isRecord(usage)) return {}
  const input = isRecord(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const output = isRecord(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  return toUsage({
    input: readCount(usage.prompt_tokens),
    output: readCount(usage.completion_tokens),
    cache_read: readCount(input.cached_tokens) ?? readCount(usage.prompt_cache_hit_tokens),
    cache_write: readCount(input.cache_write_tokens),
    reasoning: readCount(output.reasoning_tokens),
    raw: usage as Json,
  })
}
