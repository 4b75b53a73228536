import type { Message } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isJsonObject } from './read-json.ts'

/** Tokens, by estimate, that the tools of a step may take of what the model reads. */
export const USUAL_TOOL_BUDGET = 4000

/** What stands in the place of tools that are not shown: pure, and done by the conversation itself. */
export const SHARE_SOURCE = 'conversation'

const FOUND = 10
const SHORT = 200

/** The tools a model is shown in one turn. */
export interface ToolShare {
  readonly shown: readonly PinnedTool[]
  /** Is this a tool that has to be loaded before it is called? */
  isHidden(name: string): boolean
  /** The result of a search or of loading. */
  answer(tool: PinnedTool, args: JsonObject): Json
}

/**
 * All tools while they fit. Above the budget: those that are no server's, those that were loaded last, and two that search and load
 * the others. What is loaded is read from the conversation alone, so that it comes out the same in every replay.
 */
export function shareTools(tools: readonly PinnedTool[], said: readonly Message[], budget: number): ToolShare {
  if (sizeOf(tools) <= budget) return { shown: tools, isHidden: () => false, answer: () => null }
  const own = tools.filter(({ source }) => !source.startsWith('mcp:'))
  const fixed = sizeOf(own) <= budget ? own : []
  const others = tools.filter((tool) => !fixed.includes(tool))
  const search = describeSearch(others)
  const load = describeLoad(search.name, others)
  const loaded = chooseLoaded(others, { names: listLoaded(said, load.name), room: budget - sizeOf(fixed) })
  return {
    shown: [...fixed, search, load, ...loaded],
    isHidden: (name) => others.some((tool) => tool.name === name) && !loaded.some((tool) => tool.name === name),
    answer: (tool, args) => (tool.name === load.name ? loadTools(others, args) : searchTools(others, args)),
  }
}

/** Four characters of a definition are about one token. */
function sizeOf(tools: readonly PinnedTool[]): number {
  return tools.reduce(
    (sum, { name, description, input_schema }) =>
      sum + Math.ceil(JSON.stringify([name, description, input_schema]).length / 4),
    0,
  )
}

/** The newest first, as many as there is room for, but always the newest. */
function chooseLoaded(
  tools: readonly PinnedTool[],
  { names, room }: { readonly names: readonly string[]; readonly room: number },
): readonly PinnedTool[] {
  const chosen: PinnedTool[] = []
  for (const name of new Set(names.toReversed())) {
    const tool = tools.find((each) => each.name === name)
    if (tool && (chosen.length === 0 || sizeOf([...chosen, tool]) <= room)) chosen.push(tool)
  }
  return chosen
}

function listLoaded(said: readonly Message[], load: string): readonly string[] {
  return said.flatMap(({ content }) =>
    content.flatMap((part): readonly string[] => {
      if (part.type !== 'tool-result' || part.name !== load || part.failed || !isJsonObject(part.output)) return []
      const { loaded } = part.output
      return Array.isArray(loaded) ? loaded.filter((name) => typeof name === 'string') : []
    }),
  )
}

function searchTools(tools: readonly PinnedTool[], { query }: JsonObject): Json {
  const words =
    String(query)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  const scored = tools.map((tool) => ({ tool, score: scoreOf(tool, words) }))
  const fitting = scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score)
  const found = fitting.slice(0, FOUND).map(({ tool: { name, description } }) => ({
    name,
    description: description.length > SHORT ? `${description.slice(0, SHORT).toWellFormed()}…` : description,
  }))
  return { found, left_out: fitting.length - found.length }
}

/** A word in the name says more than one in the description. */
function scoreOf({ name, description }: PinnedTool, words: readonly string[]): number {
  const [title, text] = [name.toLowerCase(), description.toLowerCase()]
  return words.reduce((score, word) => score + (title.includes(word) ? 3 : 0) + (text.includes(word) ? 1 : 0), 0)
}

function loadTools(tools: readonly PinnedTool[], { names }: JsonObject): Json {
  const wanted = Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
  const loaded = wanted.filter((name) => tools.some((tool) => tool.name === name))
  const unknown = wanted.filter((name) => !loaded.includes(name))
  return { loaded, ...(unknown.length > 0 ? { unknown } : {}) }
}

function describeSearch(tools: readonly PinnedTool[]): PinnedTool {
  const counts = new Map<string, number>()
  for (const { source } of tools) counts.set(source, (counts.get(source) ?? 0) + 1)
  const sources = [...counts].map(([source, count]) => `${source} (${count})`).join(', ')
  return describe(freeName('find_tools', tools), {
    description: `Search ${tools.length} more tools, of ${sources}, by words of their names and descriptions.`,
    properties: { query: { type: 'string', description: 'Words of what the tool should do.' } },
  })
}

function describeLoad(search: string, tools: readonly PinnedTool[]): PinnedTool {
  return describe(freeName('load_tools', tools), {
    description: `Load tools that ${search} found, so that they can be called in the next turn. Those loaded last stay.`,
    properties: { names: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 20 } },
  })
}

function describe(
  name: string,
  { description, properties }: { readonly description: string; readonly properties: JsonObject },
): PinnedTool {
  return {
    name,
    version: '1.0.0',
    description,
    input_schema: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
    safety: 'pure',
    permissions: {},
    source: SHARE_SOURCE,
    digest: '',
  }
}

/** A server may have a tool of that name, too. */
function freeName(wanted: string, tools: readonly PinnedTool[]): string {
  return tools.some(({ name }) => name === wanted) ? freeName(`${wanted}_`, tools) : wanted
}
