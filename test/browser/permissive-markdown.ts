/** Markdown as the most trusting reader shows it: HTML passes, every scheme is a link, nothing is cleaned. */
export function renderPermissively(markdown: string): string {
  let fence: string | undefined
  const lines = markdown.split(/\r\n|\r|\n/).map((line) => {
    const [, mark = '', rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? []
    if (fence === undefined) {
      if (mark === '' || (mark.startsWith('`') && rest.includes('`'))) return `<div>${renderInline(line)}</div>`
      fence = mark
      return '<pre>'
    }
    if (!mark.startsWith(fence) || rest.trim() !== '') return escapeHtml(line)
    fence = undefined
    return '</pre>'
  })
  return lines.join('\n')
}

const INLINE =
  /\\([!-/:-@[-`{-~])|(`+)([^`]+)`+|!\[([^\]]*)\]\(([^)\s]*)[^)]*\)|\[([^\]]*)\]\(([^)\s]*)[^)]*\)|<([a-z][\w+.-]*:[^>\s]*)>|(https?:\/\/\S+)/gi

function renderInline(line: string): string {
  return line.replace(
    INLINE,
    (whole, ...[escaped, , code, alt, image, words, link, auto, bare]: (string | undefined)[]) => {
      if (escaped !== undefined) return escapeHtml(escaped)
      if (code !== undefined) return `<code>${escapeHtml(code)}</code>`
      if (image !== undefined) return `<img alt="${alt}" src="${image}">`
      const target = link ?? auto ?? bare
      return target === undefined ? whole : `<a href="${target}">${words ?? target}</a>`
    },
  )
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'!]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
