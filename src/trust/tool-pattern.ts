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

/** What a pattern is compared with. */
export interface SpokenCall {
  readonly name: string
  readonly argument: string
  /** All that a path or an address leads to, each with the ways to write it; absent where the argument is only itself. */
  readonly readings?: readonly (readonly string[])[]
}

/**
 * Does the pattern allow this call? A command line that joins, substitutes or redirects is more than the words it begins with:
 * only `*` allows it.
 */
export function allowsCall(pattern: ToolPattern, call: SpokenCall): boolean {
  if (!matchesWildcard(pattern.name, call.name)) return false
  if (pattern.argument === undefined || pattern.argument === '*') return true
  if (isCommand(call.name) && JOINS.test(call.argument)) return false
  const { argument } = pattern
  const readings = call.readings ?? [[call.argument]]
  return readings.every((ways) => ways.some((way) => matchesWildcard(argument, way)))
}

/** Does the pattern forbid this call? A command line is forbidden when any part of it is, wherever it stands in it. */
export function forbidsCall(pattern: ToolPattern, call: SpokenCall): boolean {
  if (!matchesWildcard(pattern.name, call.name)) return false
  if (pattern.argument === undefined) return true
  const { argument } = pattern
  const more = isCommand(call.name) ? readCommands(call.argument) : (call.readings ?? []).flat()
  const readings = [call.argument, ...more]
  return readings.some((reading) => matchesWildcard(argument, reading))
}

export function isCommand(name: string): boolean {
  return name === 'bash' || name === 'script'
}
