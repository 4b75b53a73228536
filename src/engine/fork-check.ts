import type { Problem } from '../events/errors.ts'
import type { Event, RunLimits } from '../events/event.ts'
import { unansweredOf } from '../events/evolve-fork.ts'
import { answerFits } from '../events/presets.ts'
import { isEnded, type RunState, type StepState } from '../events/state.ts'
import type { Json, JsonObject } from '../events/values.ts'

/** What a fork is to change. Everything binds what starts after it. */
export interface ForkWish {
  /** Only before any step has started. */
  readonly input?: Json
  readonly limits?: Partial<RunLimits>
  /** New settings by step; a running step begins anew with them. */
  readonly specs?: { readonly [step: string]: JsonObject }
  /**
   * Answers instead of the world's: for the effect of this name (`model`, `tool:CALL_ID`) or kind, or the only one; the open
   * one, else the next the step asks. At most one answer of a step goes without a name.
   */
  readonly answers?: readonly {
    readonly step: string
    readonly effect?: string
    readonly kind?: string
    readonly answer: Json
  }[]
}

type WishedAnswer = NonNullable<ForkWish['answers']>[number]

interface Asked {
  readonly step: string
  readonly key: string
  readonly kind: string
  answeredAt: number
}

/** Follows the past of a fork, so that at each event it can say whether the wish may be granted there. */
export class ForkCheck {
  /** The last event at which the wish could be granted; 0: none so far. */
  latest = 0
  /** Why not, at the newest event. */
  refusal: Problem | undefined
  readonly #wish: ForkWish
  readonly #named: ReadonlySet<string>
  /** What the running attempts of the named steps have asked. */
  readonly #asked = new Map<string, Asked[]>()
  #begun = false

  constructor(wish: ForkWish) {
    this.#wish = wish
    this.#named = new Set(wish.answers?.map((answer) => answer.step))
  }

  /** To be called with each event after it was folded, while `state.wakes` still tells what followed from it. */
  take(event: Event, state: RunState): void {
    for (const wake of state.wakes) {
      if (wake.what === 'start') {
        this.#begun = true
        this.#asked.delete(wake.step)
      } else if (wake.what === 'answer') {
        for (const asked of this.#asked.get(wake.step) ?? []) if (asked.key === wake.offer) asked.answeredAt = event.seq
      }
    }
    if (event.type === 'effect-intended' && this.#named.has(event.data.step)) {
      const { step, key, kind, answered_by } = event.data
      const list = this.#asked.get(step) ?? []
      const answeredAt = answered_by === undefined ? 0 : event.seq
      if (!list.some((asked) => asked.key === key)) list.push({ step, key, kind, answeredAt })
      this.#asked.set(step, list)
    }
    this.refusal = this.#refuse(state)
    if (!this.refusal) this.latest = event.seq
  }

  #refuse(state: RunState): Problem | undefined {
    const { input, specs, answers } = this.#wish
    if (state.finished) return tooLate('the run had ended')
    if (state.stop) return tooLate(`the run was being stopped (${state.stop.reason})`)
    if (input !== undefined && this.#begun) return tooLate('steps had started, and they had read the input')
    for (const id of Object.keys(specs ?? {})) {
      const problem = refuseSpec(state, id)
      if (problem) return problem
    }
    for (const answer of answers ?? []) {
      const problem = this.#refuseAnswer(state, answer)
      if (problem) return problem
    }
    return undefined
  }

  #refuseAnswer(state: RunState, wished: WishedAnswer): Problem | undefined {
    const { step: id, effect } = wished
    if (state.planned?.some((plan) => plan.id === id)) return undefined
    const step = state.steps.get(id)
    if (!step) return missing(id)
    if (isEnded(step.status)) return tooLate(`the step ${id} had ended`)
    if (step.status !== 'running' || Object.hasOwn(this.#wish.specs ?? {}, id)) return undefined
    const open = unansweredOf(state, step).filter((candidate) => answerFits(wished, candidate))
    if (open.length > 1 && effect === undefined) {
      const keys = open.map(({ key }) => key).join(', ')
      const hint = 'Name the effect that the answer is for.'
      return { code: 'fork_refused', message: `the step ${id} waits for several answers: ${keys}`, hint }
    }
    const given = this.#asked.get(id)?.find((asked) => asked.answeredAt > 0 && answerFits(wished, asked))
    return open.length > 0 || !given ? undefined : tooLate(`${given.key} was answered by event ${given.answeredAt}`)
  }
}

function refuseSpec(state: RunState, id: string): Problem | undefined {
  if (state.planned?.some((plan) => plan.id === id)) return undefined
  const step = state.steps.get(id)
  if (!step) return missing(id)
  if (isEnded(step.status)) return tooLate(`the step ${id} had ended`)
  if (step.proposals?.size) return tooLate(`the step ${id} had proposed steps, which belong to its old settings`)
  const deed = openDeed(state, step)
  return deed === undefined ? undefined : tooLate(`the step ${id} had begun ${deed}, which must not be done twice`)
}

/** An unsafe effect under way, or one nobody knows the outcome of. */
function openDeed(state: RunState, step: StepState): string | undefined {
  for (const key of step.effects ?? []) {
    const effect = state.effects.get(key)
    if (effect?.safety === 'unsafe' && (effect.status === 'open' || effect.status === 'unknown')) return key
  }
  return undefined
}

function missing(id: string): Problem {
  return { code: 'fork_refused', message: `there is no step ${id} at that event` }
}

function tooLate(message: string): Problem {
  return { code: 'fork_too_late', message }
}
