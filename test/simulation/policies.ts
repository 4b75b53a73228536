import type { Judgement, Policy, PolicyAsk } from '../../src/engine/policy.ts'
import { canonicalJson } from '../../src/events/canonical.ts'
import type { ToolRequest } from '../../src/events/tool-call.ts'
import type { Json } from '../../src/events/values.ts'
import { createChance } from './chance.ts'
import type { SimProcess } from './process.ts'
import { sha256 } from './sim.ts'
import { isWithin, toolOf } from './tools.ts'

/** A tool call as policy judges it. */
export interface Judged {
  readonly request: Json
  readonly labels: readonly string[]
  /** The rights of the step and of those above it allow the tool. */
  readonly isAllowed: boolean
}

const REASON = 'it is forbidden'

/**
 * The policies of one seed, one for each version: a process is born with the newest and keeps it. What each process asked last is
 * kept, to be compared with what it should have known.
 */
export class Policies {
  /** Another process may begin with a newer one. */
  version = 1
  readonly #seed: string
  readonly #rules = new Map<string, 'allow' | 'ask' | 'deny'>()
  readonly #asked = new Map<string, PolicyAsk>()
  readonly #expiry: { readonly expires_in_ms?: number }
  readonly #wary: boolean

  constructor(seed: string) {
    this.#seed = seed
    const { pick, hit } = createChance(`${seed}/policies`)
    const expires_in_ms = pick([undefined, undefined, 300, 5_000, 40_000])
    this.#expiry = expires_in_ms === undefined ? {} : { expires_in_ms }
    this.#wary = hit(0.6)
  }

  policyOf(process: SimProcess): Policy {
    const { policy } = process
    return {
      judge: (ask) => {
        if (ask.kind !== 'tool') return { verdict: 'allow' }
        this.#asked.set(`${process.id} ${ask.key}`, ask)
        const { tool } = ask.request as unknown as ToolRequest
        return this.judge(policy, { ...ask, isAllowed: isWithin([ask.rights], tool) })
      },
    }
  }

  /** What the process knew when it asked last about this effect. */
  askedBy(process: SimProcess, key: string): PolicyAsk | undefined {
    return this.#asked.get(`${process.id} ${key}`)
  }

  judge(version: number, { request, labels, isAllowed }: Judged): Judgement {
    const { tool, digest, arguments: args } = request as unknown as ToolRequest
    if (!isAllowed) return { verdict: 'deny', reason: 'the step may not use it' }
    const rule = this.#ruleFor(version, tool)
    if (rule === 'deny') return { verdict: 'deny', reason: REASON }
    const risky = this.#wary && toolOf(tool).safety === 'unsafe' && labels.includes('outside')
    if (rule === 'allow' && !risky) return { verdict: 'allow' }
    const grant = { tool, digest, arguments: sha256(canonicalJson(args)), policy: `p${version}` }
    return { verdict: 'ask', grant, ...this.#expiry }
  }

  #ruleFor(version: number, tool: string): 'allow' | 'ask' | 'deny' {
    const place = `${this.#seed}/policy ${version}/${tool}`
    let rule = this.#rules.get(place)
    if (!rule) {
      rule = createChance(place).pick(['allow', 'allow', 'allow', 'ask', 'ask', 'ask', 'deny'] as const)
      this.#rules.set(place, rule)
    }
    return rule
  }
}
