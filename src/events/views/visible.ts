// Everything that a terminal or a page would not show as it stands: controls but newline and tab, marks that reorder, join or hide, letters
// without ink, broken halves of characters.
const HIDDEN = /(?![\n\t])[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]/gu

/**
 * Text for somebody who is to say yes to it: what would be hidden stands there as `\u{HEX}`. To take it out would hide it all the more,
 * for whoever performs the request reads it.
 */
export function makeVisible(text: string): string {
  return text.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}

/** A name in which every character beyond ASCII is spelled out: letters of other alphabets look like those of ours. */
export function spellOut(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}
