import type { Due, RunState } from './state.ts'

/** The decision that is due next; ones whose subject is gone have lapsed and are passed over. */
export function nextDue(state: RunState): Due | undefined {
  for (;;) {
    const due = state.due[state.dueHead]
    if (!due || !lapsed(state, due)) return due
    state.dueHead += 1
  }
}

/** The decision at the head of the line has been made. */
export function takeDue(state: RunState): void {
  nextDue(state)
  state.dueHead += 1
  if (state.dueHead < 256 || state.dueHead * 2 < state.due.length) return
  state.due.splice(0, state.dueHead)
  state.dueHead = 0
}

/** The step that may start or start again next, and the event that made it ready. */
export function nextReady(state: RunState): { readonly step: string; readonly cause: number } | undefined {
  for (;;) {
    const ready = state.ready[state.readyHead]
    const status = ready && state.steps.get(ready.step)?.status
    if (!ready || status === 'ready' || status === 'retrying') return ready
    state.readyHead += 1
  }
}

/** The step at the head of the line has started. */
export function takeReady(state: RunState): void {
  nextReady(state)
  state.readyHead += 1
  if (state.readyHead < 256 || state.readyHead * 2 < state.ready.length) return
  state.ready.splice(0, state.readyHead)
  state.readyHead = 0
}

function lapsed(state: RunState, due: Due): boolean {
  switch (due.what) {
    case 'add':
    case 'settle':
      return false
    case 'skip':
      return state.steps.get(due.step)?.status !== 'waiting'
    case 'time-out': {
      const step = state.steps.get(due.step)
      return step?.status !== 'running' || step.attempt !== due.attempt
    }
    case 'cancel': {
      const status = state.steps.get(due.step)?.status
      return status !== 'running' && status !== 'retrying'
    }
    case 'redo': {
      const status = state.effects.get(due.key)?.status
      return status !== 'waiting' && status !== 'unknown'
    }
    case 'unknown':
      return state.effects.get(due.key)?.status !== 'unknown'
    case 'deny':
      return !state.approvals.has(due.key)
  }
}

/** A plain, comparable picture of a state: equal pictures mean equal states. */
export function pictureOf(state: RunState): unknown {
  nextDue(state)
  nextReady(state)
  const { steps, effects, approvals, timers, active, due, dueHead, ready, readyHead, wakes: _, ...plain } = state
  return {
    ...plain,
    steps: [...steps.values()].map((step) => ({
      ...step,
      proposals: step.proposals ? [...step.proposals.values()] : [],
      effects: step.effects ? [...step.effects] : [],
      approvals: step.approvals ? [...step.approvals] : [],
    })),
    effects: [...effects.values()],
    approvals: [...approvals.values()],
    timers: [...timers.values()],
    active: [...active],
    due: due.slice(dueHead),
    ready: ready.slice(readyHead),
  }
}
