// Terminal sequences, then everything that is not seen: controls, joiners, direction marks, tags, selectors.
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu

/** Text from outside as it may be shown: nothing in it is invisible to a person and plain to a model. Cut at `limit` characters. */
export function cleanText(text: string, limit: number): string {
  const cut = text.length > limit ? `${text.slice(0, limit).toWellFormed()}…` : text.toWellFormed()
  return removeComments(cut.replaceAll(SEQUENCES, '').replaceAll('\r\n', '\n').replaceAll(UNSEEN, ''))
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
  return cleanText(text, text.length) !== text.replaceAll('\r\n', '\n')
}
