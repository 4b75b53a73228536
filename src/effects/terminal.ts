/** The person's terminal, as far as effects need it. */
export interface Terminal {
  /** Whether somebody can type into our standard input. */
  isTerminal(): boolean
  /** Shows text beside the result, on standard error. */
  write(text: string): void
  /** Lets one caller after the other talk with the person. Rejects only as `work` does. */
  hold<T>(work: () => Promise<T>): Promise<T>
}

export function createTerminal(): Terminal {
  let last: Promise<unknown> = Promise.resolve()
  return {
    isTerminal: () => process.stdin.isTTY === true,
    write: (text) => {
      process.stderr.write(text)
    },
    hold: (work) => {
      const mine = last.then(work)
      last = mine.catch(() => {})
      return mine
    },
  }
}
