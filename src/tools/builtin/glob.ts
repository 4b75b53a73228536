/**
 * A glob as a regular expression for the linear engine: `*` and `?` within a name, `**` over folders, `{a,b}` one of them. A glob without
 * `/` is meant for the last name, wherever it lies.
 */
export function globToPattern(glob: string): string {
  const text = glob.includes('/') ? glob.replace(/^\//, '') : `**/${glob}`
  let pattern = ''
  let open = 0
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at)
    const sign = text[at] as string
    if (rest.startsWith('**/')) {
      pattern += '(?:.*/)?'
      at += 2
    } else if (rest.startsWith('**')) {
      pattern += '.*'
      at += 1
    } else if (sign === '*') pattern += '[^/]*'
    else if (sign === '?') pattern += '[^/]'
    else if (sign === '{' && text.indexOf('}', at) > at) {
      pattern += '(?:'
      open += 1
    } else if (sign === '}' && open > 0) {
      pattern += ')'
      open -= 1
    } else if (sign === ',' && open > 0) pattern += '|'
    else pattern += /[\w/-]/.test(sign) ? sign : `\\x{${(rest.codePointAt(0) as number).toString(16)}}`
    if ((rest.codePointAt(0) as number) > 0xffff) at += 1
  }
  return `^${pattern}$`
}
