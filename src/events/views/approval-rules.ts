import type { EventOf } from '../event.ts'
import { isBudgetKey } from '../money.ts'
import type { Complain, StepRules } from './step-rules.ts'

interface KnownApproval {
  readonly step: string
  readonly request: string
  readonly expires_at: number | undefined
  given: boolean
}

/** I16: an effect that was asked about happens only as it was approved, in time and once. */
export class ApprovalRules {
  readonly #steps: StepRules
  readonly #fail: Complain
  readonly #open = new Map<string, KnownApproval>()

  constructor(steps: StepRules, fail: Complain) {
    this.#steps = steps
    this.#fail = fail
  }

  /** Keys a person is asked about. */
  asked(): readonly string[] {
    return [...this.#open].filter(([, { given }]) => !given).map(([key]) => key)
  }

  request({ data }: EventOf<'approval-requested'>): void {
    const { key, step, request, expires_at } = data
    if (this.#steps.known.get(step)?.status !== 'running')
      this.#fail('I16', `asks about ${key}, whose step does not run`)
    if (this.#open.has(key)) this.#fail('I16', `asks about ${key} twice`)
    this.#open.set(key, { step, request: request.sha256, expires_at, given: false })
  }

  give({ data, actor }: EventOf<'approval-given'>): void {
    const open = this.#open.get(data.key)
    // The world repeats what a person has granted for the whole run; it needs no question.
    if (actor === 'world' && !open) return
    if (!open || open.given) return this.#fail('I16', `approves ${data.key}, which nobody asks about`)
    if (open.request !== data.request) this.#fail('I16', `approves ${data.key} with other arguments than were shown`)
    // The budget is raised at once; the question may come again.
    if (isBudgetKey(data.key)) this.#open.delete(data.key)
    else open.given = true
  }

  deny({ data }: EventOf<'approval-denied'>): void {
    this.#open.delete(data.key)
  }

  /** The effect happens. */
  use({ data, at }: EventOf<'effect-intended'>): void {
    const open = this.#open.get(data.key)
    if (!open || data.redo !== undefined) return
    if (!open.given) this.#fail('I16', `intends ${data.key}, which nobody has approved`)
    if (open.request !== data.request.sha256)
      this.#fail('I16', `intends ${data.key} with other arguments than were approved`)
    if (open.expires_at !== undefined && at > open.expires_at)
      this.#fail('I16', `intends ${data.key} after its approval has expired`)
    this.#open.delete(data.key)
  }

  /** The attempt of a step is over: its approvals are void. */
  leave(step: string): void {
    for (const [key, open] of this.#open) if (open.step === step) this.#open.delete(key)
  }

  /** A fork asks again for what has not happened yet. */
  fork(): void {
    for (const open of this.#open.values()) open.given = false
  }
}
