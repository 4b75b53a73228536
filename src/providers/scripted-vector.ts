import { encodeVector } from './embed.ts'

const USUAL_DIMENSIONS = 64

/** A vector that texts with the same words have in common: counts of its letter triples, hashed, of length 1. */
export function makeVector(text: string, dimensions: number = USUAL_DIMENSIONS): string {
  const counts = Array.from({ length: dimensions }, () => 0)
  const letters = ` ${text.toLowerCase().split(/\s+/).join(' ')} `
  for (let at = 0; at + 3 <= letters.length; at += 1) {
    const slot = hashTriple(letters.slice(at, at + 3)) % dimensions
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  const length = Math.sqrt(counts.reduce((sum, count) => sum + count * count, 0)) || 1
  return encodeVector(counts.map((count) => count / length))
}

function hashTriple(triple: string): number {
  let sum = 2166136261
  for (let at = 0; at < triple.length; at += 1) sum = Math.imul(sum ^ triple.charCodeAt(at), 16777619)
  return sum >>> 0
}
