import type { Sentence } from './sentences.ts'

/** Every answer begins with it, so that nobody takes a quotation for a thought. */
export const NOTICE = '[embedded: extractive, not a language model]'

export interface Quote {
  readonly sentence: Sentence
  readonly text: string
  /** Where it stands, in words for the reader. */
  readonly source: string
  /** What is said about it, before the quotation marks. */
  readonly what?: string
}

export function toBullets(quotes: readonly Quote[]): string[] {
  return quotes.map(
    ({ what, text, source }) => `- ${what === undefined ? '' : `${what}: `}"${text}" (${source.replace(/[()]/gu, '')})`,
  )
}

export function inTextOrder(indexes: readonly number[]): number[] {
  return [...indexes].sort((a, b) => a - b)
}
