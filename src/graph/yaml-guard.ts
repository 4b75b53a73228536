import { CST, Lexer } from 'yaml'

const MAX_BYTES = 1024 * 1024
/** Levels of nesting: far above any real file, far below what recursion in a parser survives. */
export const MAX_DEPTH = 64

/** Text that is refused before or while it is cut into tokens. */
export class YamlRefusal extends Error {
  readonly offset: number
  readonly hint?: string
  constructor(message: string, offset: number, hint?: string) {
    super(message)
    this.offset = offset
    if (hint !== undefined) this.hint = hint
  }
}

// What YAML 1.2 calls not printable, and halves of surrogate pairs.
const UNFIT = /[[\p{Cc}\p{Cs}\ufffe\uffff]--[\t\n\r\x85]]/v
/** Anchors, aliases and tags in one file, each. Beyond it every one of them costs a parser error. */
const MAX_MARKS = 100
const CORE_TAGS = new Set(['!!str', '!!int', '!!float', '!!bool', '!!null', '!!map', '!!seq'])

/** Size and characters, before anything reads the text. */
export function checkText(text: string): YamlRefusal | undefined {
  if (text.length > MAX_BYTES || new TextEncoder().encode(text).length > MAX_BYTES)
    return new YamlRefusal(
      `the file is larger than ${MAX_BYTES} bytes`,
      0,
      'Split it, or keep long texts in files of their own.',
    )
  const unfit = UNFIT.exec(text)
  if (!unfit) return undefined
  const name = `U+${(text.codePointAt(unfit.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  return new YamlRefusal(
    `the character ${name} is not allowed in a text file`,
    unfit.index,
    'Save the file as UTF-8 text; in quotes, write control characters as escapes.',
  )
}

/**
 * The lexer's tokens, watched one by one: nesting, tags and directives are refused before the parser, which recurses, sees the document.
 * Block nesting is counted by indentation, flow nesting by brackets; the lexer itself is flat and knows text from brackets.
 */
export function* guardedTokens(text: string): Generator<string> {
  const indents: number[] = []
  let flow = 0
  let offset = 0
  let lineStart = 0
  let fresh = true
  let scalarFollows = false
  let before: string | null = null
  const marks = { anchor: 0, alias: 0, tag: 0 }
  for (const token of new Lexer().lex(text)) {
    const type: string | null = scalarFollows ? 'scalar' : CST.tokenType(token)
    scalarFollows = !scalarFollows && type === 'scalar'
    // doc-mode, flow-error-end and the scalar mark are signs between lexer and parser that stand for no characters
    const silent = scalarFollows || type === 'doc-mode' || type === 'flow-error-end'
    if (type === 'directive-line' && !/^%YAML[ \t]+1\.2[ \t]*$/.test(token))
      throw new YamlRefusal('directives other than %YAML 1.2 are refused', offset, 'Remove the line.')
    if (type === 'tag' && !CORE_TAGS.has(token))
      throw new YamlRefusal(`the tag ${token} is refused`, offset, 'Only plain data is read; remove the tag.')
    if ((type === 'anchor' || type === 'alias' || type === 'tag') && ++marks[type] > MAX_MARKS)
      throw new YamlRefusal(`more than ${MAX_MARKS} times ${type === 'tag' ? 'a' : 'an'} ${type}`, offset)
    if (type === 'comma' && (before === 'comma' || before === 'flow-seq-start' || before === 'flow-map-start'))
      throw new YamlRefusal('a comma without a value before it', offset)
    if (type === 'flow-map-start' || type === 'flow-seq-start') flow++
    if (type === 'flow-map-end' || type === 'flow-seq-end') flow = Math.max(0, flow - 1)
    const blank = type === 'space' || type === 'comment' || type === 'newline'
    if (fresh && flow === 0 && !silent && !blank) {
      const column = offset - lineStart
      while ((indents.at(-1) ?? -1) > column) indents.pop()
      if ((indents.at(-1) ?? -1) < column) indents.push(column)
    }
    if (indents.length + flow > MAX_DEPTH) throw new YamlRefusal(`nested deeper than ${MAX_DEPTH} levels`, offset)
    if (type === 'newline') fresh = true
    else if (!blank && !silent)
      fresh = fresh && (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind')
    if (!silent && !blank) before = type
    if (!silent) {
      offset += token.length
      const newline = token.lastIndexOf('\n')
      if (newline >= 0) lineStart = offset - token.length + newline + 1
    }
    yield token
  }
}
