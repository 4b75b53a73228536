import type { Tool } from '@modelcontextprotocol/server'
import type { Json, JsonObject } from '../../events/values.ts'
import { answerTool } from './answer.ts'
import { type McpMeans, perform } from './means.ts'
import type { OfferedTool } from './offer.ts'

/** One of the tools under the names of LLM Orchestra, and what does it. */
export interface ToolRow {
  readonly name: string
  /** What it does, where a hint names that. */
  readonly operation: string
  readonly description: string
  readonly inputSchema: Tool['inputSchema']
  /** It only looks; or it can take something away. Others write something new, or run. */
  readonly does: 'reads' | 'removes' | 'writes'
  run(given: Given, desk: Desk): Promise<unknown>
  /** The text beside the data, where it is not the same. */
  show?(result: unknown): unknown
}

export type Given = { readonly [name: string]: Json | undefined }

export interface Desk {
  readonly means: McpMeans
  /** The result of an operation; with `within_ms` it is stopped when they are over. */
  perform<T = unknown>(operation: string, input?: Given, within_ms?: number): Promise<T>
}

/** The signal stops every operation. */
export function openDesk(means: McpMeans, signal: AbortSignal): Desk {
  return {
    means,
    perform: (operation, input = {}, within_ms) => {
      const limited = within_ms === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(within_ms)])
      return perform(means, operation, { input, signal: limited })
    },
  }
}

export function makeTool(means: McpMeans, row: ToolRow): OfferedTool {
  const { name, description, inputSchema, does } = row
  return {
    name,
    description,
    inputSchema,
    annotations: {
      readOnlyHint: does === 'reads',
      ...(does === 'reads' ? {} : { destructiveHint: does === 'removes' }),
      openWorldHint: false,
    },
    call: async (given: JsonObject, ask) => {
      const result = await row.run(given, openDesk(means, ask.mcp.mcpReq.signal))
      return answerTool(result, means.app.redact, row.show ? row.show(result) : result)
    },
  }
}
