import type { PlannedStep } from './event.ts'
import { dropEffectsOf } from './evolve-effects.ts'
import { addLabels } from './labels.ts'
import { createAccount } from './money.ts'
import { sightOf } from './sight.ts'
import { isEnded, type RunState, type StepState } from './state.ts'

/** Puts planned steps into the state; those without unfinished dependencies become ready, in the order given. */
export function addSteps(
  state: RunState,
  plans: readonly PlannedStep[],
  origin?: { readonly parent: string; readonly proposal: string },
): void {
  for (const plan of plans) {
    state.steps.set(plan.id, {
      id: plan.id,
      kind: plan.kind,
      parent: origin?.parent,
      proposal: origin?.proposal,
      plan,
      dependents: [],
      status: 'waiting',
      attempt: 0,
      missing: plan.after.length,
      skippedDependencies: 0,
      barred: undefined,
      affirmed: false,
      cause: state.seq,
      calls: 0,
      touched: false,
      waitingOn: 0,
      proposals: undefined,
      effects: undefined,
      approvals: undefined,
      denied: undefined,
      account: plan.budget ? createAccount() : undefined,
      labels: [],
      output: undefined,
      lost: undefined,
      failure: undefined,
    })
  }
  state.unended += plans.length
  for (const plan of plans) {
    for (const edge of plan.after)
      (state.steps.get(edge.step) as StepState).dependents.push({ step: plan.id, on: edge.on })
  }
  for (const plan of plans) if (plan.after.length === 0) makeReady(state, state.steps.get(plan.id) as StepState)
}

function makeReady(state: RunState, step: StepState): void {
  step.status = 'ready'
  state.ready.push({ step: step.id, cause: state.seq })
}

/** A new attempt begins: start or retry. */
export function beginAttempt(state: RunState, step: StepState): void {
  const { seq, at } = state
  step.attempt += 1
  step.status = 'running'
  step.denied = undefined
  for (const id of sightOf(step)) addLabels(step, state.steps.get(id)?.labels)
  if (step.parent !== undefined) addLabels(step, state.steps.get(step.parent)?.labels)
  step.cause = seq
  state.active.add(step.id)
  state.slots += 1
  const timeout = step.plan.timeout_ms
  if (timeout !== undefined) {
    const key = `timeout:${step.id}@${step.attempt}`
    state.timers.add({ key, due: at + timeout, cause: seq, what: 'timeout', step: step.id, attempt: step.attempt })
  }
  state.wakes.push({ step: step.id, attempt: step.attempt, what: 'start', seq, at })
}

/** The running attempt is over, whether or not the step is. */
export function endAttempt(state: RunState, step: StepState): void {
  if (step.status === 'running' && step.waitingOn === 0) state.slots -= 1
  step.waitingOn = 0
  if (step.plan.timeout_ms !== undefined) state.timers.drop(`timeout:${step.id}@${step.attempt}`)
}

/** Closes a step for good and tells everyone who waited for it. */
export function endStep(
  state: RunState,
  step: StepState,
  status: 'succeeded' | 'failed' | 'skipped' | 'cancelled',
): void {
  endAttempt(state, step)
  if (step.status === 'retrying') state.timers.drop(`again:${step.id}@${step.attempt}`)
  step.status = status
  state.active.delete(step.id)
  state.unended -= 1
  state.lastEnd = state.seq
  dropEffectsOf(state, step)
  if (step.parent === undefined) {
    state.ended[status] += 1
    const counts = state.output === undefined ? step.dependents.length === 0 : state.output === step.id
    if (counts && status === 'succeeded') state.goodEnds += 1
  }
  if (status === 'failed' || status === 'cancelled') cancelChildren(state, step)
  for (const { step: id, on } of step.dependents) {
    const dependent = state.steps.get(id) as StepState
    if (dependent.status !== 'waiting') continue
    if (status === 'skipped') dependent.skippedDependencies += 1
    if (on === 'success' && status !== 'succeeded') dependent.barred ??= 'edge'
    if (on === 'failure' && status !== 'failed') dependent.barred ??= 'edge'
    if (on === 'verdict' && !step.affirmed) dependent.barred ??= 'condition'
    dependent.missing -= 1
    if (dependent.missing === 0) settleReadiness(state, dependent)
  }
  if (step.parent !== undefined) tellParent(state, step)
}

function settleReadiness(state: RunState, step: StepState): void {
  if (state.stop) return
  const cause = state.seq
  if (step.skippedDependencies === step.plan.after.length) {
    state.due.push({ what: 'skip', step: step.id, reason: 'dependencies-skipped', cause })
  } else if (step.barred) {
    state.due.push({ what: 'skip', step: step.id, reason: step.barred, cause })
  } else {
    makeReady(state, step)
  }
}

/** Children that ran are cancelled by decision; children that never started just never start. */
function cancelChildren(state: RunState, step: StepState): void {
  if (!step.proposals) return
  for (const proposal of step.proposals.values()) {
    for (const id of proposal.children) {
      const child = state.steps.get(id) as StepState
      if (child.status === 'running' || child.status === 'retrying') {
        state.due.push({ what: 'cancel', step: id, reason: 'parent-ended', cause: state.seq })
      } else if (!isEnded(child.status)) {
        child.status = 'cancelled'
        state.unended -= 1
      }
    }
  }
}

function tellParent(state: RunState, child: StepState): void {
  const parent = state.steps.get(child.parent as string) as StepState
  const proposal = parent.proposals?.get(child.proposal as string)
  addLabels(parent, child.labels)
  if (!proposal) return
  proposal.unfinished -= 1
  if (proposal.unfinished === 0) finishProposal(state, parent, proposal.name)
}

/** All children of a proposal have ended: the attempt that waits is told. */
export function finishProposal(state: RunState, parent: StepState, name: string): void {
  const proposal = parent.proposals?.get(name)
  if (!proposal || parent.status !== 'running' || proposal.attempt !== parent.attempt) return
  parent.waitingOn -= 1
  if (parent.waitingOn === 0) state.slots += 1
  parent.cause = state.seq
  state.wakes.push({
    step: parent.id,
    attempt: parent.attempt,
    what: 'children',
    offer: name,
    seq: state.seq,
    at: state.at,
  })
}

/** An attempt waits for a proposal's children; meanwhile it takes no place. */
export function beginProposal(state: RunState, parent: StepState): void {
  if (parent.waitingOn === 0) state.slots -= 1
  parent.waitingOn += 1
}

/** Ends everything that runs, by decision; what never started gets no event. */
export function stopRun(
  state: RunState,
  status: 'cancelled' | 'exhausted',
  how: { reason: string; cause: number },
): void {
  if (state.stop) return
  state.stop = { status, ...how }
  state.ready.length = 0
  state.readyHead = 0
  for (const id of state.active) state.due.push({ what: 'cancel', step: id, reason: how.reason, cause: how.cause })
}
