/** Ctrl-C, kill and a closed terminal, as one signal. */
export interface Interrupts {
  /** Fires at the first of them: stop cleanly. */
  readonly signal: AbortSignal
  /** Stops listening; the system's own way is back. */
  release(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const SHOW_CURSOR = '\x1b[?25h'

/** The first signal asks for a clean end, the second ends the program at once with 130, leaving a usable terminal. */
export function listenForInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController()
  const listen = () => {
    if (controller.signal.aborted) {
      if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR)
      process.exit(130)
    }
    controller.abort()
    onFirst()
  }
  for (const name of SIGNALS) process.on(name, listen)
  return {
    signal: controller.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, listen)
    },
  }
}
