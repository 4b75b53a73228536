export interface Heading {
  readonly level: number
  readonly text: string
  /** The anchor that leads here, as code hosts make it. */
  readonly slug: string
  readonly line: number
}

export interface Link {
  readonly target: string
  readonly line: number
}

export function headingsOf(markdown: string): Heading[] {
  return proseLines(markdown).flatMap(({ text, line }) => {
    const [, marks, raw] = /^(#{1,6}) +(.+?) *$/.exec(text) ?? []
    if (!marks || !raw) return []
    const plain = raw.replaceAll('`', '')
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    return [{ level: marks.length, text: plain, slug, line }]
  })
}

export function linksOf(markdown: string): Link[] {
  return proseLines(markdown).flatMap(({ text, line }) =>
    [...text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ target, line })),
  )
}

/** The lines outside code fences, counted from 1. */
function proseLines(markdown: string): { text: string; line: number }[] {
  let isCode = false
  return markdown.split('\n').flatMap((text, index) => {
    const isFence = /^ *(```|~~~)/.test(text)
    if (isFence) isCode = !isCode
    return isCode || isFence ? [] : [{ text, line: index + 1 }]
  })
}
