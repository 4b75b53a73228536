import { hash } from 'node:crypto'
import { canonicalJson } from '../../events/canonical.ts'
import type { PinnedTool } from '../../events/tool-call.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { tameSchema } from './schema.ts'
import { cleanText, hidesText } from './text.ts'
import { isRecord } from './wire.ts'

/** What a server says of one tool, made safe to show, and the digest of what it really said. */
export interface McpTool {
  /** As the server calls it. */
  readonly name: string
  readonly description: string
  readonly input_schema: JsonObject
  readonly output_schema?: JsonObject
  /** SHA-256 over everything the server said of it but `_meta`. */
  readonly digest: string
  /** Something in its texts is hidden from people. */
  readonly hides: boolean
}

export type ReadTool = { readonly tool: McpTool } | { readonly refused: string }

const LIMITS = { name: 128, description: 4000, bytes: 256 * 1024, depth: 64 }

/** Reads one entry of a tool list. Nothing in it is believed: what cannot be used safely is refused with the reason. */
export function readTool(given: unknown): ReadTool {
  if (!isRecord(given) || typeof given['name'] !== 'string') return { refused: 'it has no name' }
  const { name, title, description, inputSchema, outputSchema, annotations } = given
  if (name === '' || name.length > LIMITS.name) return { refused: `its name is not of 1 to ${LIMITS.name} characters` }
  if (!/^[^\s\p{C}\p{Z}]+$/u.test(name)) return { refused: 'its name holds spaces or invisible characters' }
  const texts = [title, description].filter((text) => text !== undefined)
  if (!texts.every((text) => typeof text === 'string')) return { refused: 'its description is no text' }
  if (annotations !== undefined && !isRecord(annotations)) return { refused: 'its annotations are no object' }
  if (isTooDeep(given, LIMITS.depth)) return { refused: `it is nested more than ${LIMITS.depth} levels deep` }
  const { _meta, ...said } = given
  const whole = JSON.stringify(said)
  if (whole.length > LIMITS.bytes) return { refused: `it is described in more than ${LIMITS.bytes} characters` }
  if (!isRecord(inputSchema) || inputSchema['type'] !== 'object')
    return { refused: 'its input schema is not one of an object' }
  const { properties = {}, required = [] } = inputSchema
  if (!isRecord(properties) || !Array.isArray(required) || !required.every((key) => typeof key === 'string'))
    return { refused: 'its input schema is malformed' }
  const input = tameSchema(inputSchema)
  if ('refused' in input) return input
  const output = outputSchema === undefined ? undefined : tameSchema(outputSchema)
  if (output && 'refused' in output) return output
  return {
    tool: {
      name,
      description: cleanText(String(description ?? title ?? ''), LIMITS.description),
      input_schema: input.schema,
      ...(output ? { output_schema: output.schema } : {}),
      digest: hash('sha256', canonicalJson(JSON.parse(whole.toWellFormed()) as Json), 'hex'),
      hides: texts.some((text) => hidesText(text as string)),
    },
  }
}

/** What the user says of a server's tools; the server's own hints count for nothing. */
export interface ToolWords {
  readonly safety?: PinnedTool['safety'] | undefined
  /** Put before the name of each tool. */
  readonly prefix?: string | undefined
  readonly tools?: { readonly [name: string]: { readonly safety?: PinnedTool['safety'] | undefined } } | undefined
}

/** MCP tools have no versions; the digest is what pins them. */
const NO_VERSION = '0.0.0'

export function pinTool(server: string, tool: McpTool, words: ToolWords = {}): PinnedTool {
  return {
    name: nameForModels(tool.name, words.prefix ?? ''),
    version: NO_VERSION,
    description: tool.description,
    input_schema: tool.input_schema,
    ...(tool.output_schema ? { output_schema: tool.output_schema } : {}),
    safety: words.tools?.[tool.name]?.safety ?? words.safety ?? 'unsafe',
    permissions: {},
    source: `mcp:${server}`,
    digest: tool.digest,
  }
}

/** Models take letters, digits, `_` and `-`, 64 at most; a name that has to be changed carries a mark of the one it was. */
function nameForModels(name: string, prefix: string): string {
  const whole = `${prefix}${name}`
  const plain = whole.replaceAll(/[^A-Za-z0-9_-]/g, '_')
  if (plain === whole && plain.length <= 64) return plain
  return `${plain.slice(0, 55)}_${hash('sha256', whole, 'hex').slice(0, 8)}`
}

/** Without recursion, which is what too deep data would break. */
export function isTooDeep(value: unknown, most: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true
    level = level.flatMap((entry) => (typeof entry === 'object' && entry !== null ? Object.values(entry) : []))
  }
  return false
}
