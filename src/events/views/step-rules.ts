import type { Event, EventOf, PlannedStep, RunLimits } from '../event.ts'

/** Told of each broken rule: the invariant and what an event did against it. */
export type Complain = (invariant: string, message: string) => void

interface KnownProposal {
  attempt: number
  unfinished: number
  readonly children: readonly string[]
}

export interface KnownStep {
  readonly plan: PlannedStep
  readonly parent: string | undefined
  readonly proposal: string | undefined
  status: 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  /** It finished with the verdict `true`. */
  affirmed?: boolean
  /** It went on over failures inside it. */
  partial?: boolean
  attempt: number
  /** ms UTC; before it the step may not run again. */
  retryAt: number
  /** Proposals of the running attempt whose children have not all ended. */
  waitingOn: number
  readonly proposals: Map<string, KnownProposal>
}

/** I5, I12, I13, I14: what may become of steps. Kept apart from the engine's own fold, so that one can contradict the other. */
export class StepRules {
  limits: RunLimits = { tries: 1, calls_per_step: 1, backoff_ms: 0, backoff_cap_ms: 0 }
  stopped: 'cancelled' | 'exhausted' | undefined
  /** A limit of cost or tokens has refused a call. */
  refused = false
  output: string | undefined
  readonly known = new Map<string, KnownStep>()
  /** Steps that run and do not wait for children. */
  taken = 0
  readonly #fail: Complain

  constructor(fail: Complain) {
    this.#fail = fail
  }

  isRunning(step: string, attempt: number): boolean {
    const known = this.known.get(step)
    return known?.status === 'running' && known.attempt === attempt
  }

  /** Only a running attempt offers anything, and none once the run was told to stop. */
  expectRunning({ step, attempt }: { step: string; attempt: number }, what: string): void {
    const known = this.known.get(step)
    if (this.stopped) this.#fail('I14', `${step} ${what} after the run was stopped`)
    if (known?.status !== 'running' || known.attempt !== attempt)
      this.#fail('I5', `${step}@${attempt} ${what}, but it is ${describe(known)}`)
  }

  add(plans: readonly PlannedStep[], origin?: { readonly parent: string; readonly proposal: string }): void {
    for (const plan of plans) {
      if (this.known.has(plan.id)) this.#fail('I5', `${plan.id} is added twice`)
      const { parent, proposal } = origin ?? {}
      const fresh = { status: 'waiting', attempt: 0, retryAt: 0, waitingOn: 0, proposals: new Map() } as const
      this.known.set(plan.id, { plan, parent, proposal, ...fresh })
    }
  }

  propose({ data }: EventOf<'steps-added'>): void {
    if ('from' in data) return
    this.expectRunning(data, `proposes ${data.proposal}`)
    const step = this.known.get(data.step)
    if (!step) return
    let proposal = step.proposals.get(data.proposal)
    if (!proposal) {
      proposal = { attempt: 0, unfinished: data.steps.length, children: data.steps.map(({ id }) => id) }
      step.proposals.set(data.proposal, proposal)
      this.add(data.steps, { parent: data.step, proposal: data.proposal })
    }
    if (proposal.unfinished > 0 && proposal.attempt !== data.attempt) {
      if (step.waitingOn === 0) this.taken -= 1
      step.waitingOn += 1
    }
    proposal.attempt = data.attempt
  }

  start({ data, at, type }: EventOf<'step-started'> | EventOf<'step-retried'>): void {
    const step = this.known.get(data.step)
    if (!step) return this.#fail('I12', `starts ${data.step}, which does not exist`)
    if (this.stopped) this.#fail('I14', `starts ${data.step} after the run was stopped`)
    const due = type === 'step-started' ? 'waiting' : 'retrying'
    if (step.status !== due || data.attempt !== step.attempt + 1)
      this.#fail('I12', `starts ${data.step}@${data.attempt}, but it is ${describe(step)}`)
    if (at < step.retryAt) this.#fail('I15', `runs ${data.step} again ${step.retryAt - at} ms too early`)
    if (type === 'step-started') this.#checkEdges(step)
    const parent = step.parent === undefined ? undefined : this.known.get(step.parent)
    if (parent?.status === 'failed' || parent?.status === 'cancelled')
      this.#fail('I14', `starts ${data.step}, whose parent has ${parent.status}`)
    const most = this.limits.max_concurrent ?? Infinity
    if (this.taken >= most) this.#fail('I13', `starts ${data.step} as number ${this.taken + 1} of ${most} at once`)
    if (step.status !== 'running') this.taken += 1
    step.status = 'running'
    step.attempt = data.attempt
  }

  skip({ data }: EventOf<'step-skipped'>): void {
    const step = this.known.get(data.step)
    if (step?.status !== 'waiting') this.#fail('I5', `skips ${data.step}, but it is ${describe(step)}`)
    if (!step) return
    const { after } = step.plan
    const all = after.every((edge) => this.known.get(edge.step)?.status === 'skipped')
    const ended = after.every((edge) => this.hasEnded(edge.step))
    const unmet = after.filter((edge) => !this.#isMet(edge))
    const reason =
      data.reason === 'dependencies-skipped'
        ? all
        : unmet.some(({ on }) => (on === 'verdict') === (data.reason === 'condition'))
    if (!ended || !reason) this.#fail('I12', `skips ${data.step} without a reason`)
    this.#end(step, 'skipped')
  }

  fail({ data }: EventOf<'step-failed'>, mayHaveTouched: boolean): void {
    const step = this.#expect(data)
    if (!step) return
    if (data.retry_at === undefined) return this.#end(step, 'failed')
    if (step.attempt >= (step.plan.retry?.attempts ?? 1))
      this.#fail('I15', `retries ${data.step} after ${step.attempt} attempts of ${step.plan.retry?.attempts ?? 1}`)
    if (mayHaveTouched) this.#fail('I8', `retries ${data.step}, which may have touched the world`)
    this.#leaveAttempt(step)
    step.status = 'retrying'
    step.retryAt = data.retry_at
  }

  finish({ data }: EventOf<'step-finished'>): void {
    if (this.stopped) this.#fail('I14', `finishes ${data.step} after the run was stopped`)
    const step = this.#expect(data)
    if (!step) return
    step.affirmed = data.verdict === true
    step.partial = typeof data.verdict === 'object' && data.verdict !== null && 'partial' in data.verdict
    this.#end(step, 'succeeded')
  }

  cancel({ data }: EventOf<'step-cancelled'>): void {
    const step = this.known.get(data.step)
    if (step?.status !== 'running' && step?.status !== 'retrying')
      this.#fail('I5', `cancels ${data.step}, but it is ${describe(step)}`)
    if (step) this.#end(step, 'cancelled')
  }

  /** A fork gives a step other settings: what runs begins anew with them. True when an attempt was ended by it. */
  restart(id: string): boolean {
    const step = this.known.get(id)
    if (step?.status !== 'running') return false
    this.#leaveAttempt(step)
    step.status = 'retrying'
    step.retryAt = 0
    return true
  }

  hasEnded(id: string): boolean {
    const status = this.known.get(id)?.status
    return status !== undefined && status !== 'waiting' && status !== 'running' && status !== 'retrying'
  }

  /** May the step go on by itself: it runs, will run again, or all it waits for has ended? */
  canMove({ status, plan }: KnownStep): boolean {
    if (status === 'running' || status === 'retrying') return true
    return status === 'waiting' && plan.after.every((edge) => this.hasEnded(edge.step))
  }

  /** The status a run with these steps has to end with. */
  status(): string {
    if (this.stopped) return this.stopped
    const roots = [...this.known.values()].filter((step) => step.parent === undefined)
    const whole = [...this.known.values()].every((step) => !step.partial)
    if (whole && roots.every((step) => step.status !== 'failed')) return 'succeeded'
    if (this.refused && (!whole || roots.some((step) => step.status === 'failed'))) return 'exhausted'
    const needed = new Set(roots.flatMap((step) => step.plan.after.map((edge) => edge.step)))
    const last = roots.filter(({ plan }) =>
      this.output === undefined ? !needed.has(plan.id) : this.output === plan.id,
    )
    return last.some((step) => step.status === 'succeeded') ? 'partial' : 'failed'
  }

  #isMet({ step, on }: PlannedStep['after'][number]): boolean {
    if (on === 'always') return true
    if (on === 'verdict') return this.known.get(step)?.affirmed === true
    return this.known.get(step)?.status === (on === 'success' ? 'succeeded' : 'failed')
  }

  #checkEdges({ plan: { id, after } }: KnownStep): void {
    for (const edge of after)
      if (!this.hasEnded(edge.step) || !this.#isMet(edge))
        this.#fail('I12', `starts ${id}, but ${edge.step} is ${describe(this.known.get(edge.step))} (${edge.on})`)
    if (after.length > 0 && after.every((edge) => this.known.get(edge.step)?.status === 'skipped'))
      this.#fail('I12', `starts ${id}, all of whose dependencies were skipped`)
  }

  #expect({ step: id, attempt }: { step: string; attempt: number }): KnownStep | undefined {
    const step = this.known.get(id)
    if (step?.status !== 'running' || step.attempt !== attempt)
      this.#fail('I5', `ends ${id}@${attempt}, but it is ${describe(step)}`)
    return step
  }

  #leaveAttempt(step: KnownStep): void {
    if (step.status === 'running' && step.waitingOn === 0) this.taken -= 1
    step.waitingOn = 0
  }

  #end(step: KnownStep, status: KnownStep['status']): void {
    this.#leaveAttempt(step)
    const before = step.status
    step.status = status
    if (status === 'failed' || status === 'cancelled') this.#dropChildren(step)
    if (before === 'waiting' || before === 'running' || before === 'retrying') this.#tellParent(step)
  }

  /** Children that never started never will, and nobody writes of them. */
  #dropChildren(step: KnownStep): void {
    for (const { children } of step.proposals.values())
      for (const id of children) {
        const child = this.known.get(id)
        if (child?.status === 'waiting') child.status = 'cancelled'
      }
  }

  #tellParent(child: KnownStep): void {
    const parent = child.parent === undefined ? undefined : this.known.get(child.parent)
    const proposal = parent?.proposals.get(child.proposal ?? '')
    if (!parent || !proposal) return
    proposal.unfinished -= 1
    if (proposal.unfinished > 0 || parent.status !== 'running' || proposal.attempt !== parent.attempt) return
    parent.waitingOn -= 1
    if (parent.waitingOn === 0) this.taken += 1
  }
}

/** The attempt an event belongs to, if a step's own code wrote it. */
export function attemptOf(event: Event): { readonly step: string; readonly attempt: number } | undefined {
  const { data, actor } = event
  if (actor !== 'step' || !('step' in data) || !('attempt' in data)) return undefined
  return { step: data.step, attempt: data.attempt }
}

function describe(step: KnownStep | undefined): string {
  if (!step) return 'unknown'
  return step.attempt === 0 ? step.status : `${step.status}@${step.attempt}`
}
