import { type Ballot, orderByScore, type Tally } from './ballot.ts'
import type { TieRule } from './tie-rule.ts'

/**
 * Condorcet's rule, completed by Schulze's: who beats every other one in pairs wins. In a circle (A beats B, B beats C, C beats A) a
 * victory also counts along a path of victories, as strong as its weakest; who has the stronger path to each other one wins.
 * A victory is as strong as the number of ballots for it. The score of a candidate is how many others it beats so.
 */
export function countCondorcet(candidates: readonly string[], ballots: readonly Ballot[], ties: TieRule): Tally {
  const preferred = countPairs(candidates, ballots)
  const paths = preferred.map((row, a) => row.map((votes, b) => (votes > at(preferred, b, a) ? votes : 0)))
  for (const [via, onward] of paths.entries()) {
    for (const [from, row] of paths.entries()) {
      if (from === via) continue
      for (const [to, strength] of onward.entries())
        if (to !== from) row[to] = Math.max(row[to] ?? 0, Math.min(row[via] ?? 0, strength))
    }
  }
  const beaten = (a: number, strengths: readonly (readonly number[])[]) =>
    candidates.filter((_, b) => at(strengths, a, b) > at(strengths, b, a)).length
  const tally = orderByScore(new Map(candidates.map((candidate, a) => [candidate, beaten(a, paths)])), ties)
  const winner = candidates.indexOf(tally.order[0] ?? '')
  return { ...tally, beats_all: winner >= 0 && beaten(winner, preferred) === candidates.length - 1 }
}

/** How many ballots put each candidate (row) above each other one (column). */
function countPairs(candidates: readonly string[], ballots: readonly Ballot[]): number[][] {
  const pairs = candidates.map(() => candidates.map(() => 0))
  for (const { ranking } of ballots) {
    const places = candidates.map((candidate) => {
      const place = ranking.indexOf(candidate)
      return place < 0 ? ranking.length : place
    })
    for (const [a, row] of pairs.entries())
      for (const b of row.keys()) if (at([places], 0, a) < at([places], 0, b)) row[b] = (row[b] ?? 0) + 1
  }
  return pairs
}

function at(table: readonly (readonly number[])[], row: number, column: number): number {
  return table[row]?.[column] ?? 0
}
