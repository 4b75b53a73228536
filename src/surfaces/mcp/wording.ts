import type { Wording } from '../hint.ts'
import { ROWS } from './tools.ts'

/** Tools by the operations they do. */
const TOOLS: ReadonlyMap<string, string> = new Map([
  ['run', 'invoke'],
  ...ROWS.map(({ name, operation }) => [operation, name] as const),
])

/** How hints speak to a model or its user: of tools and arguments. What no tool does is done at a terminal. */
export const MCP_WORDING: Wording = {
  operation: (name, input) => {
    const tool = TOOLS.get(name)
    if (tool !== undefined) return `the tool ${tool}`
    const words = Object.values(input).filter((value) => typeof value === 'string' && /^[\w@.:/-]+$/.test(value))
    return `${['llm-orc', name, ...words].join(' ')} (at a terminal)`
  },
  field: (name, value) => (value === undefined ? name : `${name}: ${value}`),
}
