import type { EventOf, PlannedStep, RunLimits } from '../../src/events/event.ts'

type Status = 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'

interface KnownStep {
  readonly plan: PlannedStep
  readonly parent: string | undefined
  status: Status
  attempt: number
  retryAt: number
  readonly proposals: Map<string, { attempt: number; readonly children: readonly string[] }>
}

/** I5, I12, I13, I14: what may become of steps, told from the journal alone. */
export class StepRules {
  limits!: RunLimits
  stopped: 'cancelled' | 'exhausted' | undefined
  output: string | undefined
  readonly known = new Map<string, KnownStep>()
  readonly #fail: (invariant: string, message: string) => void

  constructor(fail: (invariant: string, message: string) => void) {
    this.#fail = fail
  }

  planOf(step: string): PlannedStep | undefined {
    return this.known.get(step)?.plan
  }

  isRunning(step: string, attempt: number): boolean {
    const known = this.known.get(step)
    return known?.status === 'running' && known.attempt === attempt
  }

  expectRunning(step: string, attempt: number, what: string): void {
    const known = this.known.get(step)
    if (this.stopped) this.#fail('I14', `${step} ${what} after the run was stopped`)
    if (!known || known.status !== 'running' || known.attempt !== attempt)
      this.#fail('I5', `${step}@${attempt} ${what} but is ${known?.status}@${known?.attempt}`)
  }

  add(plans: readonly PlannedStep[], parent?: string): void {
    for (const plan of plans) {
      if (this.known.has(plan.id)) this.#fail('I5', `${plan.id} is added twice`)
      this.known.set(plan.id, { plan, parent, status: 'waiting', attempt: 0, retryAt: 0, proposals: new Map() })
    }
  }

  propose({ data, seq }: EventOf<'steps-added'>): void {
    if ('from' in data) return
    this.expectRunning(data.step, data.attempt, `proposes ${data.proposal} (event ${seq})`)
    const step = this.known.get(data.step)
    const proposal = step?.proposals.get(data.proposal)
    if (proposal) proposal.attempt = data.attempt
    else {
      this.add(data.steps, data.step)
      step?.proposals.set(data.proposal, { attempt: data.attempt, children: data.steps.map(({ id }) => id) })
    }
  }

  start({ data, seq, at, type }: EventOf<'step-started'> | EventOf<'step-retried'>): void {
    const step = this.known.get(data.step)
    if (!step) return this.#fail('I12', `event ${seq} starts ${data.step}, which does not exist`)
    if (this.stopped) this.#fail('I14', `event ${seq} starts ${data.step} after the run was stopped`)
    const due = type === 'step-started' ? 'waiting' : 'retrying'
    if (step.status !== due || data.attempt !== step.attempt + 1)
      this.#fail('I12', `event ${seq} starts ${data.step}@${data.attempt}, which is ${step.status}@${step.attempt}`)
    if (at < step.retryAt) this.#fail('I15', `event ${seq} runs ${data.step} again too early`)
    if (type === 'step-started') this.#checkEdges(step, seq)
    const parent = step.parent === undefined ? undefined : this.known.get(step.parent)
    if (parent?.status === 'failed' || parent?.status === 'cancelled')
      this.#fail('I14', `event ${seq} starts ${data.step}, whose parent has ${parent.status}`)
    const taken = this.taken()
    if (taken >= (this.limits.max_concurrent ?? Infinity))
      this.#fail('I13', `event ${seq} starts ${data.step} as number ${taken + 1} of ${this.limits.max_concurrent}`)
    step.status = 'running'
    step.attempt = data.attempt
  }

  /** Steps that run and do not wait for children. */
  taken(): number {
    let taken = 0
    for (const step of this.known.values()) if (step.status === 'running' && !this.#waits(step)) taken += 1
    return taken
  }

  #waits(step: KnownStep): boolean {
    for (const { attempt, children } of step.proposals.values())
      if (attempt === step.attempt && children.some((id) => !this.hasEnded(id))) return true
    return false
  }

  hasEnded(id: string): boolean {
    const status = this.known.get(id)?.status
    return status !== 'waiting' && status !== 'running' && status !== 'retrying'
  }

  #checkEdges(step: KnownStep, seq: number): void {
    const { after, id } = step.plan
    for (const edge of after) {
      const status = this.known.get(edge.step)?.status
      const met =
        this.hasEnded(edge.step) &&
        (edge.on === 'always' || (edge.on === 'success' ? status === 'succeeded' : status === 'failed'))
      if (!met) this.#fail('I12', `event ${seq} starts ${id}, but ${edge.step} is ${status} (${edge.on})`)
    }
    if (after.length > 0 && after.every((edge) => this.known.get(edge.step)?.status === 'skipped'))
      this.#fail('I12', `event ${seq} starts ${id}, all of whose dependencies were skipped`)
  }

  skip({ data, seq }: EventOf<'step-skipped'>): void {
    const step = this.known.get(data.step)
    if (step?.status !== 'waiting') this.#fail('I5', `event ${seq} skips ${data.step}, which is ${step?.status}`)
    if (!step) return
    const statuses = step.plan.after.map((edge) => ({ edge, status: this.known.get(edge.step)?.status }))
    const all = statuses.every(({ status }) => status === 'skipped')
    const barred = statuses.some(
      ({ edge, status }) =>
        (edge.on === 'success' && status !== 'succeeded') || (edge.on === 'failure' && status !== 'failed'),
    )
    const ended = step.plan.after.every((edge) => this.hasEnded(edge.step))
    if (!ended || (data.reason === 'dependencies-skipped' ? !all : !barred))
      this.#fail('I12', `event ${seq} skips ${data.step} without a reason`)
    this.#end(step, 'skipped')
  }

  fail({ data, seq }: EventOf<'step-failed'>, mayHaveTouched: boolean): void {
    const step = this.#expect(data, seq)
    if (!step) return
    if (data.retry_at === undefined) return this.#end(step, 'failed')
    if (step.attempt >= (step.plan.retry?.attempts ?? 1))
      this.#fail('I15', `event ${seq} retries ${data.step} too often`)
    if (mayHaveTouched) this.#fail('I8', `event ${seq} retries ${data.step}, which may have touched the world`)
    step.status = 'retrying'
    step.retryAt = data.retry_at
  }

  finish({ data, seq }: EventOf<'step-finished'>): void {
    if (this.stopped) this.#fail('I14', `event ${seq} finishes ${data.step} after the run was stopped`)
    const step = this.#expect(data, seq)
    if (step) this.#end(step, 'succeeded')
  }

  cancel({ data, seq }: EventOf<'step-cancelled'>): void {
    const step = this.known.get(data.step)
    if (!step || (step.status !== 'running' && step.status !== 'retrying'))
      this.#fail('I5', `event ${seq} cancels ${data.step}, which is ${step?.status}`)
    if (step) this.#end(step, 'cancelled')
  }

  #expect({ step: id, attempt }: { step: string; attempt: number }, seq: number): KnownStep | undefined {
    const step = this.known.get(id)
    if (step?.status !== 'running' || step.attempt !== attempt)
      this.#fail('I5', `event ${seq} ends ${id}@${attempt}, which is ${step?.status}@${step?.attempt}`)
    return step
  }

  #end(step: KnownStep, status: Status): void {
    step.status = status
    if (status !== 'failed' && status !== 'cancelled') return
    for (const { children } of step.proposals.values())
      for (const id of children) {
        const child = this.known.get(id)
        if (child?.status === 'waiting') child.status = 'cancelled'
      }
  }

  /** The status a run with these steps has to end with. */
  status(): string {
    if (this.stopped) return this.stopped
    const roots = [...this.known.values()].filter((step) => step.parent === undefined)
    if (roots.every((step) => step.status !== 'failed')) return 'succeeded'
    const needed = new Set(roots.flatMap((step) => step.plan.after.map((edge) => edge.step)))
    const last = roots.filter(({ plan }) =>
      this.output === undefined ? !needed.has(plan.id) : this.output === plan.id,
    )
    return last.some((step) => step.status === 'succeeded') ? 'partial' : 'failed'
  }
}
