import type { Style } from './style.ts'

/**
 * Light dress for a model's Markdown on a terminal: headings, bold, lists, quotes and code. Anything else stays as it
 * was written; with no colours only list marks and fences change. Takes clean text (`cleanText`).
 */
export function renderMarkdown(text: string, style: Style): string {
  let fence: string | undefined
  const lines: string[] = []
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      const closes = mark !== undefined && mark.startsWith(fence) && line.trim() === mark
      if (closes) fence = undefined
      else lines.push(style.paint('cyan', `  ${line}`))
    } else if (mark !== undefined) {
      fence = mark
    } else {
      lines.push(renderLine(line, style))
    }
  }
  return lines.join('\n')
}

function renderLine(line: string, style: Style): string {
  const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1]
  if (heading !== undefined) return style.paint(['bold', 'underline'], heading)
  if (/^ {0,3}([-*_])(?: *\1){2,} *$/.test(line)) return style.paint('dim', style.symbols.rule.repeat(20))
  const quote = /^ {0,3}> ?(.*)$/.exec(line)?.[1]
  if (quote !== undefined) return style.paint('dim', `| ${quote}`)
  const item = /^(\s*)[-*+]\s+(.*)$/.exec(line)
  if (item) return `${item[1]}${style.symbols.bullet} ${renderInline(item[2] ?? '', style)}`
  return renderInline(line, style)
}

/** Code first, so that stars inside it stay stars. */
function renderInline(text: string, style: Style): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) => {
      if (/^`[^`]+`$/.test(part)) return style.paint('cyan', part.slice(1, -1))
      return part.replace(/\*\*([^*]+)\*\*|__([^_]+)__/g, (_, stars: string, bars: string) =>
        style.paint('bold', stars ?? bars),
      )
    })
    .join('')
}
