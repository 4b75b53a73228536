import { realpath } from 'node:fs/promises'
import { lockFile } from './file-lock.ts'

/** The last change of each file that has not ended. */
const last = new Map<string, Promise<unknown>>()

/** Reads, changes and writes a file while nobody else changes it, here or in another process: two that have read the same would lose one. */
export async function inTurn<T>(file: string, change: () => Promise<T>): Promise<T> {
  const before = last.get(file)
  const mine = (async () => {
    await before?.catch(() => {})
    // Links to one file are one file.
    const unlock = await lockFile(await realpath(file).catch(() => file))
    try {
      return await change()
    } finally {
      await unlock()
    }
  })()
  last.set(file, mine)
  try {
    return await mine
  } finally {
    if (last.get(file) === mine) last.delete(file)
  }
}
