import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import type { McpMeans } from '../mcp/means.ts'
import type { CallerMeans } from './means.ts'

// LLM Orchestra's HTTP layer handed on what its MCP server said, so its forms are those of our tools and resources.

interface ToolCall {
  readonly tool: string
  readonly given: JsonObject
  readonly signal: AbortSignal
}

/** What the tool answers, as data. Throws OrcError. */
export async function callTool(means: CallerMeans, { tool, given, signal }: ToolCall): Promise<unknown> {
  // The packages of MCP come with them: they are loaded when somebody first asks.
  const [{ ENSEMBLE_TOOLS }, { FILE_TOOLS }, { openDesk }] = await Promise.all([
    import('../mcp/tools-ensembles.ts'),
    import('../mcp/tools-files.ts'),
    import('../mcp/tool-row.ts'),
  ])
  const row = [...ENSEMBLE_TOOLS, ...FILE_TOOLS].find(({ name }) => name === tool)
  if (!row) throw new Error(`there is no tool ${tool}`)
  return row.run(given, openDesk(seenBy(means), signal))
}

/** What the resource of these words holds; text where it is stored as JSON. Throws OrcError. */
export async function readWords(means: CallerMeans, words: readonly string[]): Promise<unknown> {
  const { readPlace } = await import('../mcp/resources.ts')
  const found = await readPlace(seenBy(means), words)
  if (found !== undefined) return found
  throw new OrcError({ code: 'not_found', message: `there is no ${words.join(' ').slice(0, 200)}` })
}

function seenBy({ app, host, operations, version, principal }: CallerMeans): McpMeans {
  return { app, host, operations, version, caller: { principal } }
}
