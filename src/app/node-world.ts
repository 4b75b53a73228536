import { hash } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { EngineWorld } from '../engine/world.ts'

const LONGEST = 2 ** 31 - 1

// The wall clock is read once: when it is set anew under a running process, no timer may fire early or late for it.
const BEGAN = Date.now() - performance.now()

/** ms UTC, never going back, the same for everything in this process. */
function tellTime(): number {
  return Math.round(BEGAN + performance.now())
}

/** The world of this process: its clock, its event loop, its timers. */
export function createNodeWorld(): EngineWorld {
  return {
    clock: tellTime,
    drain: () => nextTurn(),
    wake: wakeAt,
    sha256: (text) => hash('sha256', text, 'hex'),
    wait: (ms) => sleep(ms),
  }
}

/** Timers hold at most 24 days: a longer wait is cut into pieces. */
function wakeAt(at: number, then: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = () => {
    const left = at - tellTime()
    timer = left > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(then, Math.max(0, left))
  }
  arm()
  return () => clearTimeout(timer)
}
