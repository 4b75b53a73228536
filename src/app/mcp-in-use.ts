import type { FoundTool } from '../effects/tool.ts'
import type { Problem } from '../events/errors.ts'
import type { PinnedTool, ToolRequest } from '../events/tool-call.ts'
import type { McpConnection } from '../tools/mcp-client.ts'

export interface ResolvedMcp {
  readonly tools: readonly PinnedTool[]
  readonly problems: readonly Problem[]
}

/** The MCP servers of one process: each is connected with once, when it is first needed. */
export interface McpServersInUse {
  /** `mcp:SERVER:TOOL`, with `*` for any characters, or `mcp:SERVER` for all its tools. */
  resolve(reference: string): Promise<ResolvedMcp>
  find(request: ToolRequest): Promise<FoundTool | undefined>
  /** Throws OrcError. */
  connect(name: string, signal: AbortSignal): Promise<McpConnection>
  close(): Promise<void>
}
