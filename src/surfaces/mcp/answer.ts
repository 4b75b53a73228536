import type { CallToolResult } from '@modelcontextprotocol/server'
import type { JsonObject } from '../../events/values.ts'

/** The result of a tool, as data and as the same in text; `shown` is the text where it is another. */
export function answerTool(result: unknown, redact: (text: string) => string, shown: unknown = result): CallToolResult {
  const structuredContent = JSON.parse(redact(JSON.stringify(result ?? {}))) as JsonObject
  const text = typeof shown === 'string' ? redact(shown) : redact(JSON.stringify(shown ?? {}, null, 2))
  return { content: [{ type: 'text', text }], structuredContent }
}

/** A failure that the model is to read. */
export function failTool(message: string, code?: string): CallToolResult {
  const structured = code === undefined ? {} : { structuredContent: { error: message, code } }
  return { content: [{ type: 'text', text: message }], ...structured, isError: true }
}
