import type { PinnedTool } from '../events/tool-call.ts'
import type { Tool } from './tool.ts'
import { parseToolReference, pickVersion, type ToolReference, type Versioned } from './version.ts'

/** One version of one tool, wherever it comes from. */
export interface CatalogEntry extends Versioned {
  readonly pinned: PinnedTool
  /** How far from the work at hand it lies; 0 is nearest. */
  readonly distance: number
  /** Where it lies, in words or as a path. */
  readonly place: string
  /** What it answers was written by strangers. */
  readonly outside: boolean
  create(): Tool
}

/**
 * The tool a reference means: of the nearest place that has a fitting version, the newest one. So a version that a farther place gets
 * later changes nothing for a project with tools of its own.
 */
export function findEntry(entries: readonly CatalogEntry[], reference: ToolReference): CatalogEntry | undefined {
  const named = entries.filter(({ pinned }) => pinned.name === reference.name)
  for (const distance of [...new Set(named.map((entry) => entry.distance))].sort((a, b) => a - b)) {
    const picked = pickVersion(
      named.filter((entry) => entry.distance === distance),
      reference.wanted,
    )
    if (picked) return picked
  }
  return undefined
}

/** The tool that was pinned: the same name and version, and if there are several of them the one with the same digest. */
export function findPinned(
  entries: readonly CatalogEntry[],
  pinned: Pick<PinnedTool, 'name' | 'version' | 'source' | 'digest'>,
): CatalogEntry | undefined {
  const same = entries.filter(
    (entry) =>
      entry.pinned.name === pinned.name && entry.version === pinned.version && entry.pinned.source === pinned.source,
  )
  return same.find((entry) => entry.pinned.digest === pinned.digest) ?? same[0]
}

/** What there is under a name, for a message to whoever named something else. */
export function describeChoice(entries: readonly CatalogEntry[], reference: string): string {
  const name = parseToolReference(reference)?.name
  const versions = [...new Set(entries.filter(({ pinned }) => pinned.name === name).map(({ version }) => version))]
  if (versions.length > 0) return `There are: ${versions.map((version) => `${name}@${version}`).join(', ')}`
  return `There are: ${[...new Set(entries.map(({ pinned }) => pinned.name))].sort().join(', ')}`
}
