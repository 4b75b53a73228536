import type { PinnedTool, Rights, ToolRequest } from '../../src/events/tool-call.ts'
import type { JsonObject } from '../../src/events/values.ts'

interface SimTool {
  readonly safety: PinnedTool['safety']
  /** What it answers comes from outside. */
  readonly outside: boolean
}

export const TOOLS = {
  look: { safety: 'pure', outside: false },
  fetch: { safety: 'pure', outside: true },
  keep: { safety: 'idempotent', outside: false },
  send: { safety: 'unsafe', outside: false },
  shell: { safety: 'unsafe', outside: true },
} as const satisfies { readonly [name: string]: SimTool }

export type ToolName = keyof typeof TOOLS
export const TOOL_NAMES = Object.keys(TOOLS) as readonly ToolName[]

export function toolOf(name: string): SimTool {
  return TOOLS[name as ToolName]
}

export function pinTool(name: ToolName): PinnedTool {
  return {
    name,
    version: '1.0.0',
    description: name,
    input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
    safety: TOOLS[name].safety,
    permissions: {},
    source: 'builtin',
    digest: `digest of ${name}`,
  }
}

export function requestTool(name: ToolName, call: string, args: JsonObject): ToolRequest {
  const { version, source, digest, permissions } = pinTool(name)
  return { tool: name, version, source, digest, arguments: args, call, permissions }
}

/** Patterns are plain names here: each set of each list has to name the tool, and no list may forbid it. */
export function isWithin(rights: Iterable<Rights | undefined>, tool: string): boolean {
  for (const each of rights)
    if (each?.deny.includes(tool) || each?.allow.some((set) => !set.includes(tool))) return false
  return true
}
