import type { Message, MessagePart, ModelRequest } from '../events/messages.ts'
import type { Json } from '../events/values.ts'

/** Counts the tokens of a text, or gives a bound for them. */
export type CountText = (text: string) => number

/** What a message costs beside its text: role and separators. */
const PER_MESSAGE = 8
/** A picture or another file; vendors count by size, none of those in use takes more for one page. */
const PER_FILE = 2_000

// Costs are in twentieths of a token, so that sums stay whole numbers.
const TOKEN = 20
/** A letter of a word after its first four, and what a capital adds. */
const LATER_LETTER = 6
const CAPITAL = 4
/** A word that begins where another or a number has not ended. */
const CHANGE = 5
/** Two letters that seldom meet: no word that a tokenizer would know. */
const STRANGE_PAIR = 20

/** For each of the letters a to z those that often follow it in languages written with them. */
const FOLLOWERS = [
  ['bcdfghiklmnprstuvxyz', 'abeiloruys', 'acehikloqrtuy', 'adegilorsuvyz', 'abcdefghijklmnopqrstuvwxyz'],
  ['aefilortu', 'aeghilnorstu', 'aeioruty', 'abcdefgijklmnopqrstuvzyx', 'aeou', 'aeijklnoprstuwy'],
  ['adefilkmostuvyn', 'abeimnoprsuy', 'acdegijkmnostuvyz', 'abcdefgijklmnoprstuvwxyz', 'aehiloprstuy', 'u'],
  ['acdegiklmnoprstuvyz', 'acehiklmnopqrstuvwyz', 'aehiklmorstuvwyz', 'abcdegiklmnprstuvz', 'aeiory'],
  ['aehinory', 'aceiptx', 'acdelmnopstkw', 'aeiouzyn'],
].flat()
const STRANGE = FOLLOWERS.map((row) => {
  let bits = 2 ** 26 - 1
  for (let index = 0; index < row.length; index += 1) bits &= ~(1 << (row.charCodeAt(index) - 0x61))
  return bits
})

type Kind = 'none' | 'small' | 'capital' | 'digit' | 'space' | 'break' | 'mark' | 'other'

/**
 * At most so many tokens are in the text, for every tokenizer in common use. Goes by what tokenizers do with words, numbers, marks and
 * blanks, and what is no word (base64, names made of chance) is taken for dense: usual prose and code are about two thirds of it.
 */
export function countAtMost(text: string): number {
  let cost = 0
  let before: Kind = 'none'
  let last = 0
  /** How many of this kind stand in a row. */
  let run = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    const small = code | 0x20
    let kind: Kind
    if (code >= 0x80) {
      kind = 'other'
      cost += costOf(code)
    } else if (small >= 0x61 && small <= 0x7a) {
      kind = code === small ? 'small' : 'capital'
      const begins = before !== 'small' && before !== 'capital'
      if (begins || (kind === 'capital' && before === 'small')) {
        run = 1
        cost += before === 'other' ? TOKEN / 2 : before === 'small' || before === 'digit' ? TOKEN + CHANGE : TOKEN
      } else {
        run += 1
        if (((STRANGE[(last | 0x20) - 0x61] as number) >> (small - 0x61)) & 1) cost += STRANGE_PAIR
        if (run > 4) cost += LATER_LETTER
        if (kind === 'capital') cost += CAPITAL
      }
    } else if (code >= 0x30 && code <= 0x39) {
      // Many tokenizers take digits one by one, and none takes the blank before them along.
      kind = 'digit'
      cost += before === 'space' ? 2 * TOKEN : TOKEN
    } else if (code === 0x20) {
      kind = 'space'
      run = before === 'space' ? run + 1 : 1
      if (run === 2 || run % 8 === 0) cost += TOKEN
    } else if (code === 0x0a || code === 0x0d || code === 0x09) {
      kind = 'break'
      run = code === last ? run + 1 : 1
      if (run === 1 || run % 4 === 0) cost += TOKEN
    } else {
      kind = 'mark'
      if (code < 0x20 || code === 0x7f) cost += TOKEN + 4
      else if (code === last) cost += TOKEN / 2
      else cost += before === 'mark' ? 0.75 * TOKEN : TOKEN
    }
    before = kind
    last = code
  }
  return Math.ceil(cost / TOKEN)
}

/** A character outside of ASCII (half of one, above U+FFFF) may be as many tokens as it has bytes. */
function costOf(code: number): number {
  if (code < 0x370) return code >= 0xc0 && code < 0x180 ? 1.3 * TOKEN : 2 * TOKEN
  if (code < 0x800) {
    if (code >= 0x410 && code <= 0x451) return 0.8 * TOKEN
    const isUsual = isIn(code, 0x391, 0x3ce) || isIn(code, 0x5d0, 0x5ea) || isIn(code, 0x620, 0x64a)
    return isUsual ? 1.2 * TOKEN : 2 * TOKEN
  }
  if (isIn(code, 0x2010, 0x2026)) return 1.5 * TOKEN
  if (isIn(code, 0xac00, 0xd7a3)) return 2.5 * TOKEN
  return COMMON_WIDE.some(([first, last]) => isIn(code, first, last)) ? 2 * TOKEN : 3 * TOKEN
}

/** Scripts that the vocabularies in use know: CJK, surrogates (each is half of a character), India's, kana, Thai and others. */
const COMMON_WIDE = [
  [0x4e00, 0x9fff],
  [0xd800, 0xdfff],
  [0x0900, 0x0d7f],
  [0x3000, 0x30ff],
  [0x0e00, 0x0e7f],
  [0x10a0, 0x10ff],
  [0x1780, 0x17ff],
  [0x1e00, 0x1eff],
  [0xfe00, 0xfe0f],
  [0xff00, 0xffef],
] as const

function isIn(code: number, first: number, last: number): boolean {
  return code >= first && code <= last
}

/** An upper bound of the tokens that a whole request is, with its tools and the form of its answer. */
export function countRequestAtMost({ messages, tools = [], response_schema }: ModelRequest): number {
  return countMessages(messages, countAtMost) + countForms(tools, response_schema)
}

export function countMessages(messages: readonly Message[], count: CountText): number {
  let tokens = PER_MESSAGE
  for (const { content } of messages) tokens += countMessage(content, count)
  return tokens
}

/** A bound for what stands beside the messages: the tools, and the form that the answer is to have. */
export function countForms(
  tools: NonNullable<ModelRequest['tools']>,
  response_schema: ModelRequest['response_schema'],
): number {
  const described = tools.length > 0 ? countAtMost(JSON.stringify(tools)) : 0
  return described + (response_schema ? countAtMost(JSON.stringify(response_schema)) : 0)
}

export function countMessage(content: readonly MessagePart[], count: CountText): number {
  return PER_MESSAGE + countParts(content, count)
}

export function countParts(content: readonly MessagePart[], count: CountText): number {
  let tokens = 0
  for (const part of content) {
    if (part.type === 'file') tokens += PER_FILE
    else if (part.type === 'tool-call' || part.type === 'tool-result') tokens += PER_MESSAGE + count(part.name)
    const text = textOfPart(part)
    if (text !== '') tokens += count(text)
  }
  return tokens
}

/** What of a part is read as text. */
export function textOfPart(part: MessagePart): string {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part.text
    case 'file':
      return ''
    case 'tool-call':
      return part.arguments
    case 'tool-result':
      return textOfJson(part.output)
  }
}

function textOfJson(json: Json): string {
  return typeof json === 'string' ? json : JSON.stringify(json)
}
