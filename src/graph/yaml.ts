import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type LineCounter as Lines,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import type { Place, Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { checkText, guardedTokens, MAX_DEPTH, YamlRefusal } from './yaml-guard.ts'

/** Keys and list positions from the top of a file down to one value. */
export type Path = readonly (string | number)[]

/** Finds the line and column of a value, or of its key; of the nearest existing parent when the path leads nowhere. */
export type Locate = (path: Path, part?: 'value' | 'key') => Place

export interface ParsedYaml {
  /** Absent when there is an error; an empty file gives null. */
  readonly data?: Json
  readonly problems: readonly Problem[]
  readonly place: Locate
  /** The characters of a plain scalar as written (`012`), to show beside what YAML made of it (12). */
  readonly source: (path: Path) => string | undefined
}

const MAX_ALIASED_NODES = 10_000
const MAX_SYNTAX_PROBLEMS = 20
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Reads one YAML 1.2 (core schema) or JSON document into plain JSON. Strict: whatever YAML parsers disagree about or can be hurt by
 * is refused with its position. `NO`, `on`, `1:30` and dates are text and `012` is twelve, as version 1.2 says.
 */
export function parseYaml(text: string, file?: string): ParsedYaml {
  const lines = new LineCounter()
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text
  const placeAt = (offset: number): Place => placeOf(lines, offset, file)
  const refuse = (problems: readonly Problem[]): ParsedYaml => ({
    problems,
    place: () => (file === undefined ? {} : { file }),
    source: () => undefined,
  })
  const unfit = checkText(body)
  lines.addNewLine(0)
  if (unfit) {
    for (let at = body.indexOf('\n'); at >= 0 && at < unfit.offset; at = body.indexOf('\n', at + 1))
      lines.addNewLine(at + 1)
    return refuse([toProblem(unfit, placeAt(unfit.offset))])
  }
  let documents: Document.Parsed[]
  try {
    documents = composeAll(body, lines)
  } catch (error) {
    if (error instanceof YamlRefusal) return refuse([toProblem(error, placeAt(error.offset))])
    throw error
  }
  const [document, second] = documents
  const problems = documents.flatMap((one) =>
    [...one.errors, ...one.warnings].map((error) => toProblem({ message: error.message }, placeAt(error.pos[0]))),
  )
  if (second)
    problems.push(
      toProblem(
        {
          message: 'the file holds more than one document',
          hint: 'Keep one document per file; remove the `---` line.',
        },
        placeAt(second.range[0]),
      ),
    )
  if (problems.length > 0) return refuse(problems.slice(0, MAX_SYNTAX_PROBLEMS))
  if (!document) return { ...refuse([]), data: null, place: () => placeAt(0) }
  const tree = new Tree(placeAt)
  const data = tree.convert(document.contents, 0)
  const found = {
    problems: tree.problems,
    place: (path: Path, part: 'value' | 'key' = 'value') => placeAt(tree.offsetOf(document.contents, path, part)),
    source: (path: Path) => tree.sourceOf(document.contents, path),
  }
  return tree.problems.length > 0 ? found : { ...found, data }
}

function composeAll(text: string, lines: Lines): Document.Parsed[] {
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, intAsBigInt: true, version: '1.2' })
  function* cst() {
    for (const token of guardedTokens(text)) yield* parser.next(token)
    yield* parser.end()
  }
  return [...composer.compose(cst(), false, text.length)]
}

/** The document's nodes on their way to plain data; remembers what positions need. */
class Tree {
  readonly problems: Problem[] = []
  readonly #placeAt: (offset: number) => Place
  readonly #pairs = new WeakMap<YAMLMap, Map<string, Pair>>()
  readonly #targets = new WeakMap<Alias, Node>()
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<unknown>()
  #aliasedNodes = 0
  #insideAlias = false

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt
  }

  convert(node: unknown, depth: number): Json {
    if (this.#insideAlias && ++this.#aliasedNodes > MAX_ALIASED_NODES) return null
    if (isAlias(node)) return this.#follow(node, depth)
    if (isScalar(node) || isMap(node) || isSeq(node)) {
      if (node.anchor) this.#anchors.set(node.anchor, node)
      if (isScalar(node)) return this.#convertScalar(node)
      if (depth >= MAX_DEPTH) return this.#refuse(node, `nested deeper than ${MAX_DEPTH} levels`)
      this.#open.add(node)
      const data = isSeq(node)
        ? node.items.map((item) => this.convert(item, depth + 1))
        : this.#convertMap(node as YAMLMap, depth)
      this.#open.delete(node)
      return data
    }
    return null
  }

  #convertMap(map: YAMLMap, depth: number): Json {
    const pairs = new Map<string, Pair>()
    this.#pairs.set(map, pairs)
    const data: { [key: string]: Json } = {}
    for (const pair of map.items) {
      const key = this.#readKey(map, pair)
      if (key === undefined) continue
      const first = pairs.get(key)
      if (first) {
        const line = this.#placeAt(startOf(first.key)).line
        this.#refuse(pair.key, `the key "${key}" stands twice in this map; first on line ${line}`)
        continue
      }
      pairs.set(key, pair)
      data[key] = this.convert(pair.value, depth + 1)
    }
    return data
  }

  #readKey(map: YAMLMap, pair: Pair): string | undefined {
    const key = pair.key
    if (!isScalar(key) || key.value === null) {
      this.#refuse(key ?? map, 'a key must be text')
      return undefined
    }
    const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
    if (name === '<<' && key.type === 'PLAIN') {
      this.#refuse(key, 'merge keys (`<<`) are not part of YAML 1.2', 'Write the keys out.')
      return undefined
    }
    if (REFUSED_KEYS.has(name)) {
      this.#refuse(key, `"${name}" cannot be a key`)
      return undefined
    }
    if (hasBrokenText(name)) this.#refuse(key, 'a key holds a NUL character or half of a surrogate pair')
    return name
  }

  #convertScalar(node: Scalar): Json {
    const value = node.value
    if (typeof value === 'string') {
      if (hasBrokenText(value)) return this.#refuse(node, 'the text holds a NUL character or half of a surrogate pair')
      return value
    }
    if (typeof value === 'boolean' || value === null) return value
    const number = Number(value)
    const fits = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number)
    if (!fits)
      return this.#refuse(node, `the number ${node.source ?? String(value)} is too large to be kept exactly`, QUOTE)
    return number === 0 ? 0 : number
  }

  #follow(alias: Alias, depth: number): Json {
    const target = this.#anchors.get(alias.source)
    if (!target) return this.#refuse(alias, `the alias *${alias.source} has no anchor before it`)
    if (this.#open.has(target)) return this.#refuse(alias, `the alias *${alias.source} contains itself`)
    this.#targets.set(alias, target)
    const outermost = !this.#insideAlias
    if (this.#aliasedNodes > MAX_ALIASED_NODES) return null
    this.#insideAlias = true
    const data = this.convert(target, depth)
    if (outermost) {
      this.#insideAlias = false
      if (this.#aliasedNodes > MAX_ALIASED_NODES) this.#refuse(alias, 'the aliases of this file expand to too much')
    }
    return data
  }

  #refuse(node: unknown, message: string, hint?: string): null {
    this.problems.push(toProblem({ message, ...(hint === undefined ? {} : { hint }) }, this.#placeAt(startOf(node))))
    return null
  }

  offsetOf(root: unknown, path: Path, part: 'value' | 'key'): number {
    const { node, pair, complete } = this.#walk(root, path)
    return part === 'key' && complete && pair ? startOf(pair.key) : startOf(node ?? pair?.key)
  }

  sourceOf(root: unknown, path: Path): string | undefined {
    const { node, complete } = this.#walk(root, path)
    return complete && isScalar(node) ? node.source : undefined
  }

  /** The deepest node of the path; `node` is null where a key has no value. */
  #walk(root: unknown, path: Path): { node: unknown; pair?: Pair; complete: boolean } {
    let node = root
    let pair: Pair | undefined
    for (const step of path) {
      while (isAlias(node) && this.#targets.has(node)) node = this.#targets.get(node)
      if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
        pair = undefined
        node = node.items[step]
        continue
      }
      const next = isMap(node) ? this.#pairs.get(node as YAMLMap)?.get(String(step)) : undefined
      if (!next) return pair ? { node, pair, complete: false } : { node, complete: false }
      pair = next
      node = next.value
    }
    return pair ? { node, pair, complete: true } : { node, complete: true }
  }
}

/** The hint where text was expected and YAML read something else. */
const QUOTE = 'If text is meant, put it in quotes.'

function hasBrokenText(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed()
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}

function placeOf(lines: Lines, offset: number, file: string | undefined): Place {
  const { line, col } = lines.linePos(offset)
  return { ...(file === undefined ? {} : { file }), line: Math.max(line, 1), column: Math.max(col, 1) }
}

function toProblem(what: { readonly message: string; readonly hint?: string }, place: Place): Problem {
  const { message, hint } = what
  return { code: 'yaml_invalid', message, ...(hint === undefined ? {} : { hint }), ...place }
}
