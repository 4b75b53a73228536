import { cleanText as cleanShown } from '../../events/views/clean.ts'

/** What is left in shown text and yet not seen: joiners, marks of direction, tags, selectors. */
const UNSEEN = /[\u00ad\u061c\u180e\u200b-\u200f\u2060-\u206f\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu

/** Text from outside as it may be shown: nothing in it is invisible to a person and plain to a model. Cut at `limit` characters. */
export function cleanText(text: string, limit: number): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text
  return removeComments(cleanShown(cut).replace(UNSEEN, ''))
}

/** A page shows nothing of a comment; a model reads it. */
function removeComments(text: string): string {
  let clean = ''
  for (let at = 0; ; ) {
    const begin = text.indexOf('<!--', at)
    if (begin < 0) return clean + text.slice(at)
    clean += text.slice(at, begin)
    const end = text.indexOf('-->', begin + 4)
    if (end < 0) return clean
    at = end + 3
  }
}

/** Does it hold anything that a person would not see? */
export function hidesText(text: string): boolean {
  return cleanText(text, text.length) !== text.replace(/\r\n?|[\u2028\u2029]/g, '\n')
}
