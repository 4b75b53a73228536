/* oxlint-disable no-control-regex -- control characters are the subject here */
// Terminal commands: CSI (colours, cursor), strings (OSC titles, links and clipboard; DCS and others) and two-byte escapes.
// An unfinished string loses only its opening, so a model cannot hide the rest of its answer behind one; that openings
// end the search for a string's end keeps the time linear.
const ESCAPES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f\r\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g
// C0 except tab and newline, DEL, C1, and the marks that reorder text or hide it.
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

/** Foreign text made safe to show: no terminal commands, no control or reordering characters; tabs and newlines stay. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(ESCAPES, '')
    .replace(CONTROLS, '')
    .replace(/[\u2028\u2029]/g, '\n')
    .toWellFormed()
}

/** The same on one line, for names and messages. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim()
}

/** JSON whose text holds no control character either: `JSON.stringify` leaves DEL and C1 as they are. */
export function stringifyClean(value: unknown, indent?: number): string {
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value, null, indent).replace(/[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, escape)
}
