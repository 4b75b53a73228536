import type { Entry } from './journal.ts'

/** Throws for an append that no journal takes: the calling program is broken. */
export function checkEntries(entries: readonly Entry[]): void {
  const names = new Set<string>()
  for (const { stream, expected, records } of entries) {
    if (names.has(stream)) throw new Error(`an append names the stream ${stream} twice`)
    names.add(stream)
    if (!stream.isWellFormed()) throw new Error('the name of a stream is not well-formed')
    if (expected === 'any' && !stream.startsWith('inbox/')) throw new Error(`only inboxes take 'any', not ${stream}`)
    if (typeof expected === 'number' && !(Number.isSafeInteger(expected) && expected >= 0))
      throw new Error(`${stream} cannot be expected at ${expected}`)
    for (const record of records)
      if (record === undefined) throw new Error(`a record for ${stream} is undefined, which is not JSON`)
  }
}

/** The sequence number the stream must have, or undefined when any will do. */
export function expectedNumber({ expected }: Entry): number | undefined {
  if (expected === 'any') return undefined
  return expected === 'new' ? 0 : expected
}
