import type { Sentence } from './sentences.ts'

/** Every answer begins with it, so that nobody takes a quotation for a thought. */
export const NOTICE = '[embedded: extractive, not a language model]'

export interface Quote {
  readonly sentence: Sentence
  readonly text: string
  /** Where it came from, in words for the reader. */
  readonly source: string
}

export function toBullets(quotes: readonly Quote[]): string[] {
  return quotes.map(({ text, source }) => `- "${text}" (${source.replace(/[()]/gu, '')})`)
}

export function inTextOrder(indexes: readonly number[]): number[] {
  return [...indexes].sort((a, b) => a - b)
}
