import { type Ballot, orderByScore, type Tally } from './ballot.ts'
import type { TieRule } from './tie-rule.ts'

/** Each voter's first choice is one vote; most votes win. */
export function countMajority(candidates: readonly string[], ballots: readonly Ballot[], ties: TieRule): Tally {
  const votes = new Map(candidates.map((candidate) => [candidate, 0]))
  for (const { ranking } of ballots) {
    const [choice] = ranking
    if (choice !== undefined) votes.set(choice, (votes.get(choice) ?? 0) + 1)
  }
  return orderByScore(votes, ties)
}
