import type { View } from './view.ts'

/** A time in which a step did nothing. */
export interface Wait {
  readonly step: string
  /** `retry`: for its next attempt · `repeat`: to try a failed effect again · `person`: for somebody's word. */
  readonly why: 'retry' | 'repeat' | 'person'
  /** ms UTC. */
  readonly start: number
  /** Absent while it lasts. */
  end?: number
}

export interface Waits {
  readonly waits: Wait[]
  readonly open: Map<string, Wait>
  /** When an effect that may be tried again failed, ms UTC. */
  readonly failures: Map<string, number>
}

/** What steps waited for. A failed effect is known to have waited only once it is tried again. */
export const waitsView: View<Waits> = {
  initial: () => ({ waits: [], open: new Map(), failures: new Map() }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'step-failed':
        leave(state, event.data.step, event.at)
        if (event.data.retry_at !== undefined)
          begin(state, event.data.step, { step: event.data.step, why: 'retry', start: event.at })
        break
      case 'step-retried':
      case 'step-cancelled':
      case 'step-finished':
        leave(state, event.data.step, event.at)
        break
      case 'effect-intended': {
        const { key, step, kind, redo } = event.data
        finish(state, key, event.at)
        const failure = state.failures.get(key)
        if (failure !== undefined && redo !== undefined)
          state.waits.push({ step, why: 'repeat', start: failure, end: event.at })
        state.failures.delete(key)
        if (kind === 'ask') begin(state, key, { step, why: 'person', start: event.at })
        break
      }
      case 'effect-unknown':
        begin(state, event.data.key, { step: event.data.step, why: 'person', start: event.at })
        break
      case 'effect-failed':
        if (event.data.retry) state.failures.set(event.data.key, event.at)
        finish(state, event.data.key, event.at)
        break
      case 'effect-done':
        finish(state, event.data.key, event.at)
        break
      case 'run-finished':
        for (const key of state.open.keys()) finish(state, key, event.at)
    }
    return state
  },
}

function begin(state: Waits, key: string, begun: Wait): void {
  state.waits.push(begun)
  state.open.set(key, begun)
}

function finish(state: Waits, key: string, at: number): void {
  const wait = state.open.get(key)
  if (!wait) return
  wait.end = at
  state.open.delete(key)
}

/** The attempt is over, and with it all that it waited for. */
function leave(state: Waits, step: string, at: number): void {
  for (const [key, wait] of state.open) if (wait.step === step) finish(state, key, at)
}
