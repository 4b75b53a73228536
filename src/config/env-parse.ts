import type { Problem } from '../events/errors.ts'

export interface ParsedEnv {
  readonly values: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/
const SKIPPED = /^[ \t]*(?:#.*|(?:export[ \t]+[A-Za-z_][A-Za-z0-9_ \t]*)?)$/
const ESCAPES: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t' }

/**
 * Reads `NAME=value` lines: quotes (double ones with escapes, which may run over several lines), `export`, comments. Nothing is expanded
 * and the last assignment of a name holds. Problems never show what a line says: it may be a secret.
 */
export function parseEnv(text: string, file: string): ParsedEnv {
  const values = new Map<string, string>()
  const problems: Problem[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const assignment = ASSIGNMENT.exec(line)
    const warn = (message: string, hint: string) =>
      problems.push({ code: 'config_invalid', message, hint, file, line: index + 1, severity: 'warning' })
    if (!assignment) {
      if (!SKIPPED.test(line))
        warn('this line is not NAME=value and is left out', 'Write NAME=value, or begin it with #.')
      continue
    }
    const name = assignment[1] as string
    const rest = line.slice(assignment[0].length)
    const quote = /^["'`]/.exec(rest)?.[0]
    if (quote === undefined) {
      values.set(name, rest.replace(/(^|[ \t])#.*$/, '').trimEnd())
      continue
    }
    const quoted = readQuoted(lines, { index, rest, quote })
    if (quoted === undefined) {
      warn(`the quoted value of ${name} has no end`, `Close it with ${quote}.`)
      continue
    }
    if (!/^[ \t]*(#.*)?$/.test(quoted.after)) {
      warn(`there is more behind the quoted value of ${name}`, 'Put the whole value between the quotes.')
      continue
    }
    values.set(name, quoted.value)
    index = quoted.index
  }
  return { values, problems }
}

/** From behind the opening quote to its pair, over line ends if need be. */
function readQuoted(
  lines: readonly string[],
  { index, rest, quote }: { index: number; rest: string; quote: string },
): { value: string; after: string; index: number } | undefined {
  let value = ''
  let line = rest.slice(1)
  for (let at = index; at < lines.length; line = lines[++at] ?? '') {
    if (at > index) value += '\n'
    for (let i = 0; i < line.length; i++) {
      const char = line.charAt(i)
      if (char === quote) return { value, after: line.slice(i + 1), index: at }
      const next = line.charAt(i + 1)
      if (char === '\\' && quote === '"' && next !== '') {
        value += ESCAPES[next] ?? (/["\\$`]/.test(next) ? next : char + next)
        i++
      } else value += char
    }
  }
  return undefined
}
