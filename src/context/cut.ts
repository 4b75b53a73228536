import type { MessagePart } from '../events/messages.ts'
import { type CountText, countParts, textOfPart } from './count.ts'

/** How much of what is kept of a text comes from its beginning. */
const HEAD = 0.6
/** Room for the mark alone; with less nothing is cut. */
export const MARK_TOKENS = 24

/** The beginning and the end of a text, with a mark between, in at most so many tokens; undefined where not even the mark has room. */
function cutText(text: string, room: number, count: CountText): string | undefined {
  let best: string | undefined
  let least = 0
  let most = text.length - 1
  while (least <= most) {
    const kept = (least + most) >> 1
    const cut = keepEnds(text, kept)
    if (count(cut) <= room) {
      best = cut
      least = kept + 1
    } else most = kept - 1
  }
  return best
}

function keepEnds(text: string, kept: number): string {
  const head = borderBefore(text, Math.ceil(kept * HEAD))
  const tail = borderAfter(text, text.length - Math.floor(kept * (1 - HEAD)))
  const mark = `[… ${tail - head} characters left out …]`
  return [text.slice(0, head), mark, text.slice(tail)].filter((piece) => piece !== '').join('\n')
}

/** The last place up to `at` where no character that a reader sees is torn apart. */
function borderBefore(text: string, at: number): number {
  let place = at
  while (place > 0 && isInside(text, place)) place -= 1
  return place
}

function borderAfter(text: string, at: number): number {
  let place = at
  while (place < text.length && isInside(text, place)) place += 1
  return place
}

/** Would a cut here part a pair of surrogates, an accent from its letter, a flag, or the pieces of an emoji? */
function isInside(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false
  const before = text.charCodeAt(at - 1)
  const code = text.charCodeAt(at)
  if (isHigh(before) && isLow(code)) return true
  if (code < 0x300) return before === 0x0d && code === 0x0a
  if (code === 0x200d || before === 0x200d) return true
  const point = text.codePointAt(at) ?? 0
  if (point >= 0x1f3fb && point <= 0x1f3ff) return true
  if (isFlag(point)) return countFlagsBefore(text, at) % 2 === 1
  return /^\p{M}/u.test(String.fromCodePoint(point))
}

function isHigh(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/** Two of these letters are one flag. */
function isFlag(point: number): boolean {
  return point >= 0x1f1e6 && point <= 0x1f1ff
}

function countFlagsBefore(text: string, at: number): number {
  let count = 0
  for (let place = at - 2; place >= 0 && isFlag(text.codePointAt(place) ?? 0); place -= 2) count += 1
  return count
}

/**
 * Shortens texts and results of several messages, the longest first, until all of it has so many tokens at most; undefined where that
 * is not enough. `whole` says what must not be touched.
 */
export function cutContents(
  contents: readonly (readonly MessagePart[])[],
  room: number,
  { count, whole }: { readonly count: CountText; whole(part: MessagePart): boolean },
): readonly (readonly MessagePart[])[] | undefined {
  const parts = contents.flat()
  const sizes = parts.map((part) => (whole(part) ? 0 : count(textOfPart(part))))
  const fixed = countParts(parts, count) - sizes.reduce((sum, size) => sum + size, 0)
  if (fixed > room) return undefined
  const allowed = spread(sizes, room - fixed)
  const made: MessagePart[] = []
  for (const [index, part] of parts.entries()) {
    const [size, most] = [sizes[index] as number, allowed[index] as number]
    const text = size <= most ? undefined : cutText(textOfPart(part), most, count)
    if (size > most && text === undefined) return undefined
    made.push(text === undefined ? part : withText(part, text))
  }
  return contents.map((content) => {
    const own = made.splice(0, content.length)
    return own.every((part, index) => part === content[index]) ? content : own
  })
}

function withText(part: MessagePart, text: string): MessagePart {
  if (part.type === 'text') return { ...part, text }
  return part.type === 'tool-result' ? { ...part, output: text } : part
}

/** Everybody gets what he needs while there is enough; where there is not, the greatest needs are cut to the same size. */
export function spread(needs: readonly number[], room: number): readonly number[] {
  const given = needs.map(() => 0)
  let left = Math.max(0, Math.floor(room))
  const order = needs.map((_, index) => index).sort((a, b) => (needs[a] as number) - (needs[b] as number) || a - b)
  for (const [rank, index] of order.entries()) {
    const share = Math.min(needs[index] as number, Math.floor(left / (order.length - rank)))
    given[index] = share
    left -= share
  }
  return given
}
