import type { Event, EventOf, PlannedStep, RunStatus } from '../event.ts'
import type { JsonObject } from '../values.ts'
import { readRoute } from './route.ts'
import { createSpending, noteSpending, type Spending } from './spending.ts'
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
  /** Answers that came from the cache. */
  cached?: number
  /** Characters streamed live in this attempt; lives outside the journal (`noteDelta`). */
  streamed: number
  /** Why it was skipped or cancelled. */
  reason?: string
  /** The steps it has proposed so far, without those below them; of a loop those of its round. */
  inner?: InnerProgress
  /** How many items its list has, where it says so before all of them are there. */
  items?: number
  /** Of a loop; from 1. */
  round?: number
  /** The newest check of an answer: which try it was, and what it did not pass. */
  verdict?: { readonly try: number; readonly failed: readonly string[] }
}

export interface InnerProgress {
  total: number
  /** Those that failed and were cancelled included. */
  ended: number
  failed: number
}

/** Something a person has to answer. */
export interface OpenAsk {
  readonly key: string
  readonly kind: 'question' | 'approval' | 'unknown'
  readonly step?: string
}

/** A retrying step counts as running: its work is in hand. */
export interface StepTotals {
  readonly total: number
  readonly waiting: number
  readonly running: number
  readonly succeeded: number
  readonly failed: number
  readonly skipped: number
  readonly cancelled: number
}

/** The agents of the graph. Conditions are machinery and counted nowhere. */
export interface ProgressTotals extends StepTotals {
  /** Ended agents of all, 0 to 100, rounded to nearest; one that works through a known list counts for the part that is done. */
  readonly percentage: number
  /** The steps that others proposed; absent while there are none. */
  readonly inner?: StepTotals
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
  /** Of the agents of the graph. */
  readonly counts: Record<StepStatus, number>
  /** Of the steps that others proposed. */
  readonly innerCounts: Record<StepStatus, number>
  /** Agents that work through steps whose number is known. */
  readonly measured: Set<string>
  /** Owners of open effects. */
  readonly owners: Map<string, string>
  readonly children: Map<string, string[]>
  readonly spending: Spending
}

export const progressView: View<Progress> = {
  initial: () => ({
    run: '',
    name: '',
    status: 'waiting',
    steps: new Map(),
    asks: new Map(),
    counts: noSteps(),
    innerCounts: noSteps(),
    measured: new Set(),
    owners: new Map(),
    children: new Map(),
    spending: createSpending(),
  }),
  evolve: (state, event) => {
    state.run = event.run
    noteSpending(state.spending, event)
    if (event.type.startsWith('run-')) evolveRun(state, event)
    else if (event.type.startsWith('step')) evolveStep(state, event)
    else evolveEffect(state, event)
    return state
  },
}

export function totalsOf(state: Progress): ProgressTotals {
  const totals = sumCounts(state.counts)
  const inner = sumCounts(state.innerCounts)
  const ended = totals.total - totals.waiting - totals.running
  let done = 0
  for (const id of state.measured) done += shareOf(state.steps.get(id))
  const percentage = totals.total === 0 ? 0 : Math.round((100 * (ended + done)) / totals.total)
  return {
    ...totals,
    // work in hand never looks finished
    percentage: done > 0 ? Math.min(99, percentage) : percentage,
    ...(inner.total > 0 ? { inner } : {}),
  }
}

function noSteps(): Record<StepStatus, number> {
  return { waiting: 0, running: 0, retrying: 0, succeeded: 0, failed: 0, skipped: 0, cancelled: 0 }
}

function sumCounts(counts: Readonly<Record<StepStatus, number>>): StepTotals {
  const { waiting, succeeded, failed, skipped, cancelled } = counts
  const running = counts.running + counts.retrying
  return {
    total: waiting + running + succeeded + failed + skipped + cancelled,
    waiting,
    running,
    succeeded,
    failed,
    skipped,
    cancelled,
  }
}

/** The part of an agent's work that is done, where it is known how much there is. */
function shareOf(step: StepProgress | undefined): number {
  if (!step?.inner) return 0
  return step.inner.ended / Math.max(1, step.inner.total, step.items ?? 0)
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
      if ('steps' in event.data) addInner(state, event.data)
      return
    case 'step-started':
    case 'step-retried': {
      const step = findStep(state, event.data.step)
      step.attempt = event.data.attempt
      step.started ??= event.at
      step.streamed = 0
      delete step.ended
      delete step.retry_at
      delete step.verdict
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
      findStep(state, event.data.step).reason = reasonOf(state, event.data)
      endStep(state, event.data.step, { status: 'skipped', at: event.at })
      return
    case 'step-cancelled':
      findStep(state, event.data.step).reason = event.data.reason
      endStep(state, event.data.step, { status: 'cancelled', at: event.at })
      return
    case 'step-verified':
      findStep(state, event.data.step).verdict = readVerdict(event.data.facts)
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
      if (owner === undefined) return
      const step = findStep(state, owner)
      if (event.type === 'effect-done' && event.data.source === 'cache') step.cached = (step.cached ?? 0) + 1
      if ((usage?.input ?? usage?.output) === undefined) return
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
      return
    case 'note-written': {
      if (!('facts' in event.data)) return
      const { about, total } = event.data.facts
      if (about === 'items' && typeof total === 'number') findStep(state, event.data.step).items = total
    }
  }
}

type Proposal = Extract<EventOf<'steps-added'>['data'], { readonly steps: readonly PlannedStep[] }>

/** Lists and other ensembles say beforehand how much there is to do. */
const MEASURED = ['each', 'nested']

function addInner(state: Progress, { step: id, steps, proposal }: Proposal): void {
  const owner = findStep(state, id)
  if (owner.parent === undefined && MEASURED.includes(owner.kind)) state.measured.add(id)
  if (owner.kind === 'loop') {
    owner.round = Number(/#(\d+)$/.exec(proposal)?.[1] ?? 1)
    delete owner.inner
  }
  for (const step of steps) plan(state, step, id)
}

/** A condition that could not be computed opens nothing either, which is another thing than that it did not hold. */
function reasonOf(state: Progress, { step, reason }: EventOf<'step-skipped'>['data']): string {
  const gate = state.steps.get(`${step}/when`)
  return reason === 'condition' && gate?.status === 'failed' ? 'condition-failed' : reason
}

function readVerdict({ try: number, failed }: JsonObject): NonNullable<StepProgress['verdict']> {
  return {
    try: typeof number === 'number' ? number : 1,
    failed: Array.isArray(failed) ? (failed as readonly unknown[]).map(String) : [],
  }
}

function plan(state: Progress, planned: PlannedStep, parent?: string): void {
  if (state.steps.has(planned.id)) return
  const of = parent === undefined ? {} : { parent }
  addStep(state, { id: planned.id, kind: planned.kind, ...of, status: 'waiting', attempt: 0, streamed: 0 })
  if (parent === undefined) return
  const siblings = state.children.get(parent)
  if (siblings) siblings.push(planned.id)
  else state.children.set(parent, [planned.id])
}

/** A step that was never planned (a journal cut at its head) is still shown. */
function findStep(state: Progress, id: string): StepProgress {
  return state.steps.get(id) ?? addStep(state, { id, kind: 'unknown', status: 'waiting', attempt: 0, streamed: 0 })
}

function addStep(state: Progress, step: StepProgress): StepProgress {
  state.steps.set(step.id, step)
  const counts = countsFor(state, step)
  if (counts) counts.waiting += 1
  const owner = counts && step.parent !== undefined ? state.steps.get(step.parent) : undefined
  if (owner) (owner.inner ??= { total: 0, ended: 0, failed: 0 }).total += 1
  return step
}

function countsFor(state: Progress, { kind, parent }: StepProgress): Record<StepStatus, number> | undefined {
  if (kind === 'condition') return undefined
  return parent === undefined ? state.counts : state.innerCounts
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
  const counts = countsFor(state, step)
  if (counts) {
    counts[step.status] -= 1
    counts[status] += 1
    const owner = step.parent === undefined ? undefined : state.steps.get(step.parent)?.inner
    if (owner && isOver(status) && !isOver(step.status)) {
      owner.ended += 1
      if (status === 'failed' || status === 'cancelled') owner.failed += 1
    }
  }
  step.status = status
  if (isOver(status)) state.measured.delete(step.id)
}

function isOver(status: StepStatus): boolean {
  return status !== 'waiting' && status !== 'running' && status !== 'retrying'
}

function openAsk(state: Progress, ask: OpenAsk): void {
  state.asks.set(ask.key, ask)
}

function ownerOf(state: Progress, key: string): string | undefined {
  return state.owners.get(key) ?? findOwner(key, (id) => state.steps.has(id))
}
