/** Random graphs that use every construct of control flow, within each other. */
import { createRandom } from '../../src/events/random.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { Edge, GraphStep, StepGraph } from '../../src/graph/step-graph.ts'

const ENSEMBLES = ['one', 'two'] as const

export interface ControlGraph {
  readonly graph: StepGraph
  readonly ensembles: { readonly [name: string]: readonly GraphStep[] }
}

/** `calm`: outputs do not depend on time, chance or the order in which things end. */
export function drawControl(seed: string, { calm }: { readonly calm: boolean }): ControlGraph {
  const drawing = new Drawing(seed, calm)
  const ensembles = Object.fromEntries(ENSEMBLES.map((name) => [name, drawing.steps(2, 2)]))
  return { graph: { name: seed, steps: drawing.steps(5, 0) }, ensembles }
}

class Drawing {
  readonly #random: () => number
  readonly #calm: boolean

  constructor(seed: string, calm: boolean) {
    this.#random = createRandom(`${seed}/graph`)
    this.#calm = calm
  }

  /** Up to `most` agents, each perhaps with a condition before it; the deeper, the plainer. */
  steps(most: number, depth: number): GraphStep[] {
    const steps: GraphStep[] = []
    const names: string[] = []
    for (let left = this.#between(1, most); left > 0; left -= 1) {
      const name = `s${names.length}`
      const after = names
        .filter(() => this.#hit(0.5))
        .map((step): Edge => ({ step, on: this.#pick(['always', 'always', 'always', 'success', 'failure'] as const) }))
      const gated = this.#hit(0.25)
      if (gated)
        steps.push({ id: `${name}/when`, kind: 'condition', spec: { expression: this.#condition(after) }, after })
      const edges: readonly Edge[] = gated ? [...after, { step: `${name}/when`, on: 'verdict' }] : after
      steps.push({ ...this.#work(after, depth), id: name, after: edges, ...this.#limits() })
      names.push(name)
    }
    return steps
  }

  #work(after: readonly Edge[], depth: number): Omit<GraphStep, 'id'> {
    const roll = this.#random()
    if (depth > 2 || roll < 0.3) return this.#act()
    const rules = this.#hit(0.15) ? { rules: this.#pick([{ input_key: 'data' }, { input_scope: 'dependencies' }]) } : {}
    if (roll < 0.46) return { kind: 'each', spec: { ...this.#each(after, depth + 1), ...rules } }
    if (roll < 0.58) return { kind: 'loop', spec: { ...this.#loop(depth + 1), ...rules } }
    if (roll < 0.7) return { kind: 'nested', spec: { ensemble: 'inner', graph: this.#graph(depth + 1), ...rules } }
    if (roll < 0.86) return this.#judged(after)
    if (roll < 0.92) return { kind: 'plan', spec: this.#plan() }
    const ensemble = this.#pick(['"one"', '"two"', 'input == null ? "one" : "two"', '"missing"', '7'])
    return { kind: 'dispatch', spec: { ensemble, ...rules } }
  }

  /** A model's answer: plain, checked, or made of those of others. */
  #judged(after: readonly Edge[]): Omit<GraphStep, 'id'> {
    const roll = this.#random()
    if (roll < 0.3) return this.#agent()
    if (roll < 0.7 || after.length === 0) return { kind: 'verified', spec: this.#verified() }
    return { kind: 'assemble', spec: this.#assembly() }
  }

  #agent(): Omit<GraphStep, 'id'> {
    const typed = this.#hit(0.3) ? { output_schema: { type: 'object', properties: { ok: { type: 'boolean' } } } } : {}
    return {
      kind: 'agent',
      spec: { agent: 'a', title: 'A', system: 's', candidates: this.#models(), blocks: [], ...typed },
    }
  }

  #verified(): JsonObject {
    const step = { id: 'answer', ...(this.#hit(0.7) ? this.#agent() : this.#act()) } as unknown as Json
    const checks: JsonObject[] = [
      { name: 'non-empty', kind: 'non-empty' },
      { name: 'min-words-4', kind: 'min-words', limit: 4 },
      { name: 'cel', kind: 'cel', expression: 'output != "no"' },
    ]
    const judge = this.#hit(0.3) ? { judge: { candidates: this.#models(), rubric: 'good', threshold: 0.4 } } : {}
    return { step, checks: checks.filter(() => this.#hit(0.5)), repair_limit: this.#between(0, 2), ...judge }
  }

  #assembly(): JsonObject {
    const method = this.#pick(['concatenate', 'merge', 'best', 'synthesize', 'vote', 'rank'])
    const voters = this.#hit(0.6) || method === 'rank' ? { voters: [this.#models(), this.#models()] } : {}
    const count = this.#pick(['borda', 'instant-runoff', 'condorcet'])
    return { method, blocks: [], candidates: this.#models(), count, ...voters }
  }

  #plan(): JsonObject {
    const planner: Json = this.#hit(0.2)
      ? [{ provider: 'embedded', model: 'embedded' }]
      : [{ provider: 'fake', model: 'planner' }]
    const worker = { name: 'worker', candidates: this.#models() }
    const verify = { enabled: this.#hit(0.5), repair_limit: 1 }
    const means = { max_tasks: 9, max_depth: 5, models: [worker], capabilities: {}, verify, assemble: 'concatenate' }
    return { planner, repair_limit: this.#between(0, 2), means, approve: false, execute: this.#hit(0.8) }
  }

  #models(): Json {
    const one = () => ({ provider: 'fake', model: this.#pick(['steady', 'steady', 'moody', 'down']) })
    return this.#hit(0.5) ? [one()] : [one(), one()]
  }

  #act(failures = ['true', 'sees.size() == 1', 'input == null']): Omit<GraphStep, 'id'> {
    const value = this.#pick([
      '"words"',
      '[1, "two", null]',
      '{"data": [1, 2], "flag": true}',
      'input',
      'sees',
      'steps',
    ])
    const fails = this.#hit(0.2) ? { fails: this.#pick(failures) } : {}
    const safeties = this.#calm ? ['pure', 'idempotent', 'billable'] : ['pure', 'billable', 'unsafe', 'unsafe']
    const touches = this.#hit(0.5) ? { touches: this.#pick(safeties) } : {}
    return { kind: 'act', spec: { value, ...fails, ...touches } }
  }

  #each(after: readonly Edge[], depth: number): JsonObject {
    const own = after.length === 0 || this.#hit(0.6)
    const over = own ? { over: this.#pick(['[1, 2, 3]', '[{"a": 1}, {"a": 2}]', '[]', 'input']) } : {}
    const width = this.#hit(0.6) ? { width: this.#between(1, 3) } : {}
    const inner = this.#hit(0.5) ? this.#act(['input.item == 2']) : this.#work([], depth)
    const step = { id: 'item', ...inner } as unknown as Json
    return { step, ...over, ...width }
  }

  #loop(depth: number): JsonObject {
    const until = this.#hit(0.8) ? { until: this.#pick(['round == 2', 'false', 'output', 'steps.none.output']) } : {}
    const carry = this.#hit(0.5) ? { carry: this.#pick(['output', '[round, round + 1]', 'input']) } : {}
    return { body: this.#graph(depth), max_iterations: this.#between(1, 3), ...until, ...carry }
  }

  #graph(depth: number): Json {
    const steps = this.steps(3, depth)
    const output = this.#hit(0.2) ? { output: 's0' } : {}
    return { name: 'inner', steps, ...output } as unknown as Json
  }

  #condition(after: readonly Edge[]): string {
    const [first] = after
    const own = ['true', 'false', 'input', 'steps.none.output == 1']
    if (!first) return this.#pick(own)
    return this.#pick([...own, `steps.${first.step}.status == "succeeded"`, `steps.${first.step}.output`])
  }

  #limits(): Partial<GraphStep> {
    return {
      ...(this.#hit(0.1) ? { retry: { attempts: 2, delay_ms: this.#between(0, 20) } } : {}),
      ...(this.#calm || this.#hit(0.85) ? {} : { timeout_ms: this.#between(20, 120) }),
      ...(this.#calm || this.#hit(0.5) ? {} : { on_unknown: this.#pick(['retry', 'fail', 'ask'] as const) }),
    }
  }

  #hit(probability: number): boolean {
    return this.#random() < probability
  }

  #between(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1))
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T
  }
}
