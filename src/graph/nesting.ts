import type { Place, Problem } from '../events/errors.ts'
import { findCycles } from './cycles.ts'

/** How many ensembles, or loops of a file, may stand inside each other, the outermost not counted. */
export const MAX_DEPTH = 5

/** One ensemble file, and the others that it runs. */
export interface NestedFile {
  readonly file: string
  readonly uses: readonly { readonly file: string; readonly place: Place }[]
}

/** Files that run each other in a circle, and towers of them that are too high. The first file is the one that is run. */
export function checkNesting(files: readonly NestedFile[]): Problem[] {
  const uses = new Map(files.map(({ file, uses }) => [file, uses]))
  const placeOf = (from: string, to: string) => uses.get(from)?.find(({ file }) => file === to)?.place ?? {}
  const waits = new Map(files.map(({ file, uses }) => [file, uses.map((used) => used.file)]))
  const cycles = findCycles(waits).map(
    (cycle): Problem => ({
      code: 'ensemble_cycle',
      message: `ensembles run each other in a circle: ${cycle.join(' -> ')}`,
      hint: 'Use a loop with a limit for what is to happen again.',
      ...placeOf(cycle[0] ?? '', cycle[1] ?? ''),
    }),
  )
  const [first] = files
  if (cycles.length > 0 || !first) return cycles
  const tower = findTower(first.file, waits)
  if (tower.length - 1 <= MAX_DEPTH) return []
  return [
    {
      code: 'ensemble_too_deep',
      message: `${tower.length} ensembles stand inside each other, ${MAX_DEPTH + 1} are allowed: ${tower.join(' -> ')}`,
      ...placeOf(tower[0] ?? '', tower[1] ?? ''),
    },
  ]
}

/** The longest way down from a file. There are no circles. */
function findTower(top: string, waits: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const known = new Map<string, readonly string[]>()
  const climb = (file: string): readonly string[] => {
    const found = known.get(file)
    if (found) return found
    const below = (waits.get(file) ?? []).map(climb)
    const longest = below.reduce((best, one) => (one.length > best.length ? one : best), [] as readonly string[])
    const tower = [file, ...longest]
    known.set(file, tower)
    return tower
  }
  return climb(top)
}
