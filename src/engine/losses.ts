import { type Event, originOf } from '../events/event.ts'
import { valuesOf } from '../events/hash.ts'
import { isEnded, type RunState, type StepState } from '../events/state.ts'
import { INLINE_LIMIT, type Value } from '../events/values.ts'

/** Watches a record go by for small content that has been removed; larger content is looked for when somebody needs it. */
export class Losses {
  readonly #digests = new Set<string>()
  readonly #events = new Set<number>()

  take(event: Event): void {
    // Decisions repeat values without their content.
    if (originOf(event.type, event.actor) === 'decision') return
    for (const { value } of valuesOf(event)) {
      if (value.inline || value.bytes > INLINE_LIMIT) continue
      this.#digests.add(value.sha256)
      this.#events.add(event.seq)
    }
  }

  /** A step that has not ended and needs content which is gone; `has` tells whether a blob is there. */
  async findNeedy(state: RunState, has: (sha256: string) => Promise<boolean>): Promise<string | undefined> {
    const known = new Map<string, boolean>()
    for (const step of state.steps.values()) {
      if (isEnded(step.status) || state.stop) continue
      for (const key of step.effects ?? []) {
        const effect = state.effects.get(key)
        if (effect && this.#events.has(effect.answer)) return step.id
      }
      for (const value of needsOf(state, step)) {
        let there = known.get(value.sha256)
        if (there === undefined) {
          there = value.bytes > INLINE_LIMIT ? await has(value.sha256) : !this.#digests.has(value.sha256)
          known.set(value.sha256, there)
        }
        if (!there) return step.id
      }
    }
    return undefined
  }
}

/** What a step may yet be told or have done for it. */
function* needsOf(state: RunState, step: StepState): Iterable<Value> {
  if (state.input) yield state.input
  yield step.plan.spec
  for (const edge of step.plan.after) yield* outputOf(state, edge.step)
  for (const proposal of step.proposals?.values() ?? []) {
    for (const child of proposal.children) yield* outputOf(state, child)
  }
  for (const key of step.effects ?? []) {
    const effect = state.effects.get(key)
    if (effect && effect.status !== 'done' && effect.status !== 'failed') yield effect.request
  }
}

function* outputOf(state: RunState, id: string): Iterable<Value> {
  const output = state.steps.get(id)?.output
  if (output) yield output.value
}
