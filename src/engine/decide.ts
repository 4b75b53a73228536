import { fits } from '../events/accounts.ts'
import { nextDue, nextReady } from '../events/due.ts'
import type { RunStatus } from '../events/event.ts'
import type { ApprovalState, Due, EffectState, RunState, StepState } from '../events/state.ts'
import { failAttempt } from './admit.ts'
import type { Draft } from './draft.ts'

/** The decision that follows from the events so far, if one is due. A function of the state alone; `at` is the turn's time. */
export function decide(state: RunState, at: number): Draft | undefined {
  if (state.finished || state.seq === 0) return undefined
  const due = nextDue(state)
  if (due) return settleDue(state, due, at)
  if (state.paused) return undefined
  const ready = nextReady(state)
  if (ready && !state.stop && state.slots < (state.limits.max_concurrent ?? Infinity)) {
    const step = state.steps.get(ready.step) as StepState
    return {
      type: step.status === 'retrying' ? 'step-retried' : 'step-started',
      actor: 'engine',
      data: { step: step.id, attempt: step.attempt + 1, version: state.kinds[step.kind] ?? 0 },
      causes: [ready.cause],
    }
  }
  if (state.openEffects > 0 || state.active.size > 0 || (state.unended > 0 && !state.stop)) return undefined
  return finishRun(state)
}

function settleDue(state: RunState, due: Due, at: number): Draft {
  const causes = [due.cause]
  switch (due.what) {
    case 'add':
      return {
        type: 'steps-added',
        actor: 'engine',
        data: { from: 'definition', count: state.planned?.length ?? 0 },
        causes,
      }
    case 'skip':
      return { type: 'step-skipped', actor: 'engine', data: { step: due.step, reason: due.reason }, causes }
    case 'time-out': {
      const step = state.steps.get(due.step) as StepState
      const message = `the step took longer than its ${step.plan.timeout_ms} ms`
      return failAttempt(state, step, { code: 'timeout', message, at, actor: 'engine', cause: due.cause })
    }
    case 'cancel': {
      const step = state.steps.get(due.step) as StepState
      return {
        type: 'step-cancelled',
        actor: 'engine',
        data: { step: step.id, attempt: step.attempt, reason: due.reason },
        causes,
      }
    }
    case 'redo': {
      const effect = state.effects.get(due.key) as EffectState
      if (effect.price && !fits(state, state.steps.get(effect.step) as StepState, effect.price)) {
        const { step, attempt, key, request } = effect
        const message = 'the budget does not pay for another try'
        const data = { step, attempt, key, request, code: 'budget_exhausted', message }
        return { type: 'budget-refused', actor: 'engine', data, causes }
      }
      return {
        type: 'effect-intended',
        actor: 'engine',
        data: {
          step: effect.step,
          attempt: effect.attempt,
          key: effect.key,
          kind: effect.kind,
          safety: effect.safety,
          request: effect.request,
          ...(effect.pool === undefined ? {} : { pool: effect.pool }),
          redo: effect.tries,
          ...(effect.price === undefined ? {} : { reserved: effect.price }),
          ...(effect.output_tokens === undefined ? {} : { output_tokens: effect.output_tokens }),
        },
        causes,
      }
    }
    case 'deny': {
      const { step, key, request } = state.approvals.get(due.key) as ApprovalState
      return { type: 'approval-denied', actor: 'engine', data: { step, key, request, reason: 'expired' }, causes }
    }
    case 'settle': {
      const { step, key, amount, basis } = due
      return { type: 'budget-settled', actor: 'engine', data: { step, key, amount, basis }, causes }
    }
    case 'unknown': {
      const effect = state.effects.get(due.key) as EffectState
      return { type: 'effect-unknown', actor: 'engine', data: { key: effect.key, step: effect.step }, causes }
    }
  }
}

function finishRun(state: RunState): Draft {
  const { reason } = state.stop ?? {}
  return {
    type: 'run-finished',
    actor: 'engine',
    data: {
      status: statusOf(state),
      steps: { ...state.ended },
      unknown: [...state.unknown],
      ...(state.output === undefined ? {} : { output: state.output }),
      ...(reason === undefined ? {} : { reason }),
    },
    causes: [state.stop && state.stop.cause > state.lastEnd ? state.stop.cause : state.lastEnd],
  }
}

/** `partial`: some steps failed and the graph went on; `failed`: none of the last steps succeeded. */
function statusOf(state: RunState): RunStatus {
  if (state.stop) return state.stop.status
  if (state.ended.failed === 0 && state.partial === 0) return 'succeeded'
  if (state.refused && (state.ended.failed > 0 || state.partial > 0)) return 'exhausted'
  return state.goodEnds > 0 ? 'partial' : 'failed'
}
