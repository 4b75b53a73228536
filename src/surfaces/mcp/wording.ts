import type { Wording } from '../hint.ts'
import { ROWS } from './tools.ts'

/** Tools by the operations they do. */
const TOOLS: ReadonlyMap<string, string> = new Map([
  ['run', 'invoke'],
  ...ROWS.map(({ name, operation }) => [operation, name] as const),
])

/** How hints speak to a model or its user: of tools and arguments. What no tool does is done at a terminal. */
export const MCP_WORDING: Wording = {
  operation: (name, _, command) => {
    const tool = TOOLS.get(name)
    return tool === undefined ? `${command} (at a terminal)` : `the tool ${tool}`
  },
  field: (name, value) => (value === undefined ? name : `${name}: ${value}`),
}
