import type { RunLimits } from '../../src/events/event.ts'
import type { BudgetLimits, Need } from '../../src/events/money.ts'
import type { Rights } from '../../src/events/tool-call.ts'
import type { Json } from '../../src/events/values.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { type Chance, createChance } from './chance.ts'
import type { Op } from './steps.ts'
import type { TalkSpec } from './talk.ts'
import { TOOL_NAMES, TOOLS, type ToolName } from './tools.ts'

/** How likely things are in one graph. Graphs of different moods reach places that an average graph hardly ever does. */
interface Mood {
  readonly retry: number
  readonly timeout: number
  readonly pool: number
  readonly unsafe: number
  readonly fails: number
  readonly asks: number
  readonly proposes: number
  readonly tools: number
  readonly talks: number
  readonly rights: number
  readonly priced: number
  readonly budgets: number
}

function drawMood({ pick }: Chance): Mood {
  return {
    retry: pick([0.1, 0.3, 0.9]),
    timeout: pick([0, 0.15, 0.7]),
    pool: pick([0.1, 0.4, 1]),
    unsafe: pick([0.1, 0.4, 0.9]),
    fails: pick([0, 0.1, 0.3]),
    asks: pick([0, 0.04, 0.2]),
    proposes: pick([0, 0.1, 0.3]),
    tools: pick([0, 0.2, 0.7]),
    talks: pick([0, 0, 0.3]),
    rights: pick([0, 0, 0.3]),
    priced: pick([0, 0.5, 0.95]),
    budgets: pick([0, 0, 0.4]),
  }
}

/** A random graph of 1 to 40 steps, a few of which propose more. */
export function drawGraph(seed: string): StepGraph {
  const chance = createChance(`${seed}/graph`)
  const { hit, between } = chance
  const count = hit(0.6) ? between(1, 5) : hit(0.8) ? between(5, 12) : between(12, 40)
  const draw = new Drawing(chance)
  const steps: GraphStep[] = []
  for (let i = 0; i < count; i++) steps.push(draw.step(`s${i}`, steps))
  const output = hit(0.2) ? { output: chance.pick(steps).id } : {}
  return { name: seed, steps, ...output }
}

export function drawLimits(seed: string): RunLimits {
  const { between, hit, pick } = createChance(`${seed}/limits`)
  return {
    tries: between(1, 4),
    calls_per_step: between(1, 8),
    backoff_ms: pick([1, 20, 500]),
    backoff_cap_ms: pick([100, 2_000, 60_000]),
    ...(hit(0.5) ? { max_concurrent: between(1, 4) } : {}),
    ...(hit(0.3) ? { max_cost: hit(0.5) ? between(500, 5_000) : between(5_000, 80_000) } : {}),
    ...(hit(0.15) ? { max_tokens: between(1_000, 40_000) } : {}),
    ...(hit(0.25) ? { timeout_ms: pick([50, 150, 400, 1_500, 5_000, 60_000]) } : {}),
  }
}

class Drawing {
  readonly #chance: Chance
  readonly #mood: Mood

  constructor(chance: Chance) {
    this.#chance = chance
    this.#mood = drawMood(chance)
  }

  step(id: string, before: readonly GraphStep[]): GraphStep {
    const { hit, pick, between } = this.#chance
    const near = before.length > 8 ? 2 / before.length : 0.3
    const after = before
      .filter(() => hit(near))
      .map((step) => ({ step: step.id, on: pick(['always', 'always', 'success', 'failure'] as const) }))
    const talks = hit(this.#mood.talks)
    return {
      id,
      kind: talks ? 'talking' : 'simulated',
      spec: talks ? { ...this.#talk() } : { ops: this.#ops(id, 0) as unknown as Json },
      after,
      ...(hit(this.#mood.rights) ? { rights: this.#rights() } : {}),
      ...(hit(this.#mood.budgets) ? { budget: this.#budget() } : {}),
      ...(hit(this.#mood.retry) ? { retry: { attempts: between(2, 4), delay_ms: pick([0, 0, 20, 300]) } } : {}),
      ...(hit(this.#mood.timeout) ? { timeout_ms: pick([20, 50, 100, 400, 3_000, 30_000]) } : {}),
      ...(hit(0.4) ? { on_unknown: pick(['ask', 'retry', 'fail'] as const) } : {}),
    }
  }

  #ops(id: string, depth: number): Op[] {
    const { hit, between } = this.#chance
    const ops: Op[] = []
    for (let n = between(1, 3); n > 0; n--) ops.push(this.#op(id, { depth, n }))
    if (hit(this.#mood.fails)) ops.push({ op: 'throw', foreign: hit(0.3), ...(hit(0.6) ? { until: 2 } : {}) })
    return ops
  }

  #op(id: string, { depth, n }: { depth: number; n: number }): Op {
    const { hit, next, pick, between } = this.#chance
    if (depth === 0 && id.split('/').length < 3 && hit(this.#mood.proposes)) return this.#proposal(id, n)
    const roll = next()
    if (roll < 0.5 || depth > 1) return this.#effect()
    if (roll < 0.6) return { op: 'fallback', first: this.#effect(), second: this.#effect() }
    const branches = () => [this.#ops(id, depth + 1), this.#ops(id, depth + 1)]
    if (roll < 0.72) return { op: 'all', branches: branches() }
    if (roll < 0.79) return { op: 'race', branches: branches() }
    if (roll < 0.84) return { op: 'settled', branches: [...branches(), [{ op: 'spin', rounds: 40 }, this.#effect()]] }
    if (roll < 0.9) return { op: 'spin', rounds: between(0, 60) }
    return { op: pick(['record', 'chance', 'time', 'stream'] as const) }
  }

  #effect(): Op {
    const { hit, pick } = this.#chance
    if (hit(this.#mood.asks)) return { op: 'effect', kind: 'ask', safety: pick(['unsafe', 'pure'] as const) }
    const safety = hit(this.#mood.unsafe) ? 'unsafe' : pick(['pure', 'idempotent', 'billable', 'billable'] as const)
    if (hit(this.#mood.tools)) return this.#tool(pick(TOOL_NAMES))
    const kind = { pure: 'file', idempotent: 'file', billable: 'model', unsafe: 'script' }[safety]
    const priced = (safety === 'billable' || safety === 'unsafe') && hit(this.#mood.priced)
    return {
      op: 'effect',
      kind,
      safety,
      ...(hit(0.3) ? { name: pick(['read', 'write']) } : {}),
      ...(priced ? { need: this.#need() } : {}),
      ...(hit(this.#mood.pool) ? { pool: pick(['narrow', 'narrow', 'wide']) } : {}),
    }
  }

  #tool(tool: ToolName): Op {
    const { hit, pick } = this.#chance
    return {
      op: 'effect',
      kind: 'tool',
      safety: TOOLS[tool].safety,
      tool,
      ...(hit(0.5) ? { name: pick(['a', 'b']) } : {}),
      ...(hit(this.#mood.pool) ? { pool: pick(['narrow', 'wide']) } : {}),
    }
  }

  #talk(): TalkSpec {
    const { hit, between } = this.#chance
    const tools = TOOL_NAMES.filter(() => hit(0.6))
    const need = hit(this.#mood.priced) ? { need: this.#need() } : {}
    return { tools: tools.length > 0 ? tools : ['send'], turns: between(2, 4), ...need }
  }

  #need(): Need {
    const { hit, between, pick } = this.#chance
    const output_tokens = between(50, 1_000)
    const prices = { input_cost: between(0, 500), output_price: pick([0, 1_000_000, 2_345_678]) }
    const tokens = { input_tokens: between(0, 200), output_tokens, least_output: between(0, 50) }
    return hit(0.95) ? { ...tokens, ...prices } : tokens
  }

  #budget(): BudgetLimits {
    const { hit, between } = this.#chance
    return hit(0.8) ? { max_cost: between(300, 6_000) } : { max_tokens: between(300, 4_000) }
  }

  #rights(): Rights {
    const { hit } = this.#chance
    const some = (likely: number) => TOOL_NAMES.filter(() => hit(likely))
    return { allow: hit(0.7) ? [some(0.7)] : [], deny: hit(0.3) ? some(0.2) : [] }
  }

  #proposal(id: string, n: number): Op {
    const { hit, between } = this.#chance
    const name = `more${n}`
    const steps: GraphStep[] = []
    for (let i = between(hit(0.1) ? 0 : 1, 3); i > 0; i--) steps.push(this.step(`${id}/${name}-${steps.length}`, steps))
    return { op: 'propose', name, steps, awaited: hit(0.8) }
  }
}
