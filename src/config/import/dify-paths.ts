/**
 * Under which answers of the branching nodes a node is reached: any of these sets of choices. An empty set: always. No set at all: never.
 */
export type Choices = readonly ReadonlyMap<string, string>[]

export const ALWAYS: Choices = [new Map()]
const MAX_SETS = 64
const MAX_CHOICES = 32

export class TooManyPaths extends Error {}

/** Reached by one of several ways. Ways that differ only in one branching, and cover all of its handles, are one way without it. */
export function joinWays(ways: readonly Choices[], handlesOf: (branch: string) => readonly string[]): Choices {
  let sets: ReadonlyMap<string, string>[] = []
  for (const way of ways) {
    sets = dropCovered([...sets, ...way])
    if (sets.length > MAX_SETS * 4) throw new TooManyPaths('there are too many ways through this graph')
  }
  for (let merged = true; merged; ) {
    merged = false
    for (const set of sets) {
      for (const branch of set.keys()) {
        const others = without(set, branch)
        const family = handlesOf(branch).map((handle) => new Map([...others, [branch, handle]]))
        if (!family.every((one) => sets.some((other) => isWithin(other, one)))) continue
        sets = dropCovered([others, ...sets])
        merged = true
        break
      }
      if (merged) break
    }
    if (sets.length > MAX_SETS) throw new TooManyPaths('there are too many ways through this graph')
  }
  return sets
}

/** The same, and one choice more. A way that chooses otherwise at that branching is none. */
export function addChoice(ways: Choices, branch: string, handle: string): Choices {
  return ways.flatMap((set) => {
    const known = set.get(branch)
    if (set.size >= MAX_CHOICES)
      throw new TooManyPaths('more branchings stand one behind the other than can be told apart')
    return known === undefined ? [new Map([...set, [branch, handle]])] : known === handle ? [set] : []
  })
}

function without(set: ReadonlyMap<string, string>, branch: string): ReadonlyMap<string, string> {
  return new Map([...set].filter(([other]) => other !== branch))
}

/** Whatever fulfils `narrow` fulfils `wide` too. */
function isWithin(wide: ReadonlyMap<string, string>, narrow: ReadonlyMap<string, string>): boolean {
  return [...wide].every(([branch, handle]) => narrow.get(branch) === handle)
}

function dropCovered(sets: readonly ReadonlyMap<string, string>[]): ReadonlyMap<string, string>[] {
  const kept: ReadonlyMap<string, string>[] = []
  for (const set of sets.toSorted((a, b) => a.size - b.size))
    if (!kept.some((other) => isWithin(other, set))) kept.push(set)
  return kept
}
