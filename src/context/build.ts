import type { MessagePart } from '../events/messages.ts'
import { type CountText, countAtMost, countMessages, textOfPart } from './count.ts'
import { cutContents, spread } from './cut.ts'
import {
  type BuiltContext,
  type ContextBudget,
  type ContextGroup,
  type ContextPart,
  type Manifest,
  type ManifestEntry,
  toMessages,
  USUAL_SHARES,
} from './part.ts'
import { findDuplicates, gatherUnits, type Item, measureParts, type Unit } from './units.ts'

/** With less room a message is left out rather than shortened. */
const LEAST_CUT = 48
const GROUPS = ['directives', 'retrieved', 'recent'] as const

type Content = readonly MessagePart[]
/** By index of the part: its content as it is sent. What is not in it is left out. */
type Chosen = Map<number, Content>

/**
 * What a model reads, within a limit. Keeps everything while it fits. Otherwise parts are shortened or left out, by shares and
 * priorities, the oldest first; what is left keeps its order and, where it is whole, its bytes. Pinned parts stay, a call and its result
 * stay or go together. The same parts and budget always give the same bytes.
 */
export function buildContext(parts: readonly ContextPart[], budget: ContextBudget): BuiltContext {
  const { limit, beside = 0, exact, overflow = 'truncate', headroom = 0, dedupe = true } = budget
  const count: CountText = exact ? (text) => exact.get(text) ?? countAtMost(text) : countAtMost
  const items = measureParts(parts, count)
  const duplicates = dedupe ? findDuplicates(items) : new Set<number>()
  const left = items.filter(({ index }) => !duplicates.has(index))
  const base = countMessages([], count) + beside
  const draft: Draft = { items, duplicates, budget, base, count }
  const whole = left.reduce((sum, { tokens }) => sum + tokens, base)
  if (whole <= limit) {
    const kept = finish(draft, new Map(left.map(({ index, part }) => [index, part.content])))
    if (kept.ok) return kept
  }

  const units = gatherUnits(left)
  const least = units.reduce((sum, unit) => sum + unit.least, base)
  if (overflow === 'fail' || least > limit) return refuse(draft, overflow === 'fail' ? left : pinnedOf(units))
  for (let target = Math.max(limit - headroom, least); target >= least; ) {
    const built = finish(draft, choose(units, { target, least, draft }))
    if (built.ok) return built
    target -= Math.max(1, built.manifest.tokens_after - limit)
  }
  return refuse(draft, pinnedOf(units))
}

interface Draft {
  readonly items: readonly Item[]
  readonly duplicates: ReadonlySet<number>
  readonly budget: ContextBudget
  /** Tokens that are there without any message. */
  readonly base: number
  readonly count: CountText
}

function choose(
  units: readonly Unit[],
  { target, least, draft }: { readonly target: number; readonly least: number; readonly draft: Draft },
): Chosen {
  const chosen: Chosen = new Map()
  const keep = ({ items }: Unit) => {
    for (const { index, part } of items) chosen.set(index, part.content)
  }
  for (const unit of units) if (unit.pinned) keep(unit)
  const rooms = shareRoom(units, { room: target - least, draft })
  let spare = 0
  for (const group of GROUPS) {
    const own = units.filter((unit) => !unit.pinned && unit.group === group)
    spare += rooms[group]
    for (const priority of prioritiesOf(own)) {
      const equal = own.filter((unit) => unit.priority === priority)
      spare -= choosePieces(
        chosen,
        equal.filter(({ isPiece }) => isPiece),
        { room: spare, draft },
      )
      const messages = equal.filter(({ isPiece }) => !isPiece)
      // What was found first fits best; of what was said, the newest counts.
      if (group === 'recent') messages.reverse()
      spare -= chooseMessages(chosen, messages, { room: spare, draft, inOneGo: group === 'recent' })
    }
  }
  return chosen
}

function prioritiesOf(units: readonly Unit[]): readonly number[] {
  return [...new Set(units.map(({ priority }) => priority))].sort((a, b) => b - a)
}

/** Each group's room beside what stays anyhow: its share, and of what others leave as much as it needs. */
function shareRoom(
  units: readonly Unit[],
  { room, draft }: { readonly room: number; readonly draft: Draft },
): { readonly [group in ContextGroup]: number } {
  const shares = { ...USUAL_SHARES, ...draft.budget.shares }
  const sum = (group: ContextGroup, of: (unit: Unit) => number) =>
    units.reduce((total, unit) => (unit.group === group ? total + of(unit) : total), 0)
  const needs = GROUPS.map((group) => sum(group, (unit) => unit.tokens - unit.least))
  const wanted = GROUPS.map((group, index) => {
    const share = Math.floor((draft.budget.limit - draft.base) * shares[group])
    return Math.min(needs[index] as number, Math.max(0, share - sum(group, ({ least }) => least)))
  })
  const all = wanted.reduce((a, b) => a + b, 0)
  const given = wanted.map((want) => (all > room ? Math.floor((want * room) / all) : want))
  const unmet = given.map((have, index) => (needs[index] as number) - have)
  const more = spread(unmet, room - given.reduce((a, b) => a + b, 0))
  const [directives = 0, retrieved = 0, recent = 0] = given.map((have, index) => have + (more[index] as number))
  return { directives, retrieved, recent }
}

interface Space {
  /** Tokens there are for these units, beyond the least they have anyhow. */
  readonly room: number
  readonly draft: Draft
}

/** Pieces of messages that stay share the room; the longest are shortened. Answers with the tokens taken. */
function choosePieces(chosen: Chosen, units: readonly Unit[], { room, draft }: Space): number {
  const given = spread(
    units.map(({ tokens, least }) => tokens - least),
    room,
  )
  let taken = 0
  for (const [at, unit] of units.entries()) {
    const allowed = unit.least + (given[at] as number)
    const { index, part } = unit.items[0] as Item
    const [cut] = (unit.tokens <= allowed ? [part.content] : cutUnit(unit, allowed, draft)) ?? []
    if (cut) chosen.set(index, cut)
    taken += given[at] as number
  }
  return taken
}

/** One after the other. A message that has to be shortened takes at most half while others wait; where one had no room, no older one follows. */
function chooseMessages(
  chosen: Chosen,
  units: readonly Unit[],
  { room, draft, inOneGo }: Space & { readonly inOneGo: boolean },
): number {
  let left = Math.max(0, room)
  let waiting = units.reduce((sum, { tokens }) => sum + tokens, 0)
  for (const unit of units) {
    waiting -= unit.tokens
    let contents: readonly Content[] | undefined = unit.items.map(({ part }) => part.content)
    let { tokens } = unit
    if (tokens > left) {
      tokens = Math.max(Math.floor(left / 2), left - waiting)
      contents = cutUnit(unit, tokens, draft)
    }
    if (!contents) {
      if (inOneGo) break
      continue
    }
    for (const [at, { index }] of unit.items.entries()) chosen.set(index, contents[at] as Content)
    left -= tokens
  }
  return room - left
}

function cutUnit(unit: Unit, room: number, { count, base, budget }: Draft): readonly Content[] | undefined {
  if (!unit.isPiece && room < LEAST_CUT) return undefined
  const heads = unit.items.filter(({ part, index }) => !part.joined || index === 0).length
  const perMessage = base - (budget.beside ?? 0)
  const whole = ({ type }: MessagePart) => type !== 'tool-result' && (type !== 'text' || unit.isPair)
  const contents = unit.items.map(({ part }) => part.content)
  return cutContents(contents, unit.isPiece ? room : room - heads * perMessage, { count, whole })
}

function finish(draft: Draft, chosen: Chosen): BuiltContext {
  const parts = draft.items.flatMap(({ part, index }): readonly ContextPart[] => {
    const content = chosen.get(index)
    if (!content) return []
    return [content === part.content ? part : { ...part, content }]
  })
  const messages = toMessages(parts)
  // What a tokenizer has counted are the parts, not what they are joined to.
  const tokens = draft.budget.exact
    ? measureParts(parts, draft.count).reduce((sum, item) => sum + item.tokens, countMessages([], draft.count))
    : countMessages(messages, draft.count)
  const manifest = describe(draft, chosen, tokens)
  if (manifest.tokens_after > draft.budget.limit) return { ok: false, code: 'context_overflow', message: '', manifest }
  return { ok: true, messages, manifest, parts }
}

function describe({ items, duplicates, budget, count, base }: Draft, chosen: Chosen, tokens: number): Manifest {
  const { limit, beside = 0, exact } = budget
  const entries = items.map(({ part, index, group, tokens, pinned }): ManifestEntry => {
    const content = chosen.get(index)
    const entry = { name: part.name, role: part.role, group, tokens }
    if (content === part.content)
      return { ...entry, fate: 'kept', tokens_after: tokens, ...(pinned ? { why: 'pinned' } : {}) }
    if (!content)
      return { ...entry, fate: 'dropped', tokens_after: 0, why: duplicates.has(index) ? 'duplicate' : 'no_room' }
    const shorter = content.reduce(
      (sum, piece, at) => sum + count(textOfPart(piece)) - count(textOfPart(part.content[at] as MessagePart)),
      tokens,
    )
    return { ...entry, fate: 'cut', tokens_after: shorter, why: 'too_long' }
  })
  return {
    limit,
    tokens: items.reduce((sum, item) => sum + item.tokens, base),
    tokens_after: tokens + beside,
    beside,
    method: isExact(chosen, exact) ? 'exact' : 'bounded',
    parts: entries,
  }
}

function isExact(chosen: Chosen, exact: ContextBudget['exact']): boolean {
  if (!exact) return false
  for (const content of chosen.values()) for (const part of content) if (!exact.has(textOfPart(part))) return false
  return true
}

function pinnedOf(units: readonly Unit[]): readonly Item[] {
  return units.flatMap(({ pinned, items }) => (pinned ? items : []))
}

/** Says what takes the room, the largest first. */
function refuse(draft: Draft, items: readonly Item[]): BuiltContext {
  const { limit, beside = 0 } = draft.budget
  const all = draft.items.reduce((sum, { tokens }) => sum + tokens, draft.base)
  const sizes = items.map(({ part, tokens }) => ({ name: part.name, tokens }))
  if (beside > 0) sizes.push({ name: 'tools and the form of the answer', tokens: beside })
  const largest = sizes.sort((a, b) => b.tokens - a.tokens).slice(0, 3)
  const named = largest.map(({ name, tokens }) => `${name} (${tokens})`).join(', ')
  const need = items.reduce((sum, { tokens }) => sum + tokens, draft.base)
  const message = `of ${all} tokens at most ${limit} fit, and ${need} may not be cut; the largest: ${named}`
  const nothing = describe(draft, new Map(), 0)
  return { ok: false, code: 'context_overflow', message, manifest: { ...nothing, tokens_after: need } }
}
