import type { Event, EventOf, PlannedStep } from '../event.ts'
import { type PlacedValue, valuesOf, withoutInline } from '../hash.ts'
import type { Value } from '../values.ts'

/**
 * `plan`: how a step is defined · `version`: of a step kind · `start`, `end`: of a step · `ask`, `answer`: of one try of an effect ·
 * `record`: what a step recorded or proposed · `approval`, `cancel`, `finish`: of the run.
 */
export type FactKind =
  | 'input'
  | 'limits'
  | 'plan'
  | 'version'
  | 'start'
  | 'ask'
  | 'answer'
  | 'record'
  | 'end'
  | 'approval'
  | 'cancel'
  | 'finish'

/** One thing that a run settled, under a name by which another run of the same graph has its counterpart, whatever came between. */
export interface Fact {
  readonly name: string
  readonly kind: FactKind
  readonly step?: string
  /** The step whose code said so; it can have read all that was delivered to it before. */
  readonly by?: string
  /** The event that settled it. */
  readonly event: Event
  /** What it says, without contents, times and amounts. */
  readonly data: { readonly [key: string]: unknown }
  readonly values: readonly PlacedValue[]
  /** Names of the facts it follows from. */
  readonly causes: readonly string[]
}

/** All that a run settled, in the order in which it did. What a fork changed stands in the place of what it changed. */
export interface FactSheet {
  readonly facts: ReadonlyMap<string, Fact>
  readonly seed: string
  /** Steps whose ends are the answer of the run. */
  readonly answers: readonly string[]
  /** By step: the facts it was told under way, in that order: answers, approvals, ends of steps it proposed. */
  readonly delivered: ReadonlyMap<string, readonly Fact[]>
}

/** Facts about who and when, which differ between any two runs, and what only counts money. */
const CIRCUMSTANCES = new Set(
  `ms retry_at retry_after_ms command cost usage source version attempt step key n redo reserved output_tokens answered_by
  request grant expires_at steps unknown output`.split(/\s+/),
)

export function collectFacts(events: Iterable<Event>): FactSheet {
  const reader = new FactReader()
  for (const event of events) reader.take(event)
  const { facts, seed, delivered } = reader
  return { facts, seed, delivered, answers: reader.listAnswers() }
}

class FactReader {
  readonly facts = new Map<string, Fact>()
  readonly delivered = new Map<string, Fact[]>()
  seed = ''
  readonly #plans = new Map<
    string,
    { readonly plan: PlannedStep; readonly parent?: string; readonly mates: readonly string[] }
  >()
  /** The facts that an event settled, or, for one that settles nothing, those it followed from. */
  readonly #settled = new Map<number, readonly string[]>()
  readonly #attempts = new Map<string, number>()
  readonly #tries = new Map<string, { readonly name: string; readonly step: string; open: boolean }>()
  readonly #given = new Map<number, Map<string, Value>>()
  #output: string | undefined

  take(event: Event): void {
    const before = event.causes.flatMap((cause) => (typeof cause === 'number' ? (this.#settled.get(cause) ?? []) : []))
    const names = this.#read(event, before)
    this.#settled.set(event.seq, names.length > 0 ? names : before)
  }

  listAnswers(): readonly string[] {
    if (this.#output !== undefined) return [this.#output]
    const top = [...this.#plans.values()].filter(({ parent }) => parent === undefined)
    const awaited = new Set(top.flatMap(({ plan }) => plan.after.map((edge) => edge.step)))
    return top.flatMap(({ plan }) => (awaited.has(plan.id) ? [] : [plan.id]))
  }

  #read(event: Event, before: readonly string[]): string[] {
    const { data, type } = event
    switch (type) {
      case 'run-started':
        return this.#begin(event)
      case 'run-forked':
        return this.#fork(event)
      case 'steps-added':
        return 'steps' in data && !data.joins ? this.#propose(event as EventOf<'steps-added'>, before) : []
      case 'step-started':
      case 'step-retried':
        return this.#start(event)
      case 'step-skipped':
      case 'step-finished':
      case 'step-cancelled':
      case 'step-failed': {
        const { step } = data as { readonly step: string }
        const again = type === 'step-failed' && data.retry_at !== undefined
        const name = again ? `end ${step}@${this.#attempts.get(step) ?? 1}` : `end ${step}`
        const causes = [...(type === 'step-skipped' ? [] : before), ...this.#sightOf(step)]
        const parent = this.#plans.get(step)?.parent
        return [this.#settle({ name, kind: 'end', step, by: step, event, causes }, again ? undefined : parent)]
      }
      case 'effect-intended':
        return this.#ask(event, before)
      case 'effect-done':
      case 'effect-failed':
      case 'effect-unknown': {
        const asked = this.#tries.get(data.key)
        if (!asked) return []
        asked.open = type === 'effect-unknown'
        const causes = [`ask ${asked.name}`]
        return [
          this.#settle({ name: `answer ${asked.name}`, kind: 'answer', step: asked.step, event, causes }, asked.step),
        ]
      }
      case 'approval-given':
      case 'approval-denied':
        return [
          this.#settle(
            { name: `approval ${data.key}`, kind: 'approval', step: data.step, event, causes: before },
            data.step,
          ),
        ]
      case 'cancel-requested':
        return [this.#settle({ name: 'cancel', kind: 'cancel', event, causes: [] })]
      case 'run-finished': {
        const ends = this.listAnswers().map((step) => `end ${step}`)
        return [this.#settle({ name: 'finish', kind: 'finish', event, causes: [...ends, ...before] })]
      }
      case 'budget-refused':
        return [
          this.#settle(
            { name: `refused ${data.key}`, kind: 'answer', step: data.step, event, causes: before },
            data.step,
          ),
        ]
      case 'run-paused':
      case 'run-resumed':
      case 'timer-fired':
      case 'start-granted':
      case 'approval-requested':
      case 'budget-reserved':
      case 'budget-settled':
        return []
      default: {
        if (!('facts' in data)) return []
        const name = `${type} ${data.step}@${data.attempt}#${data.n}`
        const causes = [...before, ...this.#sightOf(data.step)]
        return [this.#settle({ name, kind: 'record', step: data.step, by: data.step, event, causes })]
      }
    }
  }

  #begin(event: EventOf<'run-started'>): string[] {
    const { seed, limits, kinds, steps, input, output } = event.data
    this.seed = seed
    this.#output = output
    const settle = (fact: Pick<Fact, 'name' | 'kind' | 'data' | 'values'>) =>
      this.#put({ ...fact, event, causes: [] } as Fact)
    settle({ name: 'input', kind: 'input', data: {}, values: [{ path: 'input', value: input }] })
    settle({ name: 'limits', kind: 'limits', data: { ...limits }, values: [] })
    this.#setVersions(event as Event, kinds)
    for (const plan of steps) this.#plan(event as Event, { plan, mates: [] }, [])
    return []
  }

  /** What the fork changed; who reads it follows from the fork then. */
  #fork(event: EventOf<'run-forked'>): string[] {
    const { kinds, change } = event.data
    const given = new Map<string, Value>()
    this.#given.set(event.seq, given)
    const common = { event: event as Event, causes: [] }
    if (change.input)
      this.#put({ ...common, name: 'input', kind: 'input', data: {}, values: [{ path: 'input', value: change.input }] })
    if (change.limits) {
      const data = { ...this.facts.get('limits')?.data, ...change.limits }
      this.#put({ ...common, name: 'limits', kind: 'limits', data, values: [] })
    }
    this.#setVersions(event as Event, kinds)
    const names: string[] = []
    for (const { step, spec } of change.specs ?? []) {
      const known = this.#plans.get(step)
      if (known) names.push(this.#plan(event as Event, { ...known, plan: { ...known.plan, spec } }, []))
    }
    for (const { step, answer } of change.answers ?? []) {
      given.set(step, answer)
      const open = [...this.#tries.values()].filter((asked) => asked.step === step && asked.open)
      if (open.length !== 1 || !open[0]) continue
      open[0].open = false
      names.push(this.#answerGiven(event as Event, open[0], answer))
    }
    return names
  }

  #answerGiven(event: Event, { name, step }: { readonly name: string; readonly step: string }, answer: Value): string {
    const fact = { name: `answer ${name}`, kind: 'answer', step, event, data: { type: 'effect-done' } } as const
    return this.#put({ ...fact, values: [{ path: 'answer', value: answer }], causes: [`ask ${name}`] }, step)
  }

  #propose(event: EventOf<'steps-added'>, before: readonly string[]): string[] {
    if (!('steps' in event.data)) return []
    const { step, attempt, proposal, steps } = event.data
    const mates = steps.map(({ id }) => id)
    const name = `proposal ${step}@${attempt} ${proposal}`
    const causes = this.#whole([...before, ...this.#sightOf(step)])
    this.#put({
      name,
      kind: 'record',
      step,
      by: step,
      event: event as Event,
      data: { steps: mates },
      values: [],
      causes,
    })
    for (const plan of steps) this.#plan(event as Event, { plan, parent: step, mates }, [name, ...causes])
    return [name]
  }

  #plan(
    event: Event,
    known: { readonly plan: PlannedStep; readonly parent?: string; readonly mates: readonly string[] },
    causes: readonly string[],
  ): string {
    const { id, spec, input, ...data } = known.plan
    const by = known.parent === undefined ? {} : { by: known.parent }
    this.#plans.set(id, known)
    const values = [{ path: 'spec', value: spec }, ...(input ? [{ path: 'input', value: input }] : [])]
    return this.#put({ name: `plan ${id}`, kind: 'plan', step: id, ...by, event, data, values, causes })
  }

  #setVersions(event: Event, kinds: { readonly [kind: string]: number }): void {
    for (const [kind, version] of Object.entries(kinds)) {
      const name = `version ${kind}`
      if (this.facts.get(name)?.data['version'] === version) continue
      this.#put({ name, kind: 'version', event, data: { version }, values: [], causes: [] })
    }
  }

  #start(event: EventOf<'step-started'> | EventOf<'step-retried'>): string[] {
    const { step, attempt } = event.data
    this.#attempts.set(step, attempt)
    const again = attempt > 1 ? [`end ${step}@${attempt - 1}`] : []
    return [
      this.#settle({
        name: this.#startOf(step),
        kind: 'start',
        step,
        event: event as Event,
        causes: [...this.#sightOf(step), ...again],
      }),
    ]
  }

  /** All that a step can read, and how it is defined. */
  #sightOf(step: string): string[] {
    const known = this.#plans.get(step)
    if (!known) return []
    const { plan, parent } = known
    const ends = [...plan.after.map((edge) => edge.step), ...(plan.inherit ?? [])].map((id) => `end ${id}`)
    return [
      `plan ${step}`,
      `version ${plan.kind}`,
      ...ends,
      this.#inputOf(step),
      ...(parent === undefined ? [] : [`start ${parent}@1`]),
    ]
  }

  /** Where the input of a step was settled: with itself or a step above it, else with the run. */
  #inputOf(step: string): string {
    for (let id: string | undefined = step; id !== undefined; id = this.#plans.get(id)?.parent)
      if (this.#plans.get(id)?.plan.input) return `plan ${id}`
    return 'input'
  }

  #startOf(step: string): string {
    return `start ${step}@${this.#attempts.get(step) ?? 1}`
  }

  #ask(event: EventOf<'effect-intended'>, before: readonly string[]): string[] {
    const { key, step, redo = 0, answered_by } = event.data
    const asked = { name: `${key}#${redo}`, step, open: answered_by === undefined }
    this.#tries.set(key, asked)
    const causes = [...before, ...this.#sightOf(step)]
    const ask = this.#settle({ name: `ask ${asked.name}`, kind: 'ask', step, by: step, event: event as Event, causes })
    const given = answered_by === undefined ? undefined : this.#given.get(answered_by)?.get(step)
    return given ? [this.#answerGiven(event as Event, asked, given)] : [ask]
  }

  #settle(fact: Omit<Fact, 'data' | 'values'>, told?: string): string {
    const { event } = fact
    const values = valuesOf(event)
    const held = new Set(values.map(({ path }) => path))
    const plain = Object.entries(withoutInline(event.type, event.data)).filter(
      ([key]) => !held.has(key) && !CIRCUMSTANCES.has(key),
    )
    const kept = values.filter(({ path }) => path !== 'detail' && path !== 'partial')
    const type = fact.kind === 'start' ? {} : { type: event.type }
    const data = { ...type, ...Object.fromEntries(plain) }
    return this.#put({ ...fact, causes: this.#whole(fact.causes), data, values: kept }, told)
  }

  /** Who waits for steps that were proposed together goes on when the last has ended, and reads all of them. */
  #whole(causes: readonly string[]): string[] {
    const all = causes.flatMap((cause) => {
      const step = cause.startsWith('end ') ? cause.slice('end '.length) : undefined
      const mates = step === undefined ? [] : (this.#plans.get(step)?.mates ?? [])
      return [cause, ...mates.map((mate) => `end ${mate}`)]
    })
    return [...new Set(all)]
  }

  /** `told`: the step that is told of it. */
  #put(fact: Fact, told?: string): string {
    this.facts.set(fact.name, fact)
    if (told === undefined) return fact.name
    const list = this.delivered.get(told)
    if (list) list.push(fact)
    else this.delivered.set(told, [fact])
    return fact.name
  }
}
