import { type Ballot, type Round, sortScores, type Tally } from './ballot.ts'
import type { TieRule } from './tie-rule.ts'

/**
 * Instant run-off: each ballot counts for its first candidate still in; while nobody has more than half of those votes, the one with
 * the fewest is out. Of several with as few, the tie rule says who. A ballot none of whose candidates is left counts no more.
 */
export function countInstantRunoff(candidates: readonly string[], ballots: readonly Ballot[], ties: TieRule): Tally {
  const left = new Set(candidates)
  const rounds: Round[] = []
  const out: string[] = []
  const scores = new Map<string, number>()
  for (;;) {
    const votes = countFirsts(left, ballots)
    for (const [candidate, count] of votes) scores.set(candidate, count)
    const standing = [...left].sort((a, b) => (votes.get(b) ?? 0) - (votes.get(a) ?? 0) || ties(a, b))
    const total = [...votes.values()].reduce((sum, count) => sum + count, 0)
    const most = votes.get(standing[0] ?? '') ?? 0
    const last = standing.at(-1)
    if (left.size <= 1 || most * 2 > total || last === undefined) {
      rounds.push({ votes: sortScores(votes) })
      return { order: [...standing, ...out], scores: sortScores(scores), tied: [], rounds }
    }
    const fewest = votes.get(last) ?? 0
    if (fewest === most) {
      // All are equal: there is nobody to put out, so the tie rule chooses the winner.
      rounds.push({ votes: sortScores(votes) })
      return { order: [...standing, ...out], scores: sortScores(scores), tied: standing, rounds }
    }
    const drawn = standing.filter((candidate) => votes.get(candidate) === fewest).length > 1
    rounds.push({ votes: sortScores(votes), out: last, ...(drawn ? { by_tie_rule: true } : {}) })
    left.delete(last)
    out.unshift(last)
  }
}

function countFirsts(left: ReadonlySet<string>, ballots: readonly Ballot[]): Map<string, number> {
  const votes = new Map([...left].map((candidate) => [candidate, 0]))
  for (const { ranking } of ballots) {
    const first = ranking.find((candidate) => left.has(candidate))
    if (first !== undefined) votes.set(first, (votes.get(first) ?? 0) + 1)
  }
  return votes
}
