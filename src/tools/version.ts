import { compareBuild, maxSatisfying, prerelease, valid, validRange } from 'semver'

/** A tool as an ensemble names it: `calculator`, `calculator@1.0.0`, `calculator@^1.2`, `calculator@stable`, `calculator@latest`. */
export interface ToolReference {
  readonly name: string
  /** An exact version, a range, an alias or `latest`. */
  readonly wanted: string
}

export interface Versioned {
  readonly version: string
  /** Other names of this version, for example `stable`. */
  readonly aliases: readonly string[]
}

const LATEST = 'latest'
/** What every provider takes as the name of a function. */
const NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/
const LONGEST_RANGE = 100

export function isToolName(text: string): boolean {
  return NAME.test(text)
}

/** Undefined when it names no tool. */
export function parseToolReference(text: string): ToolReference | undefined {
  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const wanted = at < 0 ? LATEST : text.slice(at + 1).trim()
  return isToolName(name) && wanted !== '' && wanted.length <= LONGEST_RANGE ? { name, wanted } : undefined
}

/** `1.2.3`, `2.0.0-beta.1`: complete, and nothing around it. */
export function isVersion(text: string): boolean {
  return valid(text) === text
}

/** A word that no range is, so that it can only mean one thing. */
export function isAlias(text: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9._-]{0,63}$/.test(text) && validRange(text) === null
}

/**
 * The newest version that fits. `latest` is the newest that is no preview, and whatever is newest when there are only previews; a range
 * means a preview only where it names one itself; an alias that several versions claim is the newest of them.
 */
export function pickVersion<V extends Versioned>(versions: readonly V[], wanted: string): V | undefined {
  if (wanted === LATEST) {
    const newest = sortNewestFirst(versions)
    return newest.find(({ version }) => prerelease(version) === null) ?? newest[0]
  }
  if (validRange(wanted) === null) return sortNewestFirst(versions.filter(({ aliases }) => aliases.includes(wanted)))[0]
  const best = maxSatisfying(
    versions.map(({ version }) => version),
    wanted,
  )
  return best === null ? undefined : versions.find(({ version }) => version === best)
}

/** By the order of semantic versions, what was built later first; equal ones keep their order. */
export function sortNewestFirst<V extends { readonly version: string }>(versions: readonly V[]): readonly V[] {
  return [...versions].sort((a, b) => compareBuild(b.version, a.version))
}
