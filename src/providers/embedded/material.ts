import { type Message, type ModelRequest, textOf } from '../../events/messages.ts'
import type { Json } from '../../events/values.ts'
import { asksForSummary, findAims } from './aims.ts'

/** How another step's answer stands in a prompt: its text, or why there is none. */
export interface Block {
  readonly label: string
  readonly text: string
  readonly missing?: string
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

/** UTF-16 units of one text; the rest of a longer one is left out, and the answer says so. */
const READ_LIMIT = 2_000_000

/** The headings of a prompt that hands on other steps' answers, each in a fence of its own (see context/prompt). */
const WORK = /^# Work for /u
const SECTION = /^## (?:(Input|What to do)|(Answer|No answer) of (.+))$/u
const FENCE = /^`{3,}$/u
const ORDER =
  /^(?:please\s+)?(?:summari[sz]e|list|find|extract|name|give|show|tell|explain|quote|read|review|analy[sz]e|identify|answer|build on|based on|using|use|combine|synthesi[sz]e|translate|write|compose|generate|provide)\b(?!\s+of\b)/iu
/** Headings, items and lines of code never are orders. */
const OTHER = /^\s|^[#>|+@-]|^[*] |[;{}]\s*$/u
const QUESTION = /[?？؟]["'”’)]*$/u

/** Takes a request apart. Earlier turns of the user and tool results are material too; earlier answers are not. */
export function readMaterial(request: ModelRequest): Material {
  const system = request.messages.filter(({ role }) => role === 'system').map(({ content }) => textOf(content))
  const lastUser = request.messages.findLastIndex(({ role }) => role === 'user')
  const last = request.messages[lastUser]
  const text = last === undefined ? '' : textOf(last.content)
  const earlier = request.messages.flatMap((message, at) => (at === lastUser ? [] : readEarlier(message)))

  const isSteered = findAims(system.join('\n')).length > 0 || asksForSummary(system.join('\n'))
  const handedOn = readHandedOn(text)
  const asked = takeApart(handedOn?.document ?? text, { isSteered, hasMore: earlier.length > 0 })
  const document = [...earlier, asked.rest].filter((piece) => piece.trim() !== '').join('\n\n')
  const blocks = handedOn?.blocks ?? []
  const texts = [document, ...blocks.map((block) => block.text)]
  return {
    instruction: [...system, asked.order, handedOn?.order ?? ''].filter((piece) => piece !== '').join('\n'),
    question: QUESTION.test(asked.order) ? asked.order : '',
    document: document.slice(0, READ_LIMIT),
    blocks: blocks.map((block) => ({ ...block, text: block.text.slice(0, READ_LIMIT) })),
    unread: request.messages.flatMap(({ content }) => content).filter(({ type }) => type === 'file').length,
    cut: texts.some((piece) => piece.length > READ_LIMIT),
  }
}

/** The values of a JSON text as `path: value`, the first `limit`; undefined when it is not a JSON object or list. */
export function readFacts(text: string, limit = 16): string[] | undefined {
  const trimmed = text.trim().replace(/^```(?:json)?\s|\s```$/gu, '')
  if (!/^[[{]/u.test(trimmed)) return undefined
  try {
    return listFacts(JSON.parse(trimmed) as Json, '').slice(0, limit)
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

interface HandedOn {
  readonly order: string
  readonly document: string
  readonly blocks: readonly Block[]
}

/** Reads a prompt made of fenced sections; undefined for any other text. What stands in a fence never ends it. */
function readHandedOn(text: string): HandedOn | undefined {
  if (!WORK.test(text)) return undefined
  const sections: { readonly heading: RegExpExecArray; readonly lines: string[] }[] = []
  let fence = ''
  for (const line of text.split('\n')) {
    const heading = fence === '' ? SECTION.exec(line) : null
    if (heading !== null) sections.push({ heading, lines: [] })
    else if (fence === '' && FENCE.test(line)) fence = line
    else if (fence !== '' && line === fence) fence = ''
    else sections.at(-1)?.lines.push(line)
  }
  const textUnder = (name: string): string => {
    const found = sections.find(({ heading }) => heading[1] === name)
    return found === undefined ? '' : found.lines.join('\n').trim()
  }
  const blocks = sections.flatMap(({ heading, lines }) => {
    const [, , kind, label] = heading
    if (kind === undefined || label === undefined) return []
    const body = lines.join('\n').trim()
    // The author's name is enough; the title behind it is made from the name or the profile.
    const name = label.replace(/ \([^()]*\)$/u, '')
    return [kind === 'Answer' ? { label: name, text: body } : { label: name, text: '', missing: body }]
  })
  return { order: textUnder('What to do'), document: textUnder('Input'), blocks }
}

/** Plain values come first and lists become one line; a step's own `success: true` says nothing about the material. */
function listFacts(value: Json, path: string): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return []
    const items = value.slice(0, 8).map(describeItem).join(', ')
    return [`${path === '' ? 'list' : path}: ${shorten(items)}${value.length > 8 ? ', …' : ''}`]
  }
  if (value === null || typeof value !== 'object') return [`${path}: ${shorten(String(value))}`]
  const entries = Object.entries(value).filter(([key, item]) => path !== '' || key !== 'success' || item !== true)
  const plain = entries.filter(([, item]) => item === null || typeof item !== 'object')
  const others = entries.filter(([, item]) => item !== null && typeof item === 'object')
  return [...plain, ...others].flatMap(([key, item]) => listFacts(item, path === '' ? key : `${path}.${key}`))
}

function describeItem(item: Json): string {
  if (item === null || typeof item !== 'object') return String(item)
  const parts: readonly Json[] = Object.values(item)
  const texts = parts.filter((part) => typeof part === 'string')
  return [...texts, ...parts.filter((part) => typeof part === 'number')].join(' ')
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300).toWellFormed()} …` : text
}
