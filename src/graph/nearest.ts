const LONGEST = 64

/** The known word nearest to a misspelt one, when it is near enough to be worth suggesting. */
function findNearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (candidate === word || Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = measureDistance(wanted, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `Did you mean "x"?`, ready to be spread into a problem. */
export function suggest(word: string, known: Iterable<string>): { readonly hint?: string } {
  const nearest = findNearest(word, known)
  return nearest === undefined ? {} : { hint: `Did you mean "${nearest}"?` }
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function measureDistance(a: string, b: string): number {
  let older: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (older[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    older = last
    last = row
  }
  return last[b.length] ?? 0
}
