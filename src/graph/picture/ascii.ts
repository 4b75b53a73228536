import type { Box, Picture } from './picture.ts'

/** The picture as indented text: levels from top to bottom, what a box waits for behind it, what it contains below it. */
export function drawAscii(picture: Picture): string {
  return describe(picture, '').join('\n')
}

function describe({ rows, arrows }: Picture, indent: string): string[] {
  const lines: string[] = []
  for (const [level, row] of rows.entries()) {
    if (level > 0) lines.push(`${indent}  |`)
    for (const box of row) lines.push(...describeBox(box, arrows, indent))
  }
  return lines
}

function describeBox({ id, title, notes, inside }: Box, arrows: Picture['arrows'], indent: string): string[] {
  const sources = arrows
    .filter(({ to }) => to === id)
    .map(({ from, on }) => (on === 'always' ? from : `${from} (${on})`))
  const after = sources.length > 0 ? `  <- ${sources.join(', ')}` : ''
  const head = `${indent}[${clean(title)}]  ${clean(notes.join('; '))}${clean(after)}`.trimEnd()
  return inside ? [head, ...describe(inside, `${indent}  : `)] : [head]
}

/** Names and expressions may hold anything a file can hold. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').toWellFormed()
}
