import type { Sentence } from './sentences.ts'

/** Above this many sentences the pairwise centrality would cost more than it tells. */
const CENTRALITY_LIMIT = 500
const DAMPING = 0.85
const ROUNDS = 30

/** How rare each word is: ln(1 + (n - df + 0.5) / (df + 0.5)). */
export function weighWords(sentences: readonly Sentence[]): Map<string, number> {
  const seen = new Map<string, number>()
  for (const { words } of sentences) for (const word of new Set(words)) seen.set(word, (seen.get(word) ?? 0) + 1)
  for (const [word, count] of seen) seen.set(word, Math.log(1 + (sentences.length - count + 0.5) / (count + 0.5)))
  return seen
}

/** BM25 of every sentence against the query words (k1 1.2, b 0.75), divided by the best so that 1 is the top. */
export function scoreRelevance(
  sentences: readonly Sentence[],
  query: readonly string[],
  weights: ReadonlyMap<string, number>,
): number[] {
  const wanted = new Set(query)
  const average = sentences.reduce((sum, { words }) => sum + words.length, 0) / Math.max(1, sentences.length)
  return divideByTop(
    sentences.map(({ words }) => {
      const counts = new Map<string, number>()
      for (const word of words) if (wanted.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1)
      let score = 0
      for (const [word, count] of counts) {
        const length = 1.2 * (0.25 + (0.75 * words.length) / average)
        score += ((weights.get(word) ?? 0) * count * 2.2) / (count + length)
      }
      return score
    }),
  )
}

/** The share of the query's weight that one sentence covers, 0 to 1; words the material never uses weigh most. */
export function measureCoverage(
  sentence: Sentence,
  query: readonly string[],
  weights: ReadonlyMap<string, number>,
): number {
  let rarest = 0
  for (const weight of weights.values()) rarest = Math.max(rarest, weight)
  const words = new Set(sentence.words)
  let covered = 0
  let total = 0
  for (const word of new Set(query)) {
    const weight = weights.get(word) ?? rarest
    total += weight
    if (words.has(word)) covered += weight
  }
  return total === 0 ? 0 : covered / total
}

/**
 * TextRank over cosine similarity, 1 for the most central sentence. In a long text only the sentences with the
 * heaviest words take part; the others get 0.
 */
export function scoreCentrality(sentences: readonly Sentence[], weights: ReadonlyMap<string, number>): number[] {
  const vectors = sentences.map(({ words }) => toVector(words, weights))
  const chosen = chooseForCentrality(sentences, vectors)
  const links = chosen.map((from) => chosen.map((to) => (from === to ? 0 : compare(vectors[from], vectors[to]))))
  const sums = links.map((row) => row.reduce((sum, link) => sum + link, 0))
  let ranks = chosen.map(() => 1)
  for (let round = 0; round < ROUNDS; round += 1) {
    const shares = ranks.map((rank, at) => ((sums[at] ?? 0) > 0 ? rank / (sums[at] ?? 1) : 0))
    ranks = links.map((row) => 1 - DAMPING + DAMPING * row.reduce((sum, link, at) => sum + link * (shares[at] ?? 0), 0))
  }
  const scores = sentences.map(() => 0)
  chosen.forEach((index, at) => {
    scores[index] = ranks[at] ?? 0
  })
  return divideByTop(scores)
}

/** Maximal marginal relevance: at most `count` indexes of `candidates`, best first, none nearly equal to an earlier one. */
export function pickDiverse(
  sentences: readonly Sentence[],
  candidates: readonly { readonly index: number; readonly score: number }[],
  count: number,
): number[] {
  const seen = new Set<string>()
  const pool = [...candidates]
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .filter(({ index }) => {
      const text = sentences[index]?.text ?? ''
      return !seen.has(text) && seen.add(text)
    })
    .slice(0, 60)
  const flat = new Map<string, number>()
  const vectors = new Map(pool.map(({ index }) => [index, toVector(sentences[index]?.words ?? [], flat)]))
  const picked: number[] = []
  while (picked.length < count && pool.length > 0) {
    let best = -1
    let bestScore = Number.NEGATIVE_INFINITY
    pool.forEach(({ index, score }, at) => {
      const likeness = Math.max(0, ...picked.map((other) => compare(vectors.get(index), vectors.get(other))))
      const marginal = likeness > 0.8 ? Number.NEGATIVE_INFINITY : score - 0.5 * likeness
      if (marginal > bestScore) {
        best = at
        bestScore = marginal
      }
    })
    if (best < 0) break
    picked.push(...pool.splice(best, 1).map(({ index }) => index))
  }
  return picked
}

/** Cosine of two bags of words, all words alike. */
export function measureLikeness(a: readonly string[], b: readonly string[]): number {
  const flat = new Map<string, number>()
  return compare(toVector(a, flat), toVector(b, flat))
}

/** Unit length, so that a product of two is their cosine. A word without a weight weighs 1. */
function toVector(words: readonly string[], weights: ReadonlyMap<string, number>): Map<string, number> {
  const vector = new Map<string, number>()
  for (const word of words) vector.set(word, (vector.get(word) ?? 0) + (weights.get(word) ?? 1))
  let squares = 0
  for (const value of vector.values()) squares += value * value
  const length = Math.sqrt(squares) || 1
  for (const [word, value] of vector) vector.set(word, value / length)
  return vector
}

function compare(a: ReadonlyMap<string, number> | undefined, b: ReadonlyMap<string, number> | undefined): number {
  if (a === undefined || b === undefined) return 0
  const [small, large] = a.size <= b.size ? [a, b] : [b, a]
  let product = 0
  for (const [word, value] of small) product += value * (large.get(word) ?? 0)
  return product
}

function chooseForCentrality(
  sentences: readonly Sentence[],
  vectors: readonly ReadonlyMap<string, number>[],
): number[] {
  const all = sentences.map((_, index) => index)
  if (all.length <= CENTRALITY_LIMIT) return all
  const middle = new Map<string, number>()
  for (const vector of vectors) for (const [word, value] of vector) middle.set(word, (middle.get(word) ?? 0) + value)
  const closeness = vectors.map((vector) => compare(vector, middle))
  return all
    .sort((a, b) => (closeness[b] ?? 0) - (closeness[a] ?? 0) || a - b)
    .slice(0, CENTRALITY_LIMIT)
    .sort((a, b) => a - b)
}

function divideByTop(scores: readonly number[]): number[] {
  const top = scores.reduce((highest, score) => Math.max(highest, score), 0)
  return top === 0 ? [...scores] : scores.map((score) => score / top)
}
