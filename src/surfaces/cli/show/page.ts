import type { Style } from '../render/style.ts'

/** What a result is drawn on. */
export interface Page {
  readonly style: Style
  /** Columns; absent in a pipe, where nothing is cut. */
  readonly width?: number
  /** For a person at a terminal; else for the next program in a pipe. */
  readonly rich: boolean
  /** Is stdout a terminal? Then foreign text is cleaned of what would command it. */
  readonly terminal: boolean
}

/** A result as text. Neither part ends the line. */
export interface Shown {
  /** For stdout. */
  readonly text: string
  /** What a reader should know but a pipe should not carry; for stderr. */
  readonly aside?: string
}

/** How the result of an operation looks. */
export type Show<Result> = (result: Result, page: Page) => Shown

/** What an operation answers with, by the operation's own type. */
export type ResultOf<O extends { run(...args: never[]): Promise<unknown> }> = Awaited<ReturnType<O['run']>>

export function joinBlocks(...blocks: readonly (string | undefined)[]): string {
  return blocks.filter((block) => block !== undefined && block !== '').join('\n\n')
}

/** `2026-11-21 05:02:11`, UTC, from ISO 8601. */
export function shortenTime(iso: string | undefined | null): string {
  return iso ? iso.slice(0, 19).replace('T', ' ') : ''
}
