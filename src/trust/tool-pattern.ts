import { satisfies, valid, validRange } from 'semver'
import { readCommands } from './command-line.ts'

/**
 * `NAME` or `NAME(ARGUMENTS)`, both with `*` for anything: `read_file`, `bash(git *)`, `mcp:files:*`, `http_fetch(https://host/*)`.
 * ARGUMENTS is compared with what the tool does in one line: a command, a path, an address, else the arguments as JSON. Behind a name
 * may stand `@VERSIONS`, as in `calculator@^1`: a version, or a range of them.
 */
export interface ToolPattern {
  readonly text: string
  readonly name: string
  /** A range of semantic versions; absent: all of them. */
  readonly versions?: string
  readonly argument: string | undefined
}

/** Tools of servers and scripts have no versions, and may have an `@` in their names. */
const UNVERSIONED = /^(?:mcp|script):/

/** Undefined when it is no pattern. */
export function parseToolPattern(text: string): ToolPattern | undefined {
  const whole = text.trim()
  const found = /^([^()]+?)(?:\((.*)\))?$/s.exec(whole)
  if (!found?.[1]) return undefined
  const at = UNVERSIONED.test(whole) ? -1 : found[1].indexOf('@')
  const name = at < 0 ? found[1] : found[1].slice(0, at)
  const versions = at < 0 ? undefined : found[1].slice(at + 1).trim()
  if (name === '' || /\s/.test(name)) return undefined
  if (versions !== undefined && (versions === '' || validRange(versions) === null)) return undefined
  return { text: whole, name, argument: found[2], ...(versions === undefined ? {} : { versions }) }
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
  /** Of the tool; absent where nobody knows it: then it fits no range that allows, and every range that forbids. */
  readonly version?: string | undefined
  readonly argument: string
  /** All that a path or an address leads to, each with the ways to write it; absent where the argument is only itself. */
  readonly readings?: readonly (readonly string[])[]
}

/**
 * Does the pattern allow this call? A command line that joins, substitutes or redirects is more than the words it begins with:
 * only `*` allows it.
 */
export function allowsCall(pattern: ToolPattern, call: SpokenCall): boolean {
  if (!matchesWildcard(pattern.name, call.name) || !fitsVersions(pattern, call, false)) return false
  if (pattern.argument === undefined || pattern.argument === '*') return true
  if (isCommand(call.name) && JOINS.test(call.argument)) return false
  const { argument } = pattern
  const readings = call.readings ?? [[call.argument]]
  return readings.every((ways) => ways.some((way) => matchesWildcard(argument, way)))
}

/** Does the pattern forbid this call? A command line is forbidden when any part of it is, wherever it stands in it. */
export function forbidsCall(pattern: ToolPattern, call: SpokenCall): boolean {
  if (!matchesWildcard(pattern.name, call.name) || !fitsVersions(pattern, call, true)) return false
  if (pattern.argument === undefined) return true
  const { argument } = pattern
  const more = isCommand(call.name) ? readCommands(call.argument) : (call.readings ?? []).flat()
  const readings = [call.argument, ...more]
  return readings.some((reading) => matchesWildcard(argument, reading))
}

/** A preview is forbidden with the versions around it, and allowed only where it is named. */
function fitsVersions({ versions }: ToolPattern, { version }: SpokenCall, forbids: boolean): boolean {
  if (versions === undefined) return true
  if (version === undefined || valid(version) === null) return forbids
  return satisfies(version, versions, { includePrerelease: forbids })
}

export function isCommand(name: string): boolean {
  return name === 'bash' || name === 'script'
}
