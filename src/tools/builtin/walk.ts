import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Seen {
  /** From the folder that was walked, with `/`. */
  readonly path: string
  readonly entry: Dirent
}

const MAX_DEPTH = 32
const MAX_SEEN = 100_000
/** Left out wherever they are found below the folder that is asked for; each can be asked for itself. */
const LEFT_OUT = new Set(['.git', 'node_modules', '__pycache__', '.venv'])

/** Everything below a folder in the order of names, folders before what is in them. Links are seen and not followed. */
export async function* walkBelow(
  folder: string,
  signal: AbortSignal,
  { depth = MAX_DEPTH, closed = [] }: { readonly depth?: number; readonly closed?: readonly string[] | undefined } = {},
): AsyncGenerator<Seen> {
  const budget = { left: MAX_SEEN }
  yield* walk({ folder, below: '', depth, closed: new Set(closed) }, signal, budget)
}

interface Level {
  /** Places that are passed over, by their real paths. */
  readonly closed: ReadonlySet<string>
  readonly folder: string
  readonly below: string
  readonly depth: number
}

async function* walk(
  { folder, below, depth, closed }: Level,
  signal: AbortSignal,
  budget: { left: number },
): AsyncGenerator<Seen> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => [])
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (signal.aborted || budget.left-- <= 0) return
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory() && LEFT_OUT.has(entry.name)) continue
    if (closed.has(join(folder, path))) continue
    yield { path, entry }
    if (entry.isDirectory() && depth > 1) yield* walk({ folder, below: path, depth: depth - 1, closed }, signal, budget)
  }
}
