import type { EventOf } from './event.ts'
import { dropApproval } from './evolve-approvals.ts'
import { reserve, settle } from './evolve-money.ts'
import { addLabels } from './labels.ts'
import { takePreset } from './presets.ts'
import { randomOf } from './random.ts'
import { type EffectState, type EffectStatus, isEnded, type RunState, type StepState } from './state.ts'

export function intendEffect(state: RunState, event: EventOf<'effect-intended'>): void {
  const { data } = event
  const step = state.steps.get(data.step) as StepState
  if (step.approvals) dropApproval(state, data.key)
  let effect = state.effects.get(data.key)
  if (effect && data.redo !== undefined) {
    if (effect.status !== 'waiting') countCall(step, effect)
    effect.status = 'open'
    if (effect.price) reserve(state, effect, effect.price)
    effect.tries += 1
    effect.intent = event.seq
  } else {
    const { inline: _, ...request } = data.request
    effect = {
      key: data.key,
      step: data.step,
      attempt: data.attempt,
      kind: data.kind,
      safety: data.safety,
      request,
      pool: data.pool,
      status: 'open',
      price: data.reserved,
      reserved: undefined,
      output_tokens: data.output_tokens,
      tries: 1,
      intent: event.seq,
      asked: event.seq,
      answer: 0,
    }
    if (data.answered_by !== undefined) {
      // What a fork answered once is answered for every attempt, as if it had been done.
      if (takePreset(state, data, data.answered_by) && data.safety === 'unsafe') {
        state.effects.set(data.key, { ...effect, status: 'done', answer: data.answered_by })
        step.effects ??= new Set()
        step.effects.add(data.key)
      }
      step.cause = event.seq
      state.wakes.push({
        step: step.id,
        attempt: data.attempt,
        what: 'answer',
        offer: data.key,
        seq: data.answered_by,
        at: event.at,
      })
      return
    }
    state.effects.set(data.key, effect)
    step.effects ??= new Set()
    step.effects.add(data.key)
    countCall(step, effect)
    if (effect.price) reserve(state, effect, effect.price)
  }
  state.openEffects += 1
}

/** A waiting effect will not be tried again: its timer and its call are given back. */
function stopWaiting(state: RunState, effect: EffectState): void {
  state.timers.drop(`redo:${effect.key}#${effect.tries}`)
  countCall(state.steps.get(effect.step) as StepState, effect, -1)
}

/** A call waiting to be repeated counts already, so that no other takes its place. */
function countCall(step: StepState, { safety }: EffectState, by: 1 | -1 = 1): void {
  if (safety === 'billable') step.calls += by
}

/** The effect is no longer open, if it was: only open ones are counted. */
function leaveOpen(state: RunState, effect: EffectState, status: Exclude<EffectStatus, 'open'>): void {
  if (effect.status === 'open') state.openEffects -= 1
  effect.status = status
}

/** An answer or a final failure: the effect closes, and its step is told unless it has ended. */
function closeEffect(state: RunState, effect: EffectState, status: 'done' | 'failed'): void {
  leaveOpen(state, effect, status)
  effect.answer = state.seq
  const step = state.steps.get(effect.step) as StepState
  const current = step.status === 'running' && step.attempt === effect.attempt
  if (effect.safety !== 'unsafe' || isEnded(step.status)) forget(state, step, effect.key)
  if (!current) return
  step.cause = state.seq
  state.wakes.push({
    step: step.id,
    attempt: step.attempt,
    what: 'answer',
    offer: effect.key,
    seq: state.seq,
    at: state.at,
  })
}

function forget(state: RunState, step: StepState, key: string): void {
  state.effects.delete(key)
  step.effects?.delete(key)
}

export function finishEffect(state: RunState, event: EventOf<'effect-done'>): void {
  const effect = state.effects.get(event.data.key)
  if (!effect) return
  const step = state.steps.get(effect.step) as StepState
  if (effect.safety === 'unsafe') step.touched = true
  addLabels(step, event.data.labels)
  settle(state, effect, event.data)
  closeEffect(state, effect, 'done')
}

/** A fork answers, in the world's place, an effect that nobody has answered. */
export function answerEffect(state: RunState, effect: EffectState): void {
  if (effect.status === 'waiting') stopWaiting(state, effect)
  if (effect.safety === 'unsafe') (state.steps.get(effect.step) as StepState).touched = true
  closeEffect(state, effect, 'done')
}

/** The attempt is over although its step is not: what waited to be tried again is dropped. */
export function dropWaiting(state: RunState, step: StepState): void {
  for (const key of step.effects ?? []) {
    const effect = state.effects.get(key)
    if (effect?.status !== 'waiting') continue
    stopWaiting(state, effect)
    forget(state, step, key)
  }
}

export function failEffect(state: RunState, event: EventOf<'effect-failed'>): void {
  const { data } = event
  const effect = state.effects.get(data.key)
  if (!effect) return
  const step = state.steps.get(effect.step) as StepState
  const unsafe = effect.safety === 'unsafe'
  // A budget outside of the run said no.
  if (data.code === 'budget_exhausted') state.refused = true
  addLabels(step, data.labels)
  settle(state, effect, data)
  if (unsafe && data.code === 'abandoned') {
    leaveOpen(state, effect, 'unknown')
    state.due.push({ what: 'unknown', key: effect.key, cause: event.seq })
    return
  }
  if (unsafe && data.touched !== 'no') step.touched = true
  const wait = waitBefore(state, effect, data.retry_after_ms)
  const current = step.status === 'running' && step.attempt === effect.attempt
  const allowed = data.retry && (!unsafe || data.touched === 'no') && effect.tries < state.limits.tries
  const affordable = effect.safety !== 'billable' || step.calls < state.limits.calls_per_step
  if (current && !state.stop && allowed && affordable && wait !== undefined) {
    leaveOpen(state, effect, 'waiting')
    countCall(step, effect)
    const key = `redo:${effect.key}#${effect.tries}`
    state.timers.add({ key, due: event.at + wait, cause: event.seq, what: 'redo', effect: effect.key })
    return
  }
  closeEffect(state, effect, 'failed')
  if (unsafe && data.touched === 'no') forget(state, step, effect.key)
}

/** Exponential backoff with jitter that belongs to this key and try; undefined when the server asks for more than the cap. */
function waitBefore(state: RunState, effect: EffectState, retryAfter: number | undefined): number | undefined {
  const { backoff_ms, backoff_cap_ms } = state.limits
  if (retryAfter !== undefined && retryAfter > backoff_cap_ms) return undefined
  const full = Math.min(backoff_ms * 2 ** (effect.tries - 1), backoff_cap_ms)
  const jitter = randomOf(`${state.seed}/${effect.key}#${effect.tries}`)
  const wait = Math.round(full * (0.5 + jitter / 2))
  return Math.max(wait, retryAfter ?? 0)
}

/** The limit said no to another try: the step is told, as of a failure. What a lost unsafe try did stays unknown. */
export function refuseEffect(state: RunState, key: string): void {
  const effect = state.effects.get(key)
  if (!effect) return
  const unsafe = effect.safety === 'unsafe'
  const waited = effect.status === 'waiting'
  if (waited) stopWaiting(state, effect)
  else if (unsafe) state.unknown.push(key)
  closeEffect(state, effect, 'failed')
  if (waited && unsafe) forget(state, state.steps.get(effect.step) as StepState, key)
}

export function loseEffect(state: RunState, event: EventOf<'effect-unknown'>): void {
  const effect = state.effects.get(event.data.key)
  if (!effect) return
  const step = state.steps.get(effect.step) as StepState
  if (effect.safety === 'unsafe') step.touched = true
  settle(state, effect, {})
  leaveOpen(state, effect, 'unknown')
  const current = step.status === 'running' && step.attempt === effect.attempt
  if (!current) {
    if (effect.safety === 'unsafe') state.unknown.push(effect.key)
    forget(state, step, effect.key)
    return
  }
  const then = step.plan.on_unknown ?? 'ask'
  if (then === 'retry') state.due.push({ what: 'redo', key: effect.key, cause: event.seq })
  if (then === 'fail') closeEffect(state, effect, 'failed')
}

/**
 * An attempt is over: what waited and what was asked is dropped, what nobody knows is listed, what runs goes on until it reports.
 * If the step will run again, the outcomes of its unsafe effects are kept for the next attempt.
 */
export function dropEffectsOf(state: RunState, step: StepState): void {
  for (const key of step.approvals ?? []) dropApproval(state, key)
  if (!step.effects) return
  for (const key of step.effects) {
    const effect = state.effects.get(key) as EffectState
    const { status } = effect
    if (status === 'open' && effect.kind !== 'ask') continue
    if (!isEnded(step.status) && (status === 'done' || status === 'failed')) continue
    leaveOpen(state, effect, 'failed')
    if (status === 'waiting') stopWaiting(state, effect)
    if (status === 'unknown' && effect.safety === 'unsafe') state.unknown.push(key)
    forget(state, step, key)
  }
}

/** A new holder cannot know what the old one's executors did: unsafe effects become unknown, others are done again. */
export function reopenEffects(state: RunState, cause: number): void {
  for (const effect of state.effects.values()) {
    if (effect.status !== 'open' || effect.kind === 'ask') continue
    const step = state.steps.get(effect.step) as StepState
    const current = step.status === 'running' && step.attempt === effect.attempt
    settle(state, effect, {})
    leaveOpen(state, effect, 'unknown')
    state.due.push({ what: current && effect.safety !== 'unsafe' ? 'redo' : 'unknown', key: effect.key, cause })
  }
}
