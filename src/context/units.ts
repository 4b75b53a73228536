import { canonicalJson } from '../events/canonical.ts'
import { type CountText, countMessage, countParts } from './count.ts'
import { MARK_TOKENS } from './cut.ts'
import { type ContextGroup, type ContextPart, groupOf } from './part.ts'

/** A part, measured. */
export interface Item {
  readonly part: ContextPart
  readonly index: number
  readonly group: ContextGroup
  readonly tokens: number
  readonly pinned: boolean
}

/** Items that stay or go together: a message with its pieces, a call with its result. */
export interface Unit {
  readonly items: readonly Item[]
  readonly group: ContextGroup
  readonly priority: number
  readonly tokens: number
  readonly pinned: boolean
  /** A piece of a message that stays: it may be shortened down to `least`. */
  readonly isPiece: boolean
  readonly least: number
  /** Has calls or results, of which only the results may be shortened. */
  readonly isPair: boolean
}

export function measureParts(parts: readonly ContextPart[], count: CountText): readonly Item[] {
  const open = findOpenCalls(parts)
  const last = parts.findLastIndex(
    (part, index) => part.role === 'user' && groupOf(part) === 'recent' && !(part.joined && index > 0),
  )
  return parts.map((part, index) => {
    const { content, joined = false, pin = false } = part
    const continues = joined && index > 0
    const group = groupOf(part)
    const isSpoken = !continues && (group === 'directives' || part.role === 'system' || index === last)
    const calls = content.some((piece) => piece.type === 'tool-call' && open.has(piece.id))
    const tokens = continues ? countParts(content, count) : countMessage(content, count)
    return { part, index, group, tokens, pinned: pin || isSpoken || calls }
  })
}

function findOpenCalls(parts: readonly ContextPart[]): ReadonlySet<string> {
  const open = new Set<string>()
  for (const { content } of parts) for (const piece of content) if (piece.type === 'tool-call') open.add(piece.id)
  for (const { content } of parts) for (const piece of content) if (piece.type === 'tool-result') open.delete(piece.id)
  return open
}

/** Messages that stand there a second time, to the letter. The first one stays, or one that is pinned. */
export function findDuplicates(items: readonly Item[]): ReadonlySet<number> {
  const found = new Map<string, Item>()
  const duplicates = new Set<number>()
  for (const item of items) {
    const { part, index, pinned } = item
    if (!isWhole(item, items[index + 1])) continue
    const key = canonicalJson([part.role, part.content as never])
    const first = found.get(key)
    if (first && !pinned) duplicates.add(index)
    else if (first && !first.pinned) duplicates.add(first.index)
    if (!first || pinned) found.set(key, item)
  }
  return duplicates
}

/** One message in one part, without calls. */
function isWhole({ part, index }: Item, next: Item | undefined): boolean {
  return !(part.joined && index > 0) && !next?.part.joined && !hasCalls(part)
}

function hasCalls({ content }: ContextPart): boolean {
  return content.some(({ type }) => type === 'tool-call' || type === 'tool-result')
}

export function gatherUnits(items: readonly Item[]): readonly Unit[] {
  const leader = items.map((_, index) => index)
  const find = (index: number): number => {
    let at = index
    while (leader[at] !== at) at = leader[at] as number
    return at
  }
  const join = (a: number, b: number) => {
    const [first, second] = [find(a), find(b)].sort((x, y) => x - y) as [number, number]
    leader[second] = first
  }
  const byCall = new Map<string, number>()
  for (const [at, { part }] of items.entries())
    for (const piece of part.content) {
      if (piece.type !== 'tool-call' && piece.type !== 'tool-result') continue
      const other = byCall.get(piece.id)
      if (other === undefined) byCall.set(piece.id, at)
      else join(other, at)
    }
  let head = 0
  const pieces: number[] = []
  for (const [at, item] of items.entries()) {
    if (!item.part.joined || item.index === 0) head = at
    else if (item.part.content.every(({ type }) => type === 'text') && !item.pinned) pieces.push(at, head)
    else join(head, at)
  }
  const pinned = new Set(items.flatMap((item, at) => (item.pinned ? [find(at)] : [])))
  // A piece is on its own only in a message that stays.
  for (let at = 0; at < pieces.length; at += 2) {
    const [piece, of] = [pieces[at] as number, pieces[at + 1] as number]
    if (!pinned.has(find(of))) join(of, piece)
  }
  const units = new Map<number, Item[]>()
  for (const [at, item] of items.entries()) {
    const unit = units.get(find(at))
    if (unit) unit.push(item)
    else units.set(find(at), [item])
  }
  return [...units.values()].map(makeUnit)
}

function makeUnit(items: readonly Item[]): Unit {
  const first = items[0] as Item
  const tokens = items.reduce((sum, item) => sum + item.tokens, 0)
  const pinned = items.some((item) => item.pinned)
  const isPiece = !pinned && first.part.joined === true && first.index > 0
  return {
    items,
    group: first.group,
    priority: Math.max(...items.map(({ part }) => part.priority ?? 0)),
    tokens,
    pinned,
    isPiece,
    least: pinned ? tokens : isPiece ? Math.min(tokens, MARK_TOKENS) : 0,
    isPair: items.some(({ part }) => hasCalls(part)),
  }
}
