/** What is wrong with an assertion, and the column (from 1) where. */
export class AssertionFault extends Error {
  readonly column: number
  constructor(message: string, column: number) {
    super(message)
    this.column = column
  }
}

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'sign' | 'end'
  /** Names, signs and keywords as written; the content of a string. */
  readonly text: string
  readonly column: number
}

const SIGNS = [
  '**',
  '//',
  '==',
  '!=',
  '<=',
  '>=',
  '<',
  '>',
  '=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '.',
]
const ESCAPES: { readonly [letter: string]: string } = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '0': '\0',
}
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy
const NUMBER = /(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?/y

/** Cuts an assertion into words and signs. Every step moves forward, so the work is linear in the text. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const first = text.charAt(at)
    if (/\s/.test(first)) {
      at++
      continue
    }
    const column = at + 1
    if (first === "'" || first === '"') {
      const { content, end } = readString(text, at)
      tokens.push({ kind: 'string', text: content, column })
      at = end
      continue
    }
    const name = matchAt(NAME, text, at)
    if (name !== undefined) {
      const next = text[at + name.length]
      if (name.length <= 2 && (next === "'" || next === '"'))
        throw new AssertionFault(`strings with the prefix ${name} are not supported`, column)
      tokens.push({ kind: 'name', text: name, column })
      at += name.length
      continue
    }
    const number = matchAt(NUMBER, text, at)
    if (number !== undefined) {
      tokens.push({ kind: 'number', text: number.replaceAll('_', ''), column })
      at += number.length
      continue
    }
    const sign = SIGNS.find((one) => text.startsWith(one, at))
    if (sign === undefined) throw new AssertionFault(`${JSON.stringify(first)} is not part of the language`, column)
    tokens.push({ kind: 'sign', text: sign, column })
    at += sign.length
  }
  tokens.push({ kind: 'end', text: 'the end', column: text.length + 1 })
  return tokens
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function readString(text: string, start: number): { content: string; end: number } {
  const quote = text.charAt(start)
  let content = ''
  for (let at = start + 1; at < text.length; at++) {
    const letter = text.charAt(at)
    if (letter === quote) return { content, end: at + 1 }
    if (letter === '\n') break
    if (letter !== '\\') {
      content += letter
      continue
    }
    const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(text.slice(at + 1, at + 6))
    if (code) {
      content += String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? '', 16))
      at += code[0].length
    } else {
      at++
      const escaped = ESCAPES[text.charAt(at)]
      content += escaped ?? `\\${text.charAt(at)}`
    }
  }
  throw new AssertionFault('the string is not closed', start + 1)
}
