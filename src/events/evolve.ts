import { canonicalJson } from './canonical.ts'
import { nextDue, takeDue, takeReady } from './due.ts'
import type { Event, EventOf } from './event.ts'
import { denyApproval, giveApproval, requestApproval } from './evolve-approvals.ts'
import {
  dropEffectsOf,
  failEffect,
  finishEffect,
  intendEffect,
  loseEffect,
  refuseEffect,
  reopenEffects,
} from './evolve-effects.ts'
import { forkRun } from './evolve-fork.ts'
import { settleBudget } from './evolve-money.ts'
import { addSteps, beginAttempt, beginProposal, endAttempt, endStep, finishProposal, stopRun } from './evolve-steps.ts'
import { withoutInline } from './hash.ts'
import { readLost } from './lost.ts'
import { fingerprint } from './random.ts'
import type { RunState, StepState } from './state.ts'

/**
 * Folds one event into the state, in place. Deterministic: no clock, no chance, no content of values.
 * The event must be the next of its run; deliveries that follow from it are appended to `state.wakes`.
 */
export function evolve(state: RunState, event: Event): void {
  const before = state.at
  state.seq = event.seq
  state.at = event.at
  state.lamport = event.lamport
  state.head = event.hash
  if ('command' in event.data && event.data.command !== undefined)
    state.command = Math.max(state.command, event.data.command)
  switch (event.type) {
    case 'run-started':
      return startRun(state, event)
    case 'steps-added':
      return receiveSteps(state, event)
    case 'step-started':
      takeReady(state)
      return beginAttempt(state, stepOf(state, event.data.step))
    case 'step-retried':
      takeReady(state)
      return beginAttempt(state, stepOf(state, event.data.step))
    case 'step-finished': {
      const step = stepOf(state, event.data.step)
      step.output = { seq: event.seq, value: bare(event.data.output) }
      step.affirmed = event.data.verdict === true
      step.lost = readLost(event.data.verdict)
      if (step.lost) state.partial += 1
      return endStep(state, step, 'succeeded')
    }
    case 'step-failed':
      return failStep(state, event)
    case 'step-skipped':
      takeDue(state)
      return endStep(state, stepOf(state, event.data.step), 'skipped')
    case 'step-cancelled': {
      takeDue(state)
      const step = stepOf(state, event.data.step)
      abort(state, step, event)
      return endStep(state, step, 'cancelled')
    }
    case 'effect-intended':
      if (event.actor === 'engine') takeDue(state)
      return intendEffect(state, event)
    case 'effect-done':
      return finishEffect(state, event)
    case 'effect-failed':
      return failEffect(state, event)
    case 'effect-unknown':
      takeDue(state)
      return loseEffect(state, event)
    case 'budget-refused': {
      const step = stepOf(state, event.data.step)
      if (event.data.code !== 'calls_exhausted') state.refused = true
      if (event.actor === 'engine') {
        takeDue(state)
        return refuseEffect(state, event.data.key)
      }
      if (event.actor !== 'step') return
      step.cause = event.seq
      state.wakes.push({
        step: step.id,
        attempt: step.attempt,
        what: 'answer',
        offer: event.data.key,
        seq: event.seq,
        at: event.at,
      })
      return
    }
    case 'budget-settled': {
      const due = nextDue(state)
      if (due?.what !== 'settle') return
      takeDue(state)
      return settleBudget(state, event, due.reserved)
    }
    case 'approval-requested':
      return requestApproval(state, event)
    case 'approval-given':
      return giveApproval(state, event)
    case 'approval-denied':
      if (event.actor === 'engine') takeDue(state)
      return denyApproval(state, event)
    case 'timer-fired':
      return fireTimer(state, event)
    case 'cancel-requested':
      return stopRun(state, 'cancelled', { reason: event.data.reason ?? 'cancelled', cause: event.seq })
    case 'run-paused':
      state.paused = true
      return
    case 'run-resumed':
      state.paused = false
      state.kinds = event.data.kinds
      return reopenEffects(state, event.seq)
    case 'run-forked':
      return forkRun(state, event, before)
    case 'run-finished':
      state.finished = event.data.status
      return
    default:
  }
}

function startRun(state: RunState, { data, seq, at }: EventOf<'run-started'>): void {
  state.seed = data.seed
  state.limits = data.limits
  state.kinds = data.kinds
  state.startedBy = data.started_by
  state.input = data.input
  state.output = data.output
  state.planned = data.steps
  state.lastEnd = seq
  state.due.push({ what: 'add', cause: seq })
  const timeout = data.limits.timeout_ms
  if (timeout !== undefined) state.timers.add({ key: 'deadline', due: at + timeout, cause: seq, what: 'deadline' })
}

function receiveSteps(state: RunState, { data }: EventOf<'steps-added'>): void {
  if ('from' in data) {
    takeDue(state)
    addSteps(state, state.planned ?? [])
    state.planned = undefined
    return
  }
  const parent = stepOf(state, data.step)
  parent.proposals ??= new Map()
  const known = parent.proposals.get(data.proposal)
  if (known) {
    known.attempt = data.attempt
    beginProposal(state, parent)
    if (known.unfinished === 0) finishProposal(state, parent, data.proposal)
    return
  }
  parent.proposals.set(data.proposal, {
    name: data.proposal,
    fingerprint: fingerprint(canonicalJson((withoutInline('steps-added', data) as typeof data).steps)),
    children: data.steps.map((step) => step.id),
    attempt: data.attempt,
    unfinished: data.steps.length,
  })
  beginProposal(state, parent)
  addSteps(state, data.steps, { parent: parent.id, proposal: data.proposal })
  if (data.steps.length === 0) finishProposal(state, parent, data.proposal)
}

function failStep(state: RunState, event: EventOf<'step-failed'>): void {
  const { data, seq } = event
  const step = stepOf(state, data.step)
  if (event.actor === 'engine') {
    takeDue(state)
    abort(state, step, event)
  }
  if (data.output) step.output = { seq, value: bare(data.output) }
  if (data.retry_at === undefined) {
    step.failure = { code: data.code, message: data.message }
    return endStep(state, step, 'failed')
  }
  endAttempt(state, step)
  step.status = 'retrying'
  dropEffectsOf(state, step)
  const key = `again:${step.id}@${step.attempt}`
  state.timers.add({ key, due: data.retry_at, cause: seq, what: 'again', step: step.id, attempt: step.attempt })
}

function fireTimer(state: RunState, { data, seq }: EventOf<'timer-fired'>): void {
  const timer = state.timers.get(data.key)
  if (!timer) return
  state.timers.drop(data.key)
  if (timer.what === 'deadline') stopRun(state, 'exhausted', { reason: 'deadline', cause: seq })
  else if (timer.what === 'expire') state.due.push({ what: 'deny', key: timer.effect, cause: seq })
  else if (timer.what === 'redo') state.due.push({ what: 'redo', key: timer.effect, cause: seq })
  else if (timer.what === 'again') state.ready.push({ step: timer.step, cause: seq })
  else state.due.push({ what: 'time-out', step: timer.step, attempt: timer.attempt, cause: seq })
}

function abort(state: RunState, step: StepState, event: Event): void {
  if (step.status !== 'running') return
  state.wakes.push({ step: step.id, attempt: step.attempt, what: 'abort', seq: event.seq, at: event.at })
}

function stepOf(state: RunState, id: string): StepState {
  const step = state.steps.get(id)
  if (!step) throw new Error(`event ${state.seq} names the step ${id}, which does not exist`)
  return step
}

/** Results of ended steps live in the journal, not in memory. */
function bare<T extends { readonly inline?: unknown }>(value: T): Omit<T, 'inline'> {
  const { inline: _, ...rest } = value
  return rest
}
