import { splitWords } from './words.ts'

/** One quotable piece of a text and where it stands. */
export interface Sentence {
  readonly text: string
  readonly words: readonly string[]
  /** Nearest heading above; empty before the first one. */
  readonly section: string
  /** `paragraph 3`, counted over the text, or `item 2`, counted over its list. */
  readonly place: string
  /** 0 to 1: how much its position alone speaks for it. */
  readonly prior: number
}

/** A longer sentence is quoted in parts, so that one line without a full stop cannot fill an answer. */
const LONGEST = 480
/** Bounded runs and a look behind keep the search linear, whatever the text is made of. */
const END = /(?<![.!?…])[.!?…]{1,8}["'”’»)\]]{0,4}(?=\s)|[。！？]{1,8}["”’」』）)]{0,4}|[।؟](?=\s)/gu
const ABBREVIATION =
  /(?:^|[\s(])(?:\p{L}|e\.g|i\.e|mr|mrs|ms|dr|prof|vs|etc|cf|no|nr|fig|approx|incl|st|z\.B|bzw|ca)\.$/iu
const HEADING = /^#{1,6}\s+(?=\S)/u
const SUMMARY = /\b(?:summary|abstract|overview|conclusions?|tl;?dr|in short)\b/iu
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+/u

/** Splits text and Markdown into sentences, at most `limit`; fenced code, rules and empty pieces are left out. */
export function splitSentences(text: string, limit = Number.POSITIVE_INFINITY): Sentence[] {
  const sentences: Sentence[] = []
  let section = ''
  let paragraph = 0
  let item = 0
  let pending: string[] = []
  let place = ''

  const close = (): void => {
    if (pending.length === 0) return
    const pieces = splitProse(pending.join(' '))
    pending = []
    pieces.forEach((piece, at) => {
      const words = splitWords(piece)
      if (words.length === 0 || sentences.length >= limit) return
      const opening = paragraph <= 1 && item === 0 ? 0.3 : 0
      const prior = (at === 0 ? 0.4 : 0) + (SUMMARY.test(section) ? 0.6 : opening)
      sentences.push({ text: piece, words, section, place, prior })
    })
  }

  let fenced = false
  for (const line of text.split(/\r\n|[\n\r\u2028]/u)) {
    if (sentences.length >= limit) break
    if (/^\s*(?:```|~~~)/u.test(line)) {
      close()
      fenced = !fenced
      continue
    }
    if (fenced) continue
    const heading = HEADING.exec(line)
    if (heading !== null || /^\s*$|^\s*(?:[-*_=] ?){3,}$|^\s*\|[\s:|-]+$/u.test(line)) {
      close()
      if (heading !== null) {
        section = line
          .slice(heading[0].length, heading[0].length + 120)
          .trim()
          .replace(/\s#+$/u, '')
        item = 0
      }
      continue
    }
    if (ITEM.test(line)) {
      close()
      item += 1
      place = `item ${item}`
      pending.push(line.replace(ITEM, '').trim())
      continue
    }
    if (line.trimStart().startsWith('|')) {
      close()
      item += 1
      place = `item ${item}`
      pending.push(
        line
          .trim()
          .replace(/^\||\|$/gu, '')
          .replaceAll('|', ' · ')
          .replace(/\s+/gu, ' ')
          .trim(),
      )
      continue
    }
    if (pending.length === 0) {
      item = 0
      paragraph += 1
      place = `paragraph ${paragraph}`
    }
    pending.push(line.trim())
  }
  close()
  return sentences
}

function splitProse(prose: string): string[] {
  const pieces: string[] = []
  let start = 0
  for (const found of prose.matchAll(END)) {
    const end = found.index + found[0].length
    if (isInside(prose, start, end)) continue
    pieces.push(...cutLong(prose.slice(start, end).trim()))
    start = end
  }
  pieces.push(...cutLong(prose.slice(start).trim()))
  return pieces.filter((piece) => piece !== '')
}

/** A full stop after an abbreviation or before a small letter ends nothing. */
function isInside(prose: string, start: number, end: number): boolean {
  if (prose[end - 1] !== '.') return false
  return ABBREVIATION.test(prose.slice(Math.max(start, end - 8), end)) || /^\s+\p{Ll}/u.test(prose.slice(end, end + 4))
}

function cutLong(piece: string): string[] {
  const parts: string[] = []
  let rest = piece
  while (rest.length > LONGEST) {
    const space = rest.lastIndexOf(' ', LONGEST)
    let at = space > LONGEST / 2 ? space : LONGEST
    // Never between the halves of a surrogate pair.
    if (/[\uD800-\uDBFF]/.test(rest[at - 1] ?? '')) at -= 1
    parts.push(`${rest.slice(0, at).trim()} …`)
    rest = rest.slice(at).trim()
  }
  return [...parts, rest]
}
