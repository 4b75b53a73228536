import { type Ballot, orderByScore, type Tally } from './ballot.ts'
import type { TieRule } from './tie-rule.ts'

/**
 * Borda count: of n candidates the first place gives n - 1 points, the last 0. Those a voter left out share the points of the
 * places that are left, in equal parts, so every ballot gives the same sum.
 */
export function countBorda(candidates: readonly string[], ballots: readonly Ballot[], ties: TieRule): Tally {
  // Counted in halves, which keeps the sums whole and so independent of their order.
  const halves = new Map(candidates.map((candidate) => [candidate, 0]))
  const give = (candidate: string, points: number) => halves.set(candidate, (halves.get(candidate) ?? 0) + points)
  for (const { ranking } of ballots) {
    ranking.forEach((candidate, place) => {
      give(candidate, 2 * (candidates.length - 1 - place))
    })
    const left = candidates.filter((candidate) => !ranking.includes(candidate))
    for (const candidate of left) give(candidate, left.length - 1)
  }
  return orderByScore(new Map([...halves].map(([candidate, points]) => [candidate, points / 2])), ties)
}
