import { canonicalJson } from '../events/canonical.ts'
import { rightsOf } from '../events/sight.ts'
import type { RunState } from '../events/state.ts'
import type { Json, JsonObject, Value } from '../events/values.ts'
import type { RawOffer } from './attempt.ts'
import type { Draft } from './draft.ts'
import type { Policy, PolicyAsk } from './policy.ts'

type EffectOffer = RawOffer & { readonly what: 'effect' }

/** What becomes of an offer at the gate: it may be admitted, it waits for somebody, or it has been refused; `write` goes before. */
export interface Passage {
  readonly then: 'admit' | 'wait' | 'refuse'
  readonly write?: Draft
}

const ADMIT: Passage = { then: 'admit' }
const WAIT: Passage = { then: 'wait' }

/** Stands before `admit`, live only: what policy says of an effect becomes an input, or nothing where it allows. */
export class Gate {
  readonly #run: string
  readonly #state: RunState
  readonly #policy: Policy
  readonly #held = new Map<string, EffectOffer>()

  constructor(options: { readonly run: string; readonly state: RunState; readonly policy: Policy }) {
    this.#run = options.run
    this.#state = options.state
    this.#policy = options.policy
  }

  /** An approval is compared with what policy would ask for now, at the moment it is used: any other part refuses it. */
  check(offer: EffectOffer, { make, at }: { make(request: Json): Value; readonly at: number }): Passage {
    const { id: key, step, kind, safety } = offer
    // The step has been told already: the offer may have waited elsewhere, or be made again by a replay.
    if (this.#state.steps.get(step)?.denied?.has(key)) return WAIT
    if (this.#state.effects.has(key)) return ADMIT
    const approval = this.#state.approvals.get(key)
    // A value only where it is needed: most requests are allowed at once.
    const request = () => make(offer.request)
    if (approval && approval.request !== request().sha256)
      return this.#refuse(offer, request(), 'the arguments have changed since they were shown for approval')
    const judgement = this.#policy.judge({
      ...this.#knownOf(step),
      run: this.#run,
      key,
      kind,
      safety,
      request: offer.request,
    })
    if (judgement.verdict === 'deny') return this.#refuse(offer, request(), judgement.reason)
    if (judgement.verdict === 'allow') return approval?.status === 'asked' ? this.#hold(offer) : ADMIT
    const { grant } = judgement
    if (approval) {
      const part = changedPart(approval.grant, grant)
      if (part !== undefined)
        return this.#refuse(offer, request(), `${part} has changed since it was shown for approval`)
      return approval.status === 'given' ? ADMIT : this.#hold(offer)
    }
    const common = { step, key }
    const causes = [this.#state.steps.get(step)?.cause as number]
    if (this.#state.granted.some((given) => changedPart(given, grant, 'arguments') === undefined)) {
      const data = { ...common, request: request().sha256, grant: { ...grant, scope: 'run' } }
      return { then: 'admit', write: { type: 'approval-given', actor: 'world', data, causes } }
    }
    this.#held.set(key, offer)
    const expiry = judgement.expires_in_ms === undefined ? {} : { expires_at: at + judgement.expires_in_ms }
    const data = { ...common, request: request(), grant, ...expiry }
    return { then: 'wait', write: { type: 'approval-requested', actor: 'world', data, causes } }
  }

  /** The offer that waited for the word on this key. */
  release(key: string): EffectOffer | undefined {
    const offer = this.#held.get(key)
    this.#held.delete(key)
    return offer
  }

  /** The attempts of a step are over. */
  forget(step: string): void {
    for (const [key, offer] of this.#held) if (offer.step === step) this.#held.delete(key)
  }

  #knownOf(id: string): Pick<PolicyAsk, 'step' | 'labels' | 'rights'> {
    const step = this.#state.steps.get(id)
    const rights = step && rightsOf(this.#state, step)
    return { step: id, labels: step?.labels ?? [], ...(rights ? { rights } : {}) }
  }

  #hold(offer: EffectOffer): Passage {
    this.#held.set(offer.id, offer)
    return WAIT
  }

  #refuse({ id: key, step }: EffectOffer, request: Value, reason: string): Passage {
    const cause = this.#state.approvals.get(key)?.seq ?? this.#state.steps.get(step)?.cause
    const data = { step, key, request: request.sha256, reason }
    return { then: 'refuse', write: { type: 'approval-denied', actor: 'world', data, causes: [cause as number] } }
  }
}

/** The first part of what was granted that is another now; `scope` is the person's own word. */
function changedPart(granted: JsonObject, now: JsonObject, except?: string): string | undefined {
  for (const part of new Set([...Object.keys(granted), ...Object.keys(now)])) {
    if (part === 'scope' || part === except) continue
    if (canonicalJson(granted[part] ?? null) !== canonicalJson(now[part] ?? null)) return part
  }
  return undefined
}
