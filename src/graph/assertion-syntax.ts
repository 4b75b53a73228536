import { AssertionFault, type Token, tokenize } from './assertion-tokens.ts'

export type ComparisonSign = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in' | 'is' | 'is not'
export type ArithmeticSign = '+' | '-' | '*' | '/' | '//' | '%' | '**'

/** `EACH for TARGETS in OVER if TEST ...` */
export interface Comprehension {
  readonly each: Expression
  readonly targets: readonly string[]
  readonly over: Expression
  readonly tests: readonly Expression[]
}

export type Expression = { readonly column: number } & (
  | { readonly kind: 'constant'; readonly value: null | boolean | number | string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'set'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | ({ readonly kind: 'comprehension' } & Comprehension)
  | { readonly kind: 'not' | 'minus' | 'plus'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'compare'
      readonly first: Expression
      readonly rest: readonly { readonly sign: ComparisonSign; readonly right: Expression }[]
    }
  | {
      readonly kind: 'arithmetic'
      readonly sign: ArithmeticSign
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'subscript'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'slice'; readonly of: Expression; readonly from?: Expression; readonly to?: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'method'; readonly of: Expression; readonly name: string; readonly args: readonly Expression[] }
)

const MAX_TEXT = 4096
const MAX_NESTING = 50
const KEYWORDS = new Set([
  'and',
  'or',
  'not',
  'in',
  'is',
  'if',
  'else',
  'for',
  'lambda',
  'await',
  'yield',
  'None',
  'True',
  'False',
])
const CONSTANTS: { readonly [word: string]: null | boolean } = { None: null, True: true, False: false }
/** How tightly the signs bind; a left operand stops at anything looser. */
const POWER: { readonly [sign: string]: number } = {
  or: 1,
  and: 2,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '//': 6,
  '%': 6,
  '**': 8,
}
const NOT_POWER = 3
const COMPARE_POWER = 4
const SIGN_POWER = 7

/** Reads one expression; throws an `AssertionFault` with the column. */
export function parseAssertion(text: string): Expression {
  if (text.length > MAX_TEXT) throw new AssertionFault(`longer than ${MAX_TEXT} characters`, MAX_TEXT + 1)
  return new Reader(tokenize(text)).readAll()
}

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0
  #nesting = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  readAll(): Expression {
    const expression = this.#readItems('end')
    if (this.#token.kind !== 'end') throw this.#unexpected()
    return expression
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token
  }

  #sees(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead]
    return token !== undefined && (token.kind === 'sign' || token.kind === 'name') && token.text === text
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false
    this.#at++
    return true
  }

  #expect(text: string): void {
    if (!this.#take(text))
      throw new AssertionFault(`expected "${text}" but found ${this.#describe()}`, this.#token.column)
  }

  #describe(): string {
    const { kind, text } = this.#token
    return kind === 'end' ? 'the end' : JSON.stringify(text.slice(0, 40))
  }

  #unexpected(): AssertionFault {
    const { text, column, kind } = this.#token
    if (text === 'lambda') return new AssertionFault('functions cannot be made in an assertion', column)
    if (text === '=') return new AssertionFault('use == to compare', column)
    return new AssertionFault(
      kind === 'end' ? 'the expression ends too early' : `${this.#describe()} does not belong here`,
      column,
    )
  }

  /** Operators by precedence climbing: reads everything that binds more tightly than `power`. */
  #read(power = 0): Expression {
    if (++this.#nesting > MAX_NESTING) throw new AssertionFault('nested too deeply', this.#token.column)
    let left = this.#readPrefix()
    for (;;) {
      const { text, kind, column } = this.#token
      if (kind !== 'sign' && kind !== 'name') break
      const comparison = this.#peekComparison()
      if (comparison) {
        if (COMPARE_POWER <= power) break
        left = this.#readComparison(left)
        continue
      }
      const binding = Object.hasOwn(POWER, text) ? (POWER[text] ?? 0) : 0
      if (binding <= power) break
      this.#at++
      // a power binds to the right: 2 ** 3 ** 2 is 2 ** 9
      const right = this.#read(text === '**' ? binding - 1 : binding)
      left =
        text === 'and' || text === 'or'
          ? { kind: text, left, right, column }
          : { kind: 'arithmetic', sign: text as ArithmeticSign, left, right, column }
    }
    this.#nesting--
    return left
  }

  #peekComparison(): ComparisonSign | undefined {
    const { text, kind } = this.#token
    if (kind === 'sign' && ['==', '!=', '<', '<=', '>', '>='].includes(text)) return text as ComparisonSign
    if (this.#sees('in')) return 'in'
    if (this.#sees('not') && this.#sees('in', 1)) return 'not in'
    if (this.#sees('is')) return this.#sees('not', 1) ? 'is not' : 'is'
    return undefined
  }

  #readComparison(first: Expression): Expression {
    const column = this.#token.column
    const rest: { sign: ComparisonSign; right: Expression }[] = []
    for (let sign = this.#peekComparison(); sign; sign = this.#peekComparison()) {
      this.#at += sign === 'not in' || sign === 'is not' ? 2 : 1
      rest.push({ sign, right: this.#read(COMPARE_POWER) })
    }
    return { kind: 'compare', first, rest, column }
  }

  #readPrefix(): Expression {
    const column = this.#token.column
    if (this.#take('not')) return { kind: 'not', of: this.#read(NOT_POWER - 1), column }
    if (this.#take('-')) return { kind: 'minus', of: this.#read(SIGN_POWER), column }
    if (this.#take('+')) return { kind: 'plus', of: this.#read(SIGN_POWER), column }
    return this.#readSuffixes(this.#readPrimary())
  }

  #readSuffixes(start: Expression): Expression {
    let of = start
    for (;;) {
      const column = this.#token.column
      if (this.#take('[')) {
        of = this.#readSubscript(of, column)
      } else if (this.#take('.')) {
        const name = this.#token
        this.#at++
        if (name.kind !== 'name' || !this.#take('('))
          throw new AssertionFault("fields are read as value['name']; after a dot only a call may stand", name.column)
        of = { kind: 'method', of, name: name.text, args: this.#readArguments(), column: name.column }
      } else if (this.#sees('(')) {
        if (of.kind !== 'name') throw new AssertionFault('only the listed functions can be called', column)
        this.#at++
        of = { kind: 'call', name: of.name, args: this.#readArguments(), column: of.column }
      } else return of
    }
  }

  #readSubscript(of: Expression, column: number): Expression {
    const from = this.#sees(':') ? undefined : this.#read()
    if (from && this.#take(']')) return { kind: 'subscript', of, index: from, column }
    this.#expect(':')
    const to = this.#sees(']') ? undefined : this.#read()
    this.#expect(']')
    return { kind: 'slice', of, column, ...(from ? { from } : {}), ...(to ? { to } : {}) }
  }

  #readArguments(): Expression[] {
    const args: Expression[] = []
    while (!this.#take(')')) {
      const argument = this.#read()
      args.push(args.length === 0 && this.#sees('for') ? this.#readComprehension(argument) : argument)
      if (!this.#sees(')')) this.#expect(',')
    }
    return args
  }

  #readPrimary(): Expression {
    const token = this.#token
    const { column } = token
    this.#at++
    if (token.kind === 'number') return { kind: 'constant', value: Number(token.text), column }
    if (token.kind === 'string') {
      let value = token.text
      for (; this.#token.kind === 'string'; this.#at++) value += this.#token.text
      return { kind: 'constant', value, column }
    }
    if (token.kind === 'name') {
      if (Object.hasOwn(CONSTANTS, token.text))
        return { kind: 'constant', value: CONSTANTS[token.text] ?? null, column }
      if (!KEYWORDS.has(token.text)) return { kind: 'name', name: token.text, column }
    }
    if (token.kind === 'sign') {
      if (token.text === '(') return this.#readItems(')')
      if (token.text === '[') return this.#readItems(']')
      if (token.text === '{') return this.#readBraces(column)
    }
    this.#at--
    throw this.#unexpected()
  }

  /** What stands in round or square brackets, or at the top: one value, a comprehension, or several values with commas. */
  #readItems(close: ')' | ']' | 'end'): Expression {
    const column = this.#token.column
    const atEnd = () => (close === 'end' ? this.#token.kind === 'end' : this.#take(close))
    const items: Expression[] = []
    if (close !== 'end' && atEnd()) return { kind: 'list', items, column }
    items.push(this.#read())
    if (close !== 'end' && this.#sees('for') && items[0]) {
      const comprehension = this.#readComprehension(items[0])
      this.#expect(close)
      return comprehension
    }
    let commas = 0
    while (!atEnd()) {
      if (!this.#sees(',')) {
        if (close === 'end') throw this.#unexpected()
        this.#expect(close)
      }
      this.#at++
      commas++
      if (atEnd()) break
      items.push(this.#read())
    }
    const [only] = items
    return close !== ']' && commas === 0 && only ? only : { kind: 'list', items, column }
  }

  #readBraces(column: number): Expression {
    if (this.#take('}')) return { kind: 'dict', entries: [], column }
    const items: Expression[] = []
    const entries: [Expression, Expression][] = []
    do {
      if (this.#sees('}')) break
      const first = this.#read()
      if (items.length === 0 && (entries.length > 0 || this.#sees(':'))) {
        this.#expect(':')
        entries.push([first, this.#read()])
      } else items.push(first)
    } while (this.#take(','))
    this.#expect('}')
    return items.length > 0 ? { kind: 'set', items, column } : { kind: 'dict', entries, column }
  }

  #readComprehension(each: Expression): Expression {
    const column = this.#token.column
    this.#expect('for')
    const targets: string[] = []
    const wrapped = this.#take('(')
    do {
      const { kind, text, column: at } = this.#token
      if (kind !== 'name' || KEYWORDS.has(text)) throw new AssertionFault('a variable name belongs after for', at)
      targets.push(text)
      this.#at++
    } while (this.#take(','))
    if (wrapped) this.#expect(')')
    this.#expect('in')
    const over = this.#read()
    const tests: Expression[] = []
    while (this.#take('if')) tests.push(this.#read())
    if (this.#sees('for')) throw new AssertionFault('only one for is supported', this.#token.column)
    return { kind: 'comprehension', each, targets, over, tests, column }
  }
}
