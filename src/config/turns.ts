/** The last change of each file that has not ended. */
const last = new Map<string, Promise<unknown>>()

/** Reads, changes and writes a file while no other change of this process does: two that have read the same would lose one. */
export async function inTurn<T>(file: string, change: () => Promise<T>): Promise<T> {
  const before = last.get(file)
  const mine = (async () => {
    await before?.catch(() => {})
    return change()
  })()
  last.set(file, mine)
  try {
    return await mine
  } finally {
    if (last.get(file) === mine) last.delete(file)
  }
}
