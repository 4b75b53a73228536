import type { Event, EventOf, PlannedStep } from '../events/event.ts'
import type { KeptAnswer } from '../events/kept-answer.ts'
import type { JsonObject } from '../events/values.ts'

/** An answer that a step was given, from the world or from the cache. */
export interface GivenAnswer {
  readonly step: string
  readonly attempt: number
  readonly source: string
  /** A model's wish for tools: the conversation goes on. */
  readonly turn: boolean
  /** Absent when it is not to be kept, whatever becomes of the step. */
  readonly answer?: Omit<KeptAnswer, 'target'>
}

/** Answers of a step that has succeeded, of which checks are still to come. */
interface Unverified {
  readonly answers: readonly Omit<KeptAnswer, 'target'>[]
  /** The steps whose answers have to pass. */
  readonly needs: Set<string>
}

/**
 * Holds the answers of one run until they have proven good: the step that asked has succeeded with them, and every check around that step
 * has passed this very answer. All others are dropped, also when the process ends first.
 *
 * A step's newest answer takes the place of those before it: they were refused, or another model failed. Only its own model's wishes for
 * tools stay, because the newest answer is built on them.
 */
export class Probation {
  readonly #keep: (answer: KeptAnswer) => void
  readonly #parents = new Map<string, string>()
  readonly #verified = new Set<string>()
  readonly #given = new Map<string, GivenAnswer[]>()
  readonly #waiting = new Map<string, Unverified[]>()
  #target: string | undefined

  constructor(keep: (answer: KeptAnswer) => void) {
    this.#keep = keep
  }

  /** Has it seen how the run began? One that was taken up has a past, which has to be learnt. */
  get knowsRun(): boolean {
    return this.#target !== undefined
  }

  /** Takes from an event who stands inside whom. */
  learn(event: Event): void {
    if (event.type === 'run-started') {
      this.#target = event.data.target.name
      this.#plan(event.data.steps)
    } else if (event.type === 'steps-added' && 'steps' in event.data) this.#plan(event.data.steps, event.data.step)
  }

  hold(given: GivenAnswer): void {
    const before = this.#given.get(given.step) ?? []
    const { attempt, source } = given
    const turns = before.filter((each) => each.turn && each.attempt === attempt && each.source === source)
    this.#given.set(given.step, [...turns, given])
  }

  see(event: Event): void {
    this.learn(event)
    switch (event.type) {
      case 'step-finished':
        this.#finish(event)
        break
      case 'step-failed':
      case 'step-cancelled':
        this.#given.delete(event.data.step)
        break
      case 'step-verified':
        this.#judge(event.data.facts)
        break
      case 'run-finished':
        this.#given.clear()
        this.#waiting.clear()
    }
  }

  #plan(steps: readonly Pick<PlannedStep, 'id' | 'kind'>[], parent?: string): void {
    for (const { id, kind } of steps) {
      if (kind === 'verified') this.#verified.add(id)
      if (parent !== undefined) this.#parents.set(id, parent)
    }
  }

  #finish({ data: { step, attempt } }: EventOf<'step-finished'>): void {
    const given = this.#given.get(step) ?? []
    this.#given.delete(step)
    const answers = given.flatMap((each) => (each.attempt === attempt && each.answer ? [each.answer] : []))
    // Of a run whose past could not be read nobody knows what is still to be checked.
    if (answers.length === 0 || !this.knowsRun) return
    const needs = new Set(this.#listChecked(step))
    if (needs.size === 0) return this.#release(answers)
    for (const need of needs) this.#waiting.set(need, [...(this.#waiting.get(need) ?? []), { answers, needs }])
  }

  /** A step and those around it, as far as their answers are checked. */
  #listChecked(step: string): string[] {
    const checked: string[] = []
    for (let at = step; ; ) {
      const parent = this.#parents.get(at)
      if (parent === undefined) return checked
      if (this.#verified.has(parent)) checked.push(at)
      at = parent
    }
  }

  #judge({ answer, status }: JsonObject): void {
    if (typeof answer !== 'string') return
    const waiting = this.#waiting.get(answer) ?? []
    this.#waiting.delete(answer)
    if (status !== 'passed') return
    for (const { answers, needs } of waiting) {
      needs.delete(answer)
      if (needs.size === 0) this.#release(answers)
    }
  }

  #release(answers: Unverified['answers']): void {
    for (const answer of answers) this.#keep({ ...answer, target: this.#target ?? '' })
  }
}
