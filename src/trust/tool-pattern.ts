import { readCommands } from './command-line.ts'

/**
 * `NAME` or `NAME(ARGUMENTS)`, both with `*` for anything: `read_file`, `bash(git *)`, `mcp:files:*`, `http_fetch(https://host/*)`.
 * ARGUMENTS is compared with what the tool does in one line: a command, a path, an address, else the arguments as JSON.
 */
export interface ToolPattern {
  readonly text: string
  readonly name: string
  readonly argument: string | undefined
}

/** Undefined when it is no pattern. */
export function parseToolPattern(text: string): ToolPattern | undefined {
  const found = /^([^()\s]+)(?:\((.*)\))?$/s.exec(text.trim())
  if (!found?.[1]) return undefined
  return { text: text.trim(), name: found[1], argument: found[2] }
}

/** `*` stands for any characters, none included; everything else for itself. Linear in both texts. */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++
      mark = t
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

// What lets one command line do more than its first words say.
const JOINS = /[;&|<>`$()\n\r]/

/**
 * Does the pattern allow this call? A command line that joins, substitutes or redirects is more than the words it begins with:
 * only `*` allows it.
 */
export function allowsCall(pattern: ToolPattern, call: { readonly name: string; readonly argument: string }): boolean {
  if (!matchesWildcard(pattern.name, call.name)) return false
  if (pattern.argument === undefined || pattern.argument === '*') return true
  if (isCommand(call.name) && JOINS.test(call.argument)) return false
  return matchesWildcard(pattern.argument, call.argument)
}

/** Does the pattern forbid this call? A command line is forbidden when any part of it is, wherever it stands in it. */
export function forbidsCall(pattern: ToolPattern, call: { readonly name: string; readonly argument: string }): boolean {
  if (!matchesWildcard(pattern.name, call.name)) return false
  if (pattern.argument === undefined) return true
  const { argument } = pattern
  const readings = isCommand(call.name) ? [call.argument, ...readCommands(call.argument)] : [call.argument]
  return readings.some((reading) => matchesWildcard(argument, reading))
}

export function isCommand(name: string): boolean {
  return name === 'bash' || name === 'script'
}
