import { type Message, type ModelRequest, textOf } from '../../events/messages.ts'
import type { Json } from '../../events/values.ts'
import { asksForSummary, findAims } from './aims.ts'

/** The answer of another step inside a prompt. */
export interface Block {
  readonly label: string
  readonly text: string
}

/** A request taken apart: what is wanted, and what may be quoted. */
export interface Material {
  /** System prompts and the user's own words about the task. */
  readonly instruction: string
  /** A question about the material; empty when the user asked none. */
  readonly question: string
  readonly document: string
  readonly blocks: readonly Block[]
  /** Files that cannot be read here. */
  readonly unread: number
  /** The material was longer than what is read. */
  readonly cut: boolean
}

interface Asked {
  readonly order: string
  readonly rest: string
}

/** UTF-16 units; the rest of a longer text is left out, and the answer says so. */
const READ_LIMIT = 2_000_000

/** First lines of the labelled blocks in which a prompt hands on other steps' answers. */
const BLOCK_START = [
  /^={3,}\s*(?:(?:result|output|answer|response)s?\s+(?:of|from)\s+)?(.+?)\s*={3,}$/iu,
  /^-{3,}\s*(?:(?:result|output|answer|response)s?\s+(?:of|from)\s+)?(\S.*?)\s*-{3,}$/iu,
  /^<(?:result|output|answer|response|agent|dependency|step)\b[^>]*?\b(?:name|agent|from|step|of)="([^"]+)"[^>]*>$/iu,
  /^#{1,4}\s+(?:result|output|answer|response|agent)s?\s*(?:of|from|by|:)\s*(.+?)\s*:?$/iu,
]
const BLOCK_END = /^<\/(?:result|output|answer|response|agent|dependency|step)>$/iu
const INPUT_LABEL = /^(?:the )?(?:original )?(?:input|task|request|user input)$/iu
const ORDER =
  /^(?:please\s+)?(?:summari[sz]e|list|find|extract|name|give|show|tell|explain|quote|read|review|analy[sz]e|identify|answer|build on|based on|using|use|combine|synthesi[sz]e|translate|write|compose|generate|provide)\b(?!\s+of\b)/iu
/** Headings, items and lines of code never are orders. */
const OTHER = /^\s|^[#>|+@-]|^[*] |[;{}]\s*$/u
const QUESTION = /[?？؟]["'”’)]*$/u

/** Takes a request apart. Earlier turns of the user and tool results are material too; earlier answers are not. */
export function readMaterial(request: ModelRequest): Material {
  const system = request.messages.filter(({ role }) => role === 'system').map(({ content }) => textOf(content))
  const lastUser = request.messages.findLastIndex(({ role }) => role === 'user')
  const earlier = request.messages.flatMap((message, at) => (at === lastUser ? [] : readEarlier(message)))
  const last = request.messages[lastUser]
  const isSteered = findAims(system.join('\n')).length > 0 || asksForSummary(system.join('\n'))
  const asked = takeApart(last === undefined ? '' : textOf(last.content), { isSteered, hasMore: earlier.length > 0 })

  const { document, blocks } = splitBlocks([...earlier, asked.rest].filter((text) => text.trim() !== '').join('\n\n'))
  const whole = document.length + blocks.reduce((sum, { text }) => sum + text.length, 0)
  return {
    instruction: [...system, asked.order].filter((text) => text !== '').join('\n'),
    question: QUESTION.test(asked.order) ? asked.order : '',
    document: document.slice(0, READ_LIMIT),
    blocks: blocks.map(({ label, text }) => ({ label, text: text.slice(0, READ_LIMIT) })),
    unread: request.messages.flatMap(({ content }) => content).filter(({ type }) => type === 'file').length,
    cut: whole > READ_LIMIT,
  }
}

/** The leaves of a JSON text as `path: value`; undefined when it is not a JSON object or list. */
export function readFacts(text: string, limit = 12): string[] | undefined {
  const trimmed = text.trim().replace(/^```(?:json)?\s*|\s*```$/gu, '')
  if (!/^[[{]/u.test(trimmed)) return undefined
  try {
    return listLeaves(JSON.parse(trimmed) as Json, '', limit)
  } catch {
    return undefined
  }
}

function readEarlier({ role, content }: Message): string[] {
  if (role === 'user') return [textOf(content)]
  if (role !== 'tool') return []
  return content.flatMap((part) => {
    if (part.type === 'text') return [part.text]
    if (part.type !== 'tool-result') return []
    return [typeof part.output === 'string' ? part.output : JSON.stringify(part.output)]
  })
}

/**
 * Finds the short order or question at the start or the end of a message; what remains is material, unchanged to the space
 * (a diff must stay one). Where the system prompt says what to look for, a question at an end belongs to the material.
 */
function takeApart(text: string, more: { readonly isSteered: boolean; readonly hasMore: boolean }): Asked {
  const isOrder = (piece: string): boolean =>
    piece.length <= 400 && (ORDER.test(piece) || (QUESTION.test(piece.trim()) && !more.isSteered)) && !OTHER.test(piece)
  const orders: string[] = []
  let rest = text.trim()
  const lastGap = findLastGap(rest)
  if (lastGap !== undefined && isOrder(rest.slice(lastGap.end))) {
    orders.push(rest.slice(lastGap.end))
    rest = rest.slice(0, lastGap.start)
  }
  const head = /^[^\n]*/u.exec(rest)?.[0] ?? ''
  const inline = /^([^:]{3,200}):\s+\S/u.exec(head)?.[1]
  if (inline !== undefined && ORDER.test(inline)) {
    orders.unshift(inline)
    rest = rest.slice(inline.length + 1)
  } else if (isOrder(head) && (head.length < rest.length || more.hasMore || isAlone(head))) {
    orders.unshift(head)
    rest = rest.slice(head.length)
  }
  return { order: orders.join('\n').trim(), rest: rest.replace(/^\s*\n/u, '') }
}

function findLastGap(text: string): { readonly start: number; readonly end: number } | undefined {
  const at = text.lastIndexOf('\n\n')
  return at < 0 ? undefined : { start: at, end: at + 2 }
}

/** One line that is nothing but a question or an order; with a sentence after it, it is material. */
function isAlone(line: string): boolean {
  return !/[.!?]\s+\S/u.test(line.trim())
}

function splitBlocks(text: string): { readonly document: string; readonly blocks: readonly Block[] } {
  const document: string[] = []
  const blocks: { label: string; lines: string[] }[] = []
  let open: string[] = document
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    const label = trimmed.length > 200 ? undefined : matchLabel(trimmed)
    if (label !== undefined) {
      open = document
      if (!INPUT_LABEL.test(label)) {
        open = []
        blocks.push({ label, lines: open })
      }
    } else if (BLOCK_END.test(trimmed)) open = document
    else open.push(line)
  }
  return {
    document: document.join('\n').trim(),
    blocks: blocks.map(({ label, lines }) => ({ label, text: lines.join('\n').trim() })),
  }
}

function matchLabel(line: string): string | undefined {
  for (const pattern of BLOCK_START) {
    const label = pattern.exec(line)?.[1]
    if (label !== undefined) return label
  }
  return undefined
}

function listLeaves(value: Json, path: string, limit: number): string[] {
  if (value === null || typeof value !== 'object') return [`${path === '' ? 'value' : path}: ${String(value)}`]
  const isList = Array.isArray(value)
  if (isList && value.every((item) => item === null || typeof item !== 'object')) {
    return [`${path}: ${value.slice(0, 8).map(String).join(', ')}${value.length > 8 ? ', …' : ''}`]
  }
  const entries = isList ? value.map((item, at) => [`[${at}]`, item] as const) : Object.entries(value)
  const facts: string[] = []
  for (const [key, item] of entries) {
    if (facts.length >= limit) break
    const below = isList ? `${path}${key}` : path === '' ? key : `${path}.${key}`
    facts.push(...listLeaves(item, below, limit - facts.length))
  }
  return facts
}
