import type { RunStatus } from '../event.ts'
import type { View } from './view.ts'

/** One attempt of one step on the clock. Spans of one lane never overlap. */
export interface Span {
  readonly step: string
  /** The step that proposed it. */
  readonly parent?: string
  readonly attempt: number
  /** 0 is the top lane. */
  readonly lane: number
  /** ms UTC. */
  readonly start: number
  /** Absent while it runs. */
  end?: number
  status: 'running' | 'succeeded' | 'failed' | 'cancelled'
}

export interface Timeline {
  start?: number
  end?: number
  status?: RunStatus
  /** In the order they started. */
  readonly spans: Span[]
  /** Number of lanes in use at most. */
  lanes: number
  readonly open: Map<string, Span>
  readonly parents: Map<string, string>
  /** Lanes free again, largest first, so that the topmost is taken from the end. */
  readonly free: number[]
}

export const timelineView: View<Timeline> = {
  initial: () => ({ spans: [], lanes: 0, open: new Map(), parents: new Map(), free: [] }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'run-started':
        state.start = event.at
        break
      case 'run-finished':
        state.end = event.at
        state.status = event.data.status
        for (const id of state.open.keys()) closeSpan(state, id, { at: event.at, status: 'cancelled' })
        break
      case 'steps-added':
        if ('steps' in event.data) for (const { id } of event.data.steps) state.parents.set(id, event.data.step)
        break
      case 'step-started':
      case 'step-retried':
        if (state.open.get(event.data.step)?.attempt === event.data.attempt) break
        closeSpan(state, event.data.step, { at: event.at, status: 'cancelled' })
        openSpan(state, { step: event.data.step, attempt: event.data.attempt, start: event.at })
        break
      case 'step-finished':
        closeSpan(state, event.data.step, { at: event.at, status: 'succeeded' })
        break
      case 'step-failed':
        closeSpan(state, event.data.step, { at: event.at, status: 'failed' })
        break
      case 'step-cancelled':
        closeSpan(state, event.data.step, { at: event.at, status: 'cancelled' })
    }
    return state
  },
}

function openSpan(state: Timeline, begun: { step: string; attempt: number; start: number }): void {
  const lane = state.free.pop() ?? state.lanes++
  const parent = state.parents.get(begun.step)
  const span: Span = { ...begun, ...(parent === undefined ? {} : { parent }), lane, status: 'running' }
  state.spans.push(span)
  state.open.set(begun.step, span)
}

function closeSpan(state: Timeline, step: string, end: { at: number; status: Span['status'] }): void {
  const span = state.open.get(step)
  if (!span) return
  span.end = end.at
  span.status = end.status
  state.open.delete(step)
  freeLane(state.free, span.lane)
}

function freeLane(free: number[], lane: number): void {
  let low = 0
  let high = free.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((free[middle] as number) > lane) low = middle + 1
    else high = middle
  }
  free.splice(low, 0, lane)
}
