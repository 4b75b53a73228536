import { escapeLiquid } from './draft.ts'

/**
 * What a name of a Jinja template stands for: a path in Liquid (`steps.find.output`), or a text that is put in as it is. `maybe`: the step
 * behind the path may be skipped, and then says nothing.
 */
export type JinjaName = { readonly path: string; readonly maybe?: boolean } | { readonly text: string }

export type JinjaResult =
  | { readonly ok: true; readonly text: string }
  /** `line` counts from 1 within the template. */
  | { readonly ok: false; readonly why: string; readonly line: number }

class Different extends Error {}

// Filters that mean the same, by their names there and here. With arguments where `takes` says how many at most.
const FILTERS: { readonly [jinja: string]: { readonly liquid: string; readonly takes: number } } = {
  upper: { liquid: 'upcase', takes: 0 },
  lower: { liquid: 'downcase', takes: 0 },
  capitalize: { liquid: 'capitalize', takes: 0 },
  trim: { liquid: 'strip', takes: 0 },
  length: { liquid: 'size', takes: 0 },
  count: { liquid: 'size', takes: 0 },
  first: { liquid: 'first', takes: 0 },
  last: { liquid: 'last', takes: 0 },
  join: { liquid: 'join', takes: 1 },
  replace: { liquid: 'replace', takes: 2 },
  default: { liquid: 'default', takes: 1 },
  d: { liquid: 'default', takes: 1 },
  tojson: { liquid: 'json', takes: 0 },
  abs: { liquid: 'abs', takes: 0 },
  reverse: { liquid: 'reverse', takes: 0 },
  unique: { liquid: 'uniq', takes: 0 },
  escape: { liquid: 'escape', takes: 0 },
  e: { liquid: 'escape', takes: 0 },
}
const LOOP: { readonly [name: string]: string } = {
  index: 'forloop.index',
  index0: 'forloop.index0',
  first: 'forloop.first',
  last: 'forloop.last',
  length: 'forloop.length',
}
const PATH = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\.\d+|\[\s*(?:-?\d+|'[^'\\]*'|"[^"\\]*")\s*\])*$/
const LITERAL = /^(?:'[^'\\]*'|"[^"\\]*"|-?\d+(?:\.\d+)?|[tT]rue|[fF]alse|[nN]one|null)$/

/** Rewrites a Jinja template as Liquid where both mean the same; says what does not, and where. Work grows with the length of the text. */
export function toLiquid(template: string, names: ReadonlyMap<string, JinjaName>): JinjaResult {
  const writer = new Writer(names)
  let at = 0
  try {
    while (at < template.length) {
      const open = findOpen(template, at)
      writer.addText(template.slice(at, open))
      if (open === template.length) break
      at = open
      const kind = template[open + 1] ?? ''
      const close = template.indexOf(kind === '{' ? '}}' : kind === '%' ? '%}' : '#}', open + 2)
      if (close < 0) throw new Different('a tag is not closed')
      const inner = template.slice(open + 2, close)
      at = close + 2
      if (kind === '#') writer.addComment(inner)
      else if (kind === '{') writer.addOutput(trimMarks(inner))
      else {
        const tag = trimMarks(inner)
        if (tag.body === 'raw') {
          const end = /\{%-?\s*endraw\s*-?%\}/.exec(template.slice(at))
          if (!end) throw new Different('raw is not closed')
          writer.addText(escapeLiquid(template.slice(at, at + end.index)))
          at += end.index + end[0].length
        } else writer.addTag(tag)
      }
    }
    return { ok: true, text: writer.end() }
  } catch (error) {
    if (!(error instanceof Different)) throw error
    return { ok: false, why: error.message, line: template.slice(0, at).split('\n').length }
  }
}

/** Where the next tag begins; the end of the text when there is none. */
function findOpen(text: string, from: number): number {
  for (let at = text.indexOf('{', from); at >= 0; at = text.indexOf('{', at + 1)) {
    const next = text[at + 1]
    if (next === '{' || next === '%' || next === '#') return at
  }
  return text.length
}

interface Tag {
  readonly body: string
  readonly before: '-' | ''
  readonly after: '-' | ''
}

function trimMarks(inner: string): Tag {
  const before = inner.startsWith('-') ? '-' : ''
  const after = inner.endsWith('-') && inner.length > 1 ? '-' : ''
  return { body: inner.slice(before.length, inner.length - after.length).trim(), before, after }
}

class Writer {
  readonly #names: ReadonlyMap<string, JinjaName>
  readonly #open: { readonly tag: string; readonly names: readonly string[]; ended?: boolean }[] = []
  readonly #set = new Set<string>()
  #text = ''

  constructor(names: ReadonlyMap<string, JinjaName>) {
    this.#names = names
  }

  addText(text: string): void {
    this.#text += text
  }

  addComment(inner: string): void {
    if (inner.startsWith('-') || inner.endsWith('-')) this.#text += '{%- comment -%}{%- endcomment -%}'
  }

  addOutput({ body, before, after }: Tag): void {
    const constant = this.#names.get(body)
    if (constant && 'text' in constant && !this.#isLocal(body)) {
      if (before || after) throw new Different('spaces around a constant are cut')
      this.#text += escapeLiquid(constant.text)
    } else this.#text += `{{${before} ${this.#expression(body, true)} ${after}}}`
  }

  addTag({ body, before, after }: Tag): void {
    const word = /^[a-z]+/.exec(body)?.[0] ?? ''
    const rest = body.slice(word.length).trim()
    const put = (text: string) => void (this.#text += `{%${before} ${text} ${after}%}`)
    const top = this.#open.at(-1)
    switch (word) {
      case 'if':
        this.#open.push({ tag: 'if', names: [] })
        return put(`if ${this.#condition(rest)}`)
      case 'elif':
        if (top?.tag !== 'if' || top.ended) throw new Different('elif stands outside of if')
        return put(`elsif ${this.#condition(rest)}`)
      case 'else':
        if (!top || top.ended) throw new Different('else stands alone')
        top.ended = true
        return put('else')
      case 'for': {
        const found = /^([A-Za-z_]\w*)\s+in\s+(.+)$/s.exec(rest)
        if (!found?.[1] || !found[2]) throw new Different(`the loop "for ${rest}" has no counterpart`)
        const list = this.#expression(found[2])
        if (list.includes('|')) throw new Different('a loop over a filtered list has no counterpart')
        this.#open.push({ tag: 'for', names: [found[1]] })
        return put(`for ${found[1]} in ${list}`)
      }
      case 'set': {
        const found = /^([A-Za-z_]\w*)\s*=\s*(.+)$/s.exec(rest)
        if (!found?.[1] || !found[2] || this.#open.length > 0)
          throw new Different('set has a counterpart only at the top, for one name')
        const value = this.#expression(found[2])
        this.#set.add(found[1])
        return put(`assign ${found[1]} = ${value}`)
      }
      case 'endif':
      case 'endfor':
        if (top?.tag !== word.slice(3)) throw new Different(`${word} closes nothing`)
        this.#open.pop()
        return put(word)
      default:
        throw new Different(`the tag ${word || body.slice(0, 20)} has no counterpart`)
    }
  }

  end(): string {
    const left = this.#open.at(-1)
    if (left) throw new Different(`${left.tag} is not closed`)
    return this.#text
  }

  #isLocal(name: string): boolean {
    return this.#set.has(name) || this.#open.some(({ names }) => names.includes(name))
  }

  /** A path or literal, and filters. `shown`: what is put into the text, where nothing must be missing. */
  #expression(text: string, shown = false): string {
    const [head = '', ...filters] = splitOutside(text, '|')
    const root = this.#names.get(/^\w+/.exec(head.trim())?.[0] ?? '')
    const spare = shown && root && 'maybe' in root && root.maybe ? ['default: ""'] : []
    return [this.#operand(head.trim()), ...spare, ...filters.flatMap((filter) => this.#filter(filter.trim()))].join(
      ' | ',
    )
  }

  #filter(text: string): string[] {
    const found = /^([a-z_]\w*)\s*(?:\((.*)\))?$/s.exec(text)
    const name = found?.[1] ?? ''
    if (name === 'safe' || name === 'string') return []
    const known = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined
    const given = found?.[2]?.trim()
    const args = given ? splitOutside(given, ',').map((arg) => this.#operand(arg.trim())) : []
    if (!known || args.length > known.takes)
      throw new Different(`the filter ${name || text.slice(0, 20)} has no counterpart`)
    // there the parts are joined without anything between them, here with a space
    if (name === 'join' && args.length === 0) args.push('""')
    return [`${known.liquid}${args.length > 0 ? `: ${args.join(', ')}` : ''}`]
  }

  #operand(text: string): string {
    if (LITERAL.test(text))
      return /^(none|null)$/i.test(text) ? 'nil' : /^(true|false)$/i.test(text) ? text.toLowerCase() : text
    if (!PATH.test(text)) throw new Different(`the expression ${JSON.stringify(text.slice(0, 40))} has no counterpart`)
    const root = /^\w+/.exec(text)?.[0] ?? ''
    const rest = text.slice(root.length)
    if (root === 'loop' && !this.#isLocal(root)) {
      const value = Object.hasOwn(LOOP, rest.slice(1)) ? LOOP[rest.slice(1)] : undefined
      if (value === undefined) throw new Different(`${text} has no counterpart`)
      return value
    }
    if (this.#isLocal(root)) return text
    const known = this.#names.get(root)
    if (!known) throw new Different(`the name ${root} is not known`)
    if ('path' in known) return `${known.path}${rest}`
    if (rest !== '' || known.text.includes('"'))
      throw new Different(`${root} is a constant, and only its text can be put in`)
    return `"${known.text}"`
  }

  /** Tests joined by `and`, or comparisons joined by `or`: whether a value counts as true is not the same question there and here. */
  #condition(text: string): string {
    if (/[()]/.test(text)) throw new Different('a condition with brackets has no counterpart')
    const either = splitWords(text, 'or')
    if (either.length > 1) {
      const tests = either.map((part) => this.#test(part))
      if (either.some((part) => splitWords(part, 'and').length > 1) || tests.some((test) => test.includes(' and ')))
        throw new Different('a condition with `or` has a counterpart only between comparisons')
      return tests.join(' or ')
    }
    return splitWords(text, 'and')
      .map((part) => this.#test(part))
      .join(' and ')
  }

  #test(text: string): string {
    const compared = /^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/s.exec(text)
    if (compared?.[1] && compared[3])
      return `${this.#expression(compared[1].trim())} ${compared[2]} ${this.#expression(compared[3].trim())}`
    const member = /^(.+?)\s+in\s+(.+)$/s.exec(text)
    if (member?.[1] && member[2])
      return `${this.#operand(member[2].trim())} contains ${this.#operand(member[1].trim())}`
    const defined = /^(\S+)\s+is\s+(not\s+)?(defined|none)$/.exec(text)
    if (defined?.[1])
      return `${this.#operand(defined[1])} ${(defined[3] === 'none') === (defined[2] === undefined) ? '==' : '!='} nil`
    if (/^not\s/.test(text)) throw new Different('a condition with `not` has no counterpart; compare instead')
    const operand = this.#operand(text.trim())
    return `${operand} and ${operand} != empty and ${operand} != 0`
  }
}

function splitWords(text: string, word: string): string[] {
  return splitOutside(text.replace(/\s+/g, ' '), ` ${word} `).map((part) => part.trim())
}

/** Splits at a mark that stands outside of quotes and brackets. */
function splitOutside(text: string, mark: string): string[] {
  const parts: string[] = []
  let from = 0
  let depth = 0
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '(' || char === '[') depth++
    else if (char === ')' || char === ']') depth--
    else if (depth === 0 && text.startsWith(mark, at)) {
      parts.push(text.slice(from, at))
      at += mark.length - 1
      from = at + 1
    }
  }
  return [...parts, text.slice(from)]
}
