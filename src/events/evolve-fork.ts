import type { EventOf, ForkChange } from './event.ts'
import { askAgain } from './evolve-approvals.ts'
import { answerEffect, dropWaiting, reopenEffects } from './evolve-effects.ts'
import { forgetSpending } from './evolve-money.ts'
import { endAttempt } from './evolve-steps.ts'
import { answerFits } from './presets.ts'
import type { EffectState, RunState, StepState } from './state.ts'

/**
 * A copy of the run goes on under a change. Attempts that run keep their old settings unless the change names their step.
 * The clock goes on where it stood, so waits and time limits have what was left of them; `before` is the time of the last event.
 */
export function forkRun(state: RunState, { data, seq, at }: EventOf<'run-forked'>, before: number): void {
  state.paused = false
  state.kinds = data.kinds
  state.startedBy = data.started_by
  // The fork has an inbox of its own.
  state.command = 0
  state.timers.shift(at - before)
  const { input, limits, specs, answers } = data.change
  if (input) state.input = input
  if (limits) changeLimits(state, limits, { seq, at })
  for (const { step, spec } of specs ?? []) changeSpec(state, { id: step, spec, seq, at })
  for (const answer of answers ?? []) giveAnswer(state, answer, seq)
  askAgain(state)
  forgetSpending(state)
  reopenEffects(state, seq)
}

function changeLimits(
  state: RunState,
  limits: NonNullable<ForkChange['limits']>,
  place: { seq: number; at: number },
): void {
  state.limits = { ...state.limits, ...limits }
  if (limits.timeout_ms === undefined) return
  state.timers.drop('deadline')
  state.timers.add({ key: 'deadline', due: place.at + limits.timeout_ms, cause: place.seq, what: 'deadline' })
}

function changeSpec(
  state: RunState,
  {
    id,
    spec,
    seq,
    at,
  }: { id: string; spec: NonNullable<ForkChange['specs']>[number]['spec']; seq: number; at: number },
): void {
  state.planned = state.planned?.map((plan) => (plan.id === id ? { ...plan, spec } : plan))
  const step = state.steps.get(id)
  if (!step) return
  step.plan = { ...step.plan, spec }
  if (step.status !== 'running') return
  state.wakes.push({ step: id, attempt: step.attempt, what: 'abort', seq, at })
  endAttempt(state, step)
  dropWaiting(state, step)
  step.status = 'retrying'
  state.ready.push({ step: id, cause: seq })
}

function giveAnswer(state: RunState, answer: NonNullable<ForkChange['answers']>[number], seq: number): void {
  const step = state.steps.get(answer.step)
  const open = step && unansweredOf(state, step).find((effect) => answerFits(answer, effect))
  if (open) return answerEffect(state, open)
  const presets = state.presets.get(answer.step) ?? []
  presets.push({ effect: answer.effect, kind: answer.kind, seq })
  state.presets.set(answer.step, presets)
}

/** Effects that the running attempt waits for. */
export function unansweredOf(state: RunState, step: StepState): readonly EffectState[] {
  if (step.status !== 'running') return []
  const effects = [...(step.effects ?? [])].map((key) => state.effects.get(key) as EffectState)
  return effects.filter(
    ({ attempt, status }) =>
      attempt === step.attempt && (status === 'open' || status === 'waiting' || status === 'unknown'),
  )
}
