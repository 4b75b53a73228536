import { hash } from 'node:crypto'
import type { Json } from '../../events/values.ts'
import type { ToolOutcome } from '../tool.ts'
import { isTooDeep } from './definition.ts'
import { isRecord } from './wire.ts'

/** Longest text of a result that is kept, in characters; the middle of a longer one is left out. */
const RESULT_LIMIT = 1024 * 1024
const DEPTH_LIMIT = 60
const PARTS_LIMIT = 1000

/** What a tool answered as one JSON value: its structured content, else its text, else its parts. Bytes are named, not kept. */
export function readResult(result: unknown, mismatches: (value: Json) => readonly string[]): ToolOutcome {
  if (!isRecord(result)) return spoil('the server answered with no result')
  const { content, structuredContent, isError } = result
  const parts = (Array.isArray(content) ? content : []).slice(0, PARTS_LIMIT).map(readPart)
  const text = parts.every((part) => typeof part === 'string') ? cutText(parts.join('\n')) : undefined
  if (isError === true) {
    const said = text ?? cutText(JSON.stringify(parts))
    return { ok: false, code: 'mcp_tool_failed', message: 'the tool says that it failed', detail: said, touched: 'yes' }
  }
  if (structuredContent !== undefined) {
    if (isTooDeep(structuredContent, DEPTH_LIMIT) || JSON.stringify(structuredContent).length > RESULT_LIMIT)
      return spoil('the structured result is too large or too deep')
    const faults = mismatches(structuredContent as Json)
    if (faults.length > 0)
      return spoil(`the result does not follow the output schema: ${faults.slice(0, 5).join('; ')}`)
    return { ok: true, output: structuredContent as Json }
  }
  if (text !== undefined) return { ok: true, output: text }
  const size = JSON.stringify(parts).length
  return { ok: true, output: size > RESULT_LIMIT ? cutText(JSON.stringify(parts)) : parts }
}

/** It was done, and nobody can say what came of it. */
function spoil(message: string): ToolOutcome {
  return { ok: false, code: 'mcp_protocol', message, touched: 'yes' }
}

/** Text as a string; everything else as an object that says what it is. */
function readPart(part: unknown): Json {
  if (!isRecord(part)) return ''
  const { type, text, data, mimeType, uri, name, description, resource } = part
  if (type === 'text') return typeof text === 'string' ? text : ''
  const kind = {
    type: typeof type === 'string' ? type.slice(0, 64) : 'unknown',
    ...words({ mimeType, uri, name, description }),
  }
  if (type === 'resource' && isRecord(resource)) {
    const own = { ...kind, ...words({ mimeType: resource['mimeType'], uri: resource['uri'] }) }
    if (typeof resource['text'] === 'string') return { ...own, text: cutText(resource['text']) }
    return { ...own, ...describeBytes(resource['blob']) }
  }
  return { ...kind, ...describeBytes(data) }
}

function words(given: { readonly [key: string]: unknown }): { [key: string]: string } {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value.slice(0, 2000)]] : [])),
  )
}

function describeBytes(data: unknown): { readonly bytes?: number; readonly sha256?: string } {
  if (typeof data !== 'string') return {}
  const bytes = Buffer.from(data, 'base64')
  return { bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') }
}

function cutText(text: string): string {
  if (text.length <= RESULT_LIMIT) return text
  const half = RESULT_LIMIT / 2
  const left = text.length - RESULT_LIMIT
  return `${text.slice(0, half).toWellFormed()}\n[${left} characters left out]\n${text.slice(-half).toWellFormed()}`
}
