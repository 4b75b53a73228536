/** One voter's order of preference, best first. Candidates that are left out stand below all named ones, as equals. */
export interface Ballot {
  readonly voter: string
  readonly ranking: readonly string[]
}

/** How an election came out. */
export interface Tally {
  /** All candidates, best first. */
  readonly order: readonly string[]
  /** Votes, points or victories, whatever the method counts. */
  readonly scores: { readonly [candidate: string]: number }
  /** Candidates that were equal at the top, so that the tie rule chose between them; empty when there was one best. */
  readonly tied: readonly string[]
  readonly rounds?: readonly Round[]
  /** For pairwise methods: did one candidate beat every other one? */
  readonly beats_all?: boolean
}

/** One count of an instant run-off. */
export interface Round {
  readonly votes: { readonly [candidate: string]: number }
  readonly out?: string
  /** Others had as few votes; the tie rule chose who is out. */
  readonly by_tie_rule?: true
}

/** Orders by score, best first, and equals by the tie rule. */
export function orderByScore(scores: ReadonlyMap<string, number>, ties: (a: string, b: string) => number): Tally {
  const scoreOf = (candidate: string) => scores.get(candidate) ?? 0
  const order = [...scores.keys()].sort((a, b) => scoreOf(b) - scoreOf(a) || ties(a, b))
  const [first] = order
  const equal = first === undefined ? [] : order.filter((candidate) => scoreOf(candidate) === scoreOf(first))
  return { order, scores: sortScores(scores), tied: equal.length > 1 ? equal : [] }
}

/** By name, so that the record does not depend on who came first. */
export function sortScores(scores: ReadonlyMap<string, number>): { readonly [candidate: string]: number } {
  return Object.fromEntries([...scores].sort(([a], [b]) => (a < b ? -1 : 1)))
}
