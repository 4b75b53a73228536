import { checkNeed, isLimited } from '../events/accounts.ts'
import { canonicalJson } from '../events/canonical.ts'
import type { Actor, PlannedStep } from '../events/event.ts'
import { withoutInline } from '../events/hash.ts'
import type { Need } from '../events/money.ts'
import { presetFor } from '../events/presets.ts'
import { fingerprint } from '../events/random.ts'
import { sightOf } from '../events/sight.ts'
import { type RunState, type StepState } from '../events/state.ts'
import type { Json, JsonObject, Value } from '../events/values.ts'
import type { Draft } from './draft.ts'
import type { Safety } from './effect.ts'
import type { RecordType } from './step.ts'

interface OfAttempt {
  readonly step: string
  readonly attempt: number
  /** What the driver matches by: an effect's key, `propose:NAME`, `TYPE#n`, or `end`. */
  readonly id: string
}

/** Something a step's code offers; its content has been made into values. It stays offered until an event answers it. */
export type Offer = OfAttempt &
  (
    | {
        readonly what: 'effect'
        readonly kind: string
        readonly safety: Safety
        readonly pool?: string
        readonly need?: Need
        readonly request: Value
      }
    | { readonly what: 'propose'; readonly name: string; readonly steps: readonly PlannedStep[] }
    | {
        readonly what: 'record'
        readonly type: RecordType
        readonly n: number
        readonly facts: JsonObject
        readonly content?: Value
      }
    | { readonly what: 'finish'; readonly output: Value; readonly verdict?: Json }
    | { readonly what: 'fail'; readonly code: string; readonly message: string; readonly output?: Value }
  )

/**
 * What becomes of an offer at this moment: an event, nothing yet (`hold`), or nothing ever (`stale`).
 * A function of the state, the offer and the turn's time.
 */
export function admit(state: RunState, offer: Offer, at: number): Draft | 'hold' | 'stale' {
  const step = state.steps.get(offer.step)
  if (!step || step.status !== 'running' || step.attempt !== offer.attempt) return 'stale'
  if (step.denied?.has(offer.id)) return 'stale'
  if (state.paused) return 'hold'
  const causes = [step.cause]
  const { step: id, attempt } = offer
  switch (offer.what) {
    case 'effect':
      return admitEffect(state, step, offer)
    case 'propose':
      return admitProposal(state, step, { offer, at })
    case 'record': {
      const content = offer.content === undefined ? {} : { content: offer.content }
      return {
        type: offer.type,
        actor: 'step',
        data: { step: id, attempt, n: offer.n, facts: offer.facts, ...content },
        causes,
      }
    }
    case 'finish': {
      const verdict = offer.verdict === undefined ? {} : { verdict: offer.verdict }
      return {
        type: 'step-finished',
        actor: 'step',
        data: { step: id, attempt, output: offer.output, ...verdict },
        causes,
      }
    }
    case 'fail':
      return failAttempt(state, step, { ...offer, at, actor: 'step', cause: step.cause })
  }
}

function admitEffect(state: RunState, step: StepState, offer: Offer & { what: 'effect' }): Draft | 'hold' {
  const { step: id, attempt, kind, safety, request } = offer
  const base = {
    step: id,
    attempt,
    key: offer.id,
    kind,
    safety,
    request,
    ...(offer.pool === undefined ? {} : { pool: offer.pool }),
  }
  const causes = [step.cause]
  const known = state.effects.get(offer.id)
  if (known) {
    if (known.request.sha256 !== request.sha256) {
      const message = `the step asked ${offer.id} before with another request (event ${known.intent})`
      return failedOffer(step, { code: 'step_diverged', message, offer: offer.id })
    }
    if (known.status !== 'done' && known.status !== 'failed') return 'hold'
    return { type: 'effect-intended', actor: 'step', data: { ...base, answered_by: known.answer }, causes }
  }
  const approval = state.approvals.get(offer.id)
  if (approval && (approval.status === 'asked' || approval.request !== request.sha256)) return 'hold'
  const preset = presetFor(state, { step: id, key: offer.id, kind })
  if (preset) return { type: 'effect-intended', actor: 'step', data: { ...base, answered_by: preset.seq }, causes }
  const refuse = ({ code, message }: { readonly code: string; readonly message: string }): Draft => {
    const data = { step: id, attempt, key: offer.id, request, code, message }
    return { type: 'budget-refused', actor: 'step', data, causes }
  }
  if (safety === 'billable' && step.calls >= state.limits.calls_per_step)
    return refuse({ code: 'calls_exhausted', message: `the step has made its ${state.limits.calls_per_step} calls` })
  // Without a limit there is nothing to hold: what it cost stands beside the answer.
  const unlimited = !isLimited(state, step)
  if (unlimited || (!offer.need && safety !== 'billable'))
    return { type: 'effect-intended', actor: 'step', data: base, causes }
  if (!offer.need)
    return refuse({ code: 'price_unknown', message: 'nobody says what this call may cost, and there is a limit' })
  const affordable = checkNeed(state, step, offer.need)
  if (affordable.answer === 'later' || affordable.answer === 'ask') return 'hold'
  if (affordable.answer === 'no') return refuse(affordable)
  const { amount, output_tokens } = affordable.reservation
  const cut = offer.need.open || output_tokens < offer.need.output_tokens ? { output_tokens } : {}
  return { type: 'effect-intended', actor: 'step', data: { ...base, reserved: amount, ...cut }, causes }
}

function admitProposal(
  state: RunState,
  step: StepState,
  { offer, at }: { offer: Offer & { what: 'propose' }; at: number },
): Draft {
  const data = { step: step.id, attempt: step.attempt, proposal: offer.name, steps: offer.steps }
  const known = step.proposals?.get(offer.name)
  if (known) {
    const same =
      fingerprint(canonicalJson((withoutInline('steps-added', data) as typeof data).steps)) === known.fingerprint
    const message = `the step proposed other steps under the name ${offer.name} before`
    if (!same) return failedOffer(step, { code: 'step_diverged', message, offer: offer.id })
    return { type: 'steps-added', actor: 'step', data: { ...data, joins: true }, causes: [step.cause] }
  }
  const sight = new Set(sightOf(step))
  const blind = offer.steps.flatMap((child) => child.inherit ?? []).find((id) => !sight.has(id))
  if (blind !== undefined) {
    const message = `the step proposed that a child sees ${blind}, which it does not see itself`
    return failedOffer(step, { code: 'bad_proposal', message, offer: offer.id })
  }
  const taken = offer.steps.find((child) => state.steps.has(child.id))
  if (taken) {
    const message = `the step proposed ${taken.id}, which exists already`
    return failAttempt(state, step, {
      code: 'bad_proposal',
      message,
      at,
      actor: 'step',
      cause: step.cause,
      offer: offer.id,
    })
  }
  return { type: 'steps-added', actor: 'step', data, causes: [step.cause] }
}

function failedOffer(
  step: StepState,
  { code, message, offer }: { code: string; message: string; offer: string },
): Draft {
  return {
    type: 'step-failed',
    actor: 'step',
    data: { step: step.id, attempt: step.attempt, code, message, offer },
    causes: [step.cause],
  }
}

/** How an attempt fails: for good, or to be run again if the step may and no unsafe effect of it may have happened. */
export function failAttempt(
  state: RunState,
  step: StepState,
  how: {
    readonly code: string
    readonly message: string
    readonly output?: Value
    readonly offer?: string
    readonly at: number
    readonly actor: Actor
    readonly cause: number
  },
): Draft {
  const { retry } = step.plan
  const again = retry !== undefined && step.attempt < retry.attempts && !mayHaveTouched(state, step) && !state.stop
  return {
    type: 'step-failed',
    actor: how.actor,
    data: {
      step: step.id,
      attempt: step.attempt,
      code: how.code,
      message: how.message,
      ...(how.output === undefined ? {} : { output: how.output }),
      ...(how.offer === undefined ? {} : { offer: how.offer }),
      ...(again ? { retry_at: how.at + (retry.delay_ms ?? 0) } : {}),
    },
    causes: [how.cause],
  }
}

function mayHaveTouched(state: RunState, step: StepState): boolean {
  if (step.touched) return true
  for (const key of step.effects ?? []) {
    const effect = state.effects.get(key)
    if (effect?.safety === 'unsafe' && (effect.status === 'open' || effect.status === 'unknown')) return true
  }
  return false
}

/** Problems of a proposal that follow from itself alone: found where it is made, before it is offered. */
export function checkProposal(
  parent: string,
  steps: readonly { readonly id: string; readonly after?: readonly { readonly step: string }[] }[],
): string | undefined {
  const ids = new Set<string>()
  for (const step of steps) {
    if (!/^[/[#~]/.test(step.id.slice(parent.length)) || !step.id.startsWith(parent))
      return `the proposed id ${step.id} does not begin with ${parent}/`
    if (ids.has(step.id)) return `the id ${step.id} is proposed twice`
    ids.add(step.id)
  }
  const left = new Map(steps.map((step) => [step.id, step.after?.length ?? 0]))
  const dependents = new Map<string, string[]>()
  for (const step of steps) {
    for (const { step: on } of step.after ?? []) {
      if (!ids.has(on)) return `${step.id} depends on ${on}, which is not proposed with it`
      dependents.set(on, [...(dependents.get(on) ?? []), step.id])
    }
  }
  const free = steps.filter((step) => left.get(step.id) === 0).map((step) => step.id)
  for (const id of free) {
    for (const dependent of dependents.get(id) ?? []) {
      const count = (left.get(dependent) ?? 0) - 1
      left.set(dependent, count)
      if (count === 0) free.push(dependent)
    }
  }
  return free.length === steps.length ? undefined : 'the proposed steps depend on each other in a circle'
}
