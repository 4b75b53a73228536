import type { Problem } from '../events/errors.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { AgentSpec } from './agent-spec.ts'
import type { Agent } from './ensemble.ts'
import type { Lookup } from './lookup.ts'
import type { Report } from './report.ts'
import type { GraphStep } from './step-graph.ts'
import type { Path } from './yaml.ts'

const NO_TOOLS: Problem = { code: 'tool_missing', message: 'there are no tools here' }

/** The tools of an agent, pinned. Two of one name are an error: a model could not tell them apart. */
export function compileTools(
  report: Report,
  { agent, path, lookup }: { readonly agent: Agent; readonly path: Path; readonly lookup: Lookup },
): Pick<AgentSpec, 'tools' | 'max_turns' | 'tool_tokens'> {
  const { use = [], max_turns } = agent.tools ?? {}
  if (use.length === 0) return {}
  const at: Path = [...path, 'tools']
  const tools = new Map<string, PinnedTool>()
  for (const reference of new Set(use)) {
    const found: readonly PinnedTool[] | Problem = lookup.tools?.(reference) ?? NO_TOOLS
    if ('code' in found) {
      const { code, message, hint } = found
      report.add(at, {
        code,
        message: `"${agent.name}" cannot use ${reference}: ${message}`,
        ...(hint ? { hint } : {}),
      })
      continue
    }
    for (const tool of found) {
      const other = tools.get(tool.name)
      if (other && other.digest !== tool.digest)
        report.add(at, {
          code: 'tool_ambiguous',
          message: `"${agent.name}" has two tools called ${tool.name}: ${sourceOf(other)} and ${sourceOf(tool)}`,
          hint: 'Leave one of them out, or name a version.',
        })
      else tools.set(tool.name, tool)
    }
  }
  return {
    tools: [...tools.values()],
    ...(max_turns === undefined ? {} : { max_turns }),
    ...(lookup.tool_tokens === undefined ? {} : { tool_tokens: lookup.tool_tokens }),
  }
}

/** `tools` of an agent that runs others: all that may be used inside, whatever they name themselves. */
export function limitRights({ tools }: Agent, lookup: Lookup): Pick<GraphStep, 'rights'> {
  return tools
    ? { rights: { allow: [[...new Set(tools.use.flatMap((each) => patternsOf(each, lookup)))]], deny: [] } }
    : {}
}

/** What a reference means to a policy. A range stays one; a name of a version means what it is now. */
function patternsOf(reference: string, lookup: Lookup): readonly string[] {
  const named = /^([^@:]+)@(.*)$/s.exec(reference)
  const [name = '', wanted = ''] = named?.slice(1) ?? []
  if (!named) return [reference]
  if (wanted.trim() === 'latest') return [name]
  const found = /^[a-z]/i.test(wanted.trim()) ? lookup.tools?.(reference) : undefined
  const pinned = found && !('code' in found) ? found.map((tool) => `${tool.name}@${tool.version}`) : []
  return [reference, ...pinned]
}

function sourceOf({ source, version }: PinnedTool): string {
  return `${source} ${version}`
}
