import { canonicalJson } from '../../src/events/canonical.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import { saltFor } from '../../src/events/hash.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { KnownStep } from '../../src/events/views/step-rules.ts'
import type { Policies } from './policies.ts'
import type { SimProcess } from './process.ts'
import { sha256 } from './sim.ts'
import { isWithin } from './tools.ts'

/** What a person said about an approval. */
export interface Spoken {
  readonly type: 'approve' | 'deny'
  readonly key: string
  readonly request: string
  readonly scope?: 'call' | 'run'
}

interface Permit {
  readonly key: string
  readonly step: string
  readonly request: string
  readonly grant: JsonObject
  readonly expires_at: number | undefined
  given: boolean
}

/**
 * I16 with the eyes of somebody who knows policy, people and the whole record: every tool call that happens was allowed by the policy of
 * the process that began it, or approved by a person who was shown exactly this call. Labels and rights are followed anew.
 */
export class Permits {
  /** By command. */
  readonly spoken = new Map<number, Spoken>()
  readonly #permits = new Map<string, Permit>()
  readonly #forRun: JsonObject[] = []
  /** The attempt that was told no, by key. */
  readonly #denied = new Map<string, number>()
  readonly #labels = new Map<string, Set<string>>()
  readonly #stepOf = new Map<string, string>()
  readonly #steps: ReadonlyMap<string, KnownStep>
  readonly #policies: Policies
  readonly #runKey: string
  readonly #fail: (invariant: string, message: string) => void

  constructor(options: {
    readonly steps: ReadonlyMap<string, KnownStep>
    readonly policies: Policies
    readonly runKey: string
    fail(invariant: string, message: string): void
  }) {
    this.#steps = options.steps
    this.#policies = options.policies
    this.#runKey = options.runKey
    this.#fail = (invariant, message) => options.fail(invariant, message)
  }

  /** Approvals that wait for a person. */
  asked(): readonly Permit[] {
    return [...this.#permits.values()].filter(({ given }) => !given)
  }

  take(event: Event, by: SimProcess): void {
    switch (event.type) {
      case 'step-started':
      case 'step-retried':
        return this.#begin(event.data.step)
      case 'step-finished':
      case 'step-failed':
      case 'step-cancelled':
        return this.#end(event.data.step, event.type !== 'step-failed' || event.data.retry_at === undefined)
      case 'effect-intended':
        this.#stepOf.set(event.data.key, event.data.step)
        return this.#use(event, by)
      case 'effect-done':
      case 'effect-failed':
        return this.#mark(this.#stepOf.get(event.data.key), event.data.labels)
      case 'budget-refused':
        return this.#expectOpen(event.data, 'refuses')
      case 'approval-requested':
        return this.#request(event)
      case 'approval-given':
        return this.#give(event)
      case 'approval-denied':
        return this.#deny(event)
    }
  }

  #request({ data }: EventOf<'approval-requested'>): void {
    const { key, step, request, grant, expires_at } = data
    this.#expectOpen(data, 'asks about')
    this.#permits.set(key, { key, step, request: request.sha256, grant, expires_at, given: false })
  }

  #give({ data, actor, seq }: EventOf<'approval-given'>): void {
    const { key, step, request, grant } = data
    this.#expectOpen(data, 'approves')
    if (actor === 'world') {
      if (!this.#forRun.some((granted) => isSame(granted, grant, ['scope', 'arguments'])))
        this.#fail('I16', `event ${seq} repeats a grant for the run that nobody gave`)
      this.#permits.set(key, { key, step, request, grant, expires_at: undefined, given: true })
      return
    }
    this.#expectSpoken('approve', data, seq)
    const permit = this.#permits.get(key)
    if (!permit || !isSame(permit.grant, grant, ['scope']))
      return this.#fail('I16', `event ${seq} grants another thing than was asked for ${key}`)
    permit.given = true
    if (grant.scope === 'run') this.#forRun.push(grant)
  }

  #deny({ data, actor, seq, at }: EventOf<'approval-denied'>): void {
    const { key, step } = data
    const permit = this.#permits.get(key)
    this.#expectOpen(data, 'denies')
    if (actor === 'person') this.#expectSpoken('deny', data, seq)
    if (actor === 'engine' && at < (permit?.expires_at ?? Infinity))
      this.#fail('I16', `event ${seq} lets ${key} expire too early`)
    this.#permits.delete(key)
    this.#denied.set(key, this.#attemptOf(step))
  }

  #expectSpoken(type: Spoken['type'], data: EventOf<'approval-denied' | 'approval-given'>['data'], seq: number): void {
    const spoken = this.spoken.get(data.command ?? 0)
    if (spoken?.type !== type || spoken.key !== data.key || spoken.request !== data.request)
      this.#fail('I16', `event ${seq} takes ${JSON.stringify(spoken)} for a word to ${type} ${data.key}`)
  }

  /** The step was told no and goes on; nothing may come of the call any more. */
  #expectOpen({ key, step }: { readonly key: string; readonly step: string }, what: string): void {
    const attempt = this.#denied.get(key)
    if (attempt !== undefined && attempt === this.#attemptOf(step))
      this.#fail('I16', `${what} ${key}, which has been denied`)
  }

  #use({ data, at }: EventOf<'effect-intended'>, by: SimProcess): void {
    const { key, step, kind, request } = data
    this.#expectOpen(data, 'intends')
    if (kind !== 'tool' || data.redo !== undefined || data.answered_by !== undefined) return
    const asked = this.#policies.askedBy(by, key)
    if (!asked) return this.#fail('I16', `intends ${key} without a word of policy`)
    if (this.#digestOf(asked.request) !== request.sha256)
      this.#fail('I16', `intends ${key} with another request than policy has judged`)
    const labels = [...(this.#labels.get(step) ?? [])]
    const lost = labels.filter((label) => !asked.labels.includes(label))
    if (lost.length > 0) this.#fail('I16', `intends ${key}, and policy was not told of the label ${lost.join(', ')}`)
    const { tool } = asked.request as { readonly tool: string }
    const judged = { request: asked.request, labels, isAllowed: isWithin(this.#rightsOf(step), tool) }
    const judgement = this.#policies.judge(by.policy, judged)
    const permit = this.#permits.get(key)
    this.#permits.delete(key)
    if (judgement.verdict === 'deny') this.#fail('I16', `intends ${key}, which policy forbids: ${judgement.reason}`)
    if (judgement.verdict !== 'ask') return
    if (!permit?.given) return this.#fail('I16', `intends ${key}, which nobody has approved`)
    if (permit.request !== request.sha256 || !isSame(permit.grant, judgement.grant, ['scope']))
      this.#fail('I16', `intends ${key}, which is not what was approved`)
    if (at > (permit.expires_at ?? Infinity)) this.#fail('I16', `intends ${key} after its approval has expired`)
  }

  *#rightsOf(id: string) {
    for (let at = this.#steps.get(id); at; at = at.parent === undefined ? undefined : this.#steps.get(at.parent))
      yield at.plan.rights
  }

  #begin(id: string): void {
    const step = this.#steps.get(id)
    if (!step) return
    const { after, inherit = [] } = step.plan
    for (const { step: other, on } of after) if (on !== 'verdict') this.#mark(id, this.#labels.get(other))
    for (const other of [...inherit, step.parent ?? '']) this.#mark(id, this.#labels.get(other))
  }

  #end(id: string, isOver: boolean): void {
    for (const [key, permit] of this.#permits) if (permit.step === id) this.#permits.delete(key)
    if (isOver) this.#mark(this.#steps.get(id)?.parent, this.#labels.get(id))
  }

  #mark(step: string | undefined, labels: Iterable<string> | undefined): void {
    if (step === undefined || !labels) return
    const own = this.#labels.get(step) ?? new Set()
    for (const label of labels) own.add(label)
    this.#labels.set(step, own)
  }

  #attemptOf(step: string): number {
    return this.#steps.get(step)?.attempt ?? 0
  }

  #digestOf(request: Json): string {
    const text = canonicalJson(request)
    return sha256(saltFor(this.#runKey, text, sha256) + text)
  }
}

function isSame(a: JsonObject, b: JsonObject, except: readonly string[]): boolean {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !except.includes(key))
  return keys.every((key) => a[key] === b[key])
}
