import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A journal that a release wrote, as a bundle, with what it must come out as for ever. */
export interface Golden {
  readonly release: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly events: number
  readonly head: string
}

/** All golden journals, oldest release first. */
export function listGolden(): readonly Golden[] {
  const releases = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return releases.flatMap((release) => {
    const folder = join(import.meta.dirname, release)
    const heads = JSON.parse(readFileSync(join(folder, 'heads.json'), 'utf8')) as Record<string, Heads>
    return Object.entries(heads).map(([name, { events, head }]) => {
      return { release, name, bytes: readFileSync(join(folder, `${name}.bundle`)), events, head }
    })
  })
}

type Heads = Pick<Golden, 'events' | 'head'>
