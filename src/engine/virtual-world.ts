import { createRandom } from '../events/random.ts'
import type { EngineWorld } from './world.ts'

/** A world whose time stands still until it is moved: for tests and simulation. Timers of one instant fire in seeded order. */
export interface VirtualWorld extends EngineWorld {
  /** Moves time to the next timer and fires it; false when there is none. */
  advance(): boolean
  /** Waits in virtual time. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  readonly pending: number
}

interface Alarm {
  readonly at: number
  readonly order: number
  readonly then: () => void
}

export function createVirtualWorld(options: {
  readonly seed: string
  readonly sha256: EngineWorld['sha256']
  drain(): Promise<void>
  readonly start?: number
}): VirtualWorld {
  const random = createRandom(options.seed)
  const alarms = new Set<Alarm>()
  let now = options.start ?? 1_800_000_000_000
  const wake = (at: number, then: () => void) => {
    const alarm = { at: Math.max(at, now), order: random(), then }
    alarms.add(alarm)
    return () => void alarms.delete(alarm)
  }
  return {
    sha256: options.sha256,
    drain: options.drain,
    clock: () => now,
    wake,
    get pending() {
      return alarms.size
    },
    advance() {
      let next: Alarm | undefined
      for (const alarm of alarms)
        if (!next || alarm.at < next.at || (alarm.at === next.at && alarm.order < next.order)) next = alarm
      if (!next) return false
      alarms.delete(next)
      now = next.at
      next.then()
      return true
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const cancel = wake(now + ms, resolve)
        signal?.addEventListener('abort', () => {
          cancel()
          resolve()
        })
      }),
  }
}
