import { cleanLine, cleanText } from './clean.ts'

/** Foreign text as a fenced block that its content cannot end: the fence is longer than any run of backticks inside. */
export function fence(text: string, language: string): string {
  const content = cleanText(text)
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length))
  const ticks = '`'.repeat(longest + 1)
  return `${ticks}${language}\n${content.replace(/\n$/, '')}\n${ticks}`
}

/** Foreign text inside a line: what could be a link, an image, markup, HTML or a table cell's end is escaped. */
export function escapeInline(text: string): string {
  return cleanLine(text).replace(/[\\`*_{}[\]<>#|~&$@:!]/g, '\\$&')
}

export function drawTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
