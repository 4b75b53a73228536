import type { Json } from '../../events/values.ts'
import { isRecord } from './wire.ts'

type Node = { [key: string]: Json }

/** Keywords whose schemas see the same value as the schema they stand in. */
const SAME = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', '$ref'] as const
/** Keywords whose schemas see parts of it. */
const BELOW = ['properties', 'items', 'prefixItems', 'additionalProperties', 'contains', 'propertyNames'] as const

/**
 * Takes out references that lead nowhere, and those of a loop that would look at the same value again or at one part of it twice:
 * such a loop takes time that doubles with every level of the data. Says whether it took out any.
 */
export function cutLoops(root: unknown): boolean {
  if (!isRecord(root)) return false
  let cut = false
  const nodes = listNodes(root as Node)
  for (const node of nodes) {
    if (node['$ref'] === undefined || target(root as Node, node)) continue
    delete node['$ref']
    cut = true
  }
  const loops = findLoops(root as Node, nodes)
  for (const loop of loops) {
    if (!isGreedy(root as Node, loop)) continue
    for (const node of loop) {
      const to = target(root as Node, node)
      if (!to || !loop.has(to)) continue
      delete node['$ref']
      cut = true
    }
  }
  return cut
}

/** How many schemas one walk through all branches passes, loops once; more than `most` is not counted. */
export function unfoldedSize(root: unknown, most: number): number {
  const known = new Map<Node, number>()
  const open = new Set<Node>()
  const measure = (node: Node): number => {
    const before = known.get(node)
    if (before !== undefined) return before
    if (open.has(node)) return 0
    open.add(node)
    let size = 1
    for (const next of [...same(root as Node, node), ...below(node).map(([, next]) => next)])
      size = Math.min(most + 1, size + measure(next))
    open.delete(node)
    known.set(node, size)
    return size
  }
  return isRecord(root) ? measure(root as Node) : 0
}

function listNodes(root: Node): readonly Node[] {
  const found: Node[] = []
  const waiting: Node[] = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    found.push(node)
    for (const keyword of [...SAME, ...BELOW, '$defs', 'definitions']) waiting.push(...childrenOf(node, keyword))
  }
  return found
}

function childrenOf(node: Node, keyword: string): Node[] {
  const value = node[keyword]
  if (keyword === '$ref' || value === undefined) return []
  const isMap = ['properties', 'dependentSchemas', '$defs', 'definitions'].includes(keyword)
  const list = Array.isArray(value) ? value : isMap && isRecord(value) ? Object.values(value) : [value]
  return list.filter(isRecord) as Node[]
}

/** The schemas that see the same value. */
function same(root: Node, node: Node): Node[] {
  const to = target(root, node)
  return [...SAME.flatMap((keyword) => childrenOf(node, keyword)), ...(to ? [to] : [])]
}

/** The schemas that see a part, each with the name of the part. */
function below(node: Node): (readonly [string, Node])[] {
  return BELOW.flatMap((keyword): (readonly [string, Node])[] => {
    const value = node[keyword]
    if (keyword === 'properties' && isRecord(value))
      return Object.entries(value).flatMap(([key, next]) => (isRecord(next) ? [[`.${key}`, next as Node]] : []))
    const part = keyword === 'additionalProperties' ? '.*' : keyword === 'propertyNames' ? 'name' : '[]'
    return childrenOf(node, keyword).map((next) => [part, next])
  })
}

function target(root: Node, { $ref }: Node): Node | undefined {
  if (typeof $ref !== 'string') return undefined
  let at: unknown = root
  for (const word of $ref.split('/').slice(1)) {
    if (Array.isArray(at)) at = at[Number(word)]
    else if (isRecord(at) && Object.hasOwn(at, word)) at = at[word]
    else return undefined
  }
  return isRecord(at) ? (at as Node) : undefined
}

/** Sets of schemas each of which leads to all others of its set (Tarjan), those that lead to themselves included. */
function findLoops(root: Node, nodes: readonly Node[]): ReadonlySet<Node>[] {
  const index = new Map<Node, number>()
  const low = new Map<Node, number>()
  const stack: Node[] = []
  const held = new Set<Node>()
  const loops: Set<Node>[] = []
  const visit = (node: Node): void => {
    index.set(node, index.size)
    low.set(node, index.get(node) as number)
    stack.push(node)
    held.add(node)
    const nexts = [...same(root, node), ...below(node).map(([, next]) => next)]
    for (const next of nexts) {
      if (!index.has(next)) visit(next)
      if (held.has(next)) low.set(node, Math.min(low.get(node) as number, low.get(next) as number))
    }
    if (low.get(node) !== index.get(node)) return
    const loop = new Set<Node>()
    for (let member = stack.pop(); member; member = stack.pop()) {
      held.delete(member)
      loop.add(member)
      if (member === node) break
    }
    if (loop.size > 1 || nexts.includes(node)) loops.push(loop)
  }
  for (const node of nodes) if (!index.has(node)) visit(node)
  return loops
}

/** Does the loop come back to the same value, or to one part of a value by two ways? */
function isGreedy(root: Node, loop: ReadonlySet<Node>): boolean {
  for (const start of loop) {
    const ways = new Map<string, number>()
    let stars = 0
    const waiting = [start]
    for (let node = waiting.pop(), passed = 0; node; node = waiting.pop(), passed += 1) {
      if (passed > 0 && node === start) return true
      if (passed > 1000) return true
      for (const [part, next] of below(node)) {
        if (!loop.has(next)) continue
        if (part === '.*') stars += 1
        else ways.set(part, (ways.get(part) ?? 0) + 1)
      }
      waiting.push(...same(root, node).filter((next) => loop.has(next)))
    }
    const named = Math.max(0, ...ways.values())
    if (named > 1 || stars > 1 || (stars > 0 && [...ways.keys()].some((part) => part.startsWith('.')))) return true
  }
  return false
}
