import type { Event, PlannedStep, RunStatus } from '../event.ts'
import { readRoute } from './route.ts'
import { findOwner, type View } from './view.ts'

export type StepStatus = 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'

/** Where one step stands; times are ms UTC. */
export interface StepProgress {
  readonly id: string
  readonly kind: string
  /** The step that proposed this one. */
  readonly parent?: string
  status: StepStatus
  /** 0 until the first attempt. */
  attempt: number
  /** Start of the first attempt. */
  started?: number
  ended?: number
  retry_at?: number
  profile?: string
  provider?: string
  model?: string
  /** Input and output tokens of all calls so far; absent while nobody has told any. */
  tokens?: number
  /** Characters streamed live in this attempt; lives outside the journal (`noteDelta`). */
  streamed: number
}

/** Something a person has to answer. */
export interface OpenAsk {
  readonly key: string
  readonly kind: 'question' | 'approval' | 'unknown'
  readonly step?: string
}

/** A retrying step counts as running: its work is in hand. */
export interface ProgressTotals {
  readonly total: number
  readonly waiting: number
  readonly running: number
  readonly succeeded: number
  readonly failed: number
  readonly skipped: number
  readonly cancelled: number
  /** Ended steps of all, 0 to 100, rounded to nearest. */
  readonly percentage: number
}

export interface Progress {
  run: string
  name: string
  status: 'waiting' | 'running' | 'paused' | RunStatus
  started?: number
  ended?: number
  /** In the order they were planned. */
  readonly steps: Map<string, StepProgress>
  readonly asks: Map<string, OpenAsk>
  readonly counts: Record<StepStatus, number>
  /** Owners of open effects. */
  readonly owners: Map<string, string>
  readonly children: Map<string, string[]>
}

export const progressView: View<Progress> = {
  initial: () => ({
    run: '',
    name: '',
    status: 'waiting',
    steps: new Map(),
    asks: new Map(),
    counts: { waiting: 0, running: 0, retrying: 0, succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
    owners: new Map(),
    children: new Map(),
  }),
  evolve: (state, event) => {
    state.run = event.run
    if (event.type.startsWith('run-')) evolveRun(state, event)
    else if (event.type.startsWith('step')) evolveStep(state, event)
    else evolveEffect(state, event)
    return state
  },
}

export function totalsOf({ counts }: Progress): ProgressTotals {
  const { waiting, succeeded, failed, skipped, cancelled } = counts
  const running = counts.running + counts.retrying
  const ended = succeeded + failed + skipped + cancelled
  const total = waiting + running + ended
  const percentage = total === 0 ? 0 : Math.round((100 * ended) / total)
  return { total, waiting, running, succeeded, failed, skipped, cancelled, percentage }
}

/** Counts live text. It may be lost and is never journalled, so it must not decide anything. */
export function noteDelta(state: Progress, step: string, text: string): void {
  const known = state.steps.get(step)
  if (known) known.streamed += text.length
}

function evolveRun(state: Progress, event: Event): void {
  switch (event.type) {
    case 'run-started':
      state.name = event.data.target.name
      state.status = 'running'
      state.started = event.at
      for (const step of event.data.steps) plan(state, step)
      return
    case 'run-forked':
    case 'run-resumed':
      state.status = 'running'
      return
    case 'run-paused':
      state.status = 'paused'
      for (const key of event.data.asks) {
        if (!state.asks.has(key)) openAsk(state, { key, kind: 'question' })
      }
      return
    case 'run-finished':
      state.status = event.data.status
      state.ended = event.at
      // Steps that never started get no event of their own; with the run over, nothing waits any more.
      for (const step of state.steps.values()) if (step.status === 'waiting') setStatus(state, step, 'cancelled')
      for (const [key, ask] of state.asks) if (ask.kind !== 'unknown') state.asks.delete(key)
  }
}

function evolveStep(state: Progress, event: Event): void {
  switch (event.type) {
    case 'steps-added':
      if ('steps' in event.data) for (const step of event.data.steps) plan(state, step, event.data.step)
      return
    case 'step-started':
    case 'step-retried': {
      const step = findStep(state, event.data.step)
      step.attempt = event.data.attempt
      step.started ??= event.at
      step.streamed = 0
      delete step.ended
      delete step.retry_at
      setStatus(state, step, 'running')
      return
    }
    case 'step-finished':
      endStep(state, event.data.step, { status: 'succeeded', at: event.at })
      return
    case 'step-failed': {
      if (event.data.retry_at === undefined) {
        endStep(state, event.data.step, { status: 'failed', at: event.at })
        return
      }
      const step = findStep(state, event.data.step)
      step.retry_at = event.data.retry_at
      setStatus(state, step, 'retrying')
      return
    }
    case 'step-skipped':
      endStep(state, event.data.step, { status: 'skipped', at: event.at })
      return
    case 'step-cancelled':
      endStep(state, event.data.step, { status: 'cancelled', at: event.at })
      return
    case 'step-routed':
      Object.assign(findStep(state, event.data.step), readRoute(event.data.facts))
  }
}

function evolveEffect(state: Progress, event: Event): void {
  switch (event.type) {
    case 'effect-intended':
      if (event.data.answered_by !== undefined) return
      state.owners.set(event.data.key, event.data.step)
      state.asks.delete(event.data.key)
      if (event.data.kind === 'ask') openAsk(state, { key: event.data.key, kind: 'question', step: event.data.step })
      return
    case 'effect-done':
    case 'effect-failed': {
      const { key, usage } = event.data
      const owner = ownerOf(state, key)
      state.owners.delete(key)
      state.asks.delete(key)
      if (owner === undefined || (usage?.input ?? usage?.output) === undefined) return
      const step = findStep(state, owner)
      step.tokens = (step.tokens ?? 0) + (usage?.input ?? 0) + (usage?.output ?? 0)
      return
    }
    case 'effect-unknown':
      openAsk(state, { key: event.data.key, kind: 'unknown', step: event.data.step })
      return
    case 'approval-requested': {
      const owner = ownerOf(state, event.data.key)
      openAsk(state, { key: event.data.key, kind: 'approval', ...(owner === undefined ? {} : { step: owner }) })
      return
    }
    case 'approval-given':
    case 'approval-denied':
      state.asks.delete(event.data.key)
  }
}

function plan(state: Progress, planned: PlannedStep, parent?: string): void {
  if (state.steps.has(planned.id)) return
  const of = parent === undefined ? {} : { parent }
  state.steps.set(planned.id, {
    id: planned.id,
    kind: planned.kind,
    ...of,
    status: 'waiting',
    attempt: 0,
    streamed: 0,
  })
  state.counts.waiting += 1
  if (parent === undefined) return
  const siblings = state.children.get(parent)
  if (siblings) siblings.push(planned.id)
  else state.children.set(parent, [planned.id])
}

/** A step that was never planned (a journal cut at its head) is still shown. */
function findStep(state: Progress, id: string): StepProgress {
  const known = state.steps.get(id)
  if (known) return known
  const step: StepProgress = { id, kind: 'unknown', status: 'waiting', attempt: 0, streamed: 0 }
  state.steps.set(id, step)
  state.counts.waiting += 1
  return step
}

function endStep(state: Progress, id: string, end: { status: StepStatus; at: number }): void {
  const step = findStep(state, id)
  step.ended = end.at
  setStatus(state, step, end.status)
  if (end.status === 'failed' || end.status === 'cancelled') {
    // Children that never started just never start: no event says so.
    for (const child of state.children.get(id) ?? []) {
      const known = findStep(state, child)
      if (known.status === 'waiting') setStatus(state, known, 'cancelled')
    }
  }
  for (const [key, ask] of state.asks) if (ask.step === id && ask.kind !== 'unknown') state.asks.delete(key)
}

function setStatus(state: Progress, step: StepProgress, status: StepStatus): void {
  state.counts[step.status] -= 1
  state.counts[status] += 1
  step.status = status
}

function openAsk(state: Progress, ask: OpenAsk): void {
  state.asks.set(ask.key, ask)
}

function ownerOf(state: Progress, key: string): string | undefined {
  return state.owners.get(key) ?? findOwner(key, (id) => state.steps.has(id))
}
