import type { RunLimits } from '../../src/events/event.ts'
import type { Json } from '../../src/events/values.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { type Chance, createChance } from './chance.ts'
import type { Op } from './steps.ts'

/** A random graph of 1 to 40 steps, a few of which propose more. */
export function drawGraph(seed: string): StepGraph {
  const chance = createChance(`${seed}/graph`)
  const count = chance.hit(0.6)
    ? chance.between(1, 5)
    : chance.hit(0.8)
      ? chance.between(5, 12)
      : chance.between(12, 40)
  const steps: GraphStep[] = []
  for (let i = 0; i < count; i++) steps.push(drawStep(`s${i}`, steps, chance))
  const output = chance.hit(0.2) ? { output: chance.pick(steps).id } : {}
  return { name: seed, steps, ...output }
}

export function drawLimits(seed: string): RunLimits {
  const chance = createChance(`${seed}/limits`)
  return {
    tries: chance.between(1, 4),
    calls_per_step: chance.between(1, 8),
    backoff_ms: chance.pick([1, 20, 500]),
    backoff_cap_ms: chance.pick([100, 2_000, 60_000]),
    ...(chance.hit(0.5) ? { max_concurrent: chance.between(1, 4) } : {}),
    ...(chance.hit(0.25) ? { timeout_ms: chance.pick([50, 150, 400, 1_500, 5_000, 60_000]) } : {}),
  }
}

function drawStep(id: string, before: readonly GraphStep[], chance: Chance): GraphStep {
  const wide = before.length > 8 ? 2 / before.length : 0.3
  const after = before
    .filter(() => chance.hit(wide))
    .map((step) => ({ step: step.id, on: chance.pick(['always', 'always', 'success', 'failure'] as const) }))
  return {
    id,
    kind: 'simulated',
    spec: { ops: drawOps(id, 0, chance) as unknown as Json },
    after,
    ...(chance.hit(0.4) ? { retry: { attempts: chance.between(2, 4), delay_ms: chance.pick([0, 0, 20, 300]) } } : {}),
    ...(chance.hit(0.25) ? { timeout_ms: chance.pick([20, 50, 100, 400, 3_000, 30_000]) } : {}),
    ...(chance.hit(0.4) ? { on_unknown: chance.pick(['ask', 'retry', 'fail'] as const) } : {}),
  }
}

function drawOps(id: string, depth: number, chance: Chance): Op[] {
  const ops: Op[] = []
  for (let i = chance.between(1, 3); i > 0; i--) ops.push(drawOp(id, { depth, n: i }, chance))
  if (chance.hit(0.12)) ops.push({ op: 'throw', foreign: chance.hit(0.3), ...(chance.hit(0.6) ? { until: 2 } : {}) })
  return ops
}

function drawOp(id: string, { depth, n }: { depth: number; n: number }, chance: Chance): Op {
  const roll = chance.next()
  if (roll < 0.42 || depth > 1) return drawEffect(chance)
  if (roll < 0.52) return { op: 'fallback', first: drawEffect(chance), second: drawEffect(chance) }
  const branches = () => [drawOps(id, depth + 1, chance), drawOps(id, depth + 1, chance)]
  if (roll < 0.64) return { op: 'all', branches: branches() }
  if (roll < 0.7) return { op: 'race', branches: branches() }
  if (roll < 0.75) return { op: 'settled', branches: [...branches(), [{ op: 'spin', rounds: 40 }, drawEffect(chance)]] }
  if (roll < 0.85 && depth === 0 && id.split('/').length < 3) return drawProposal(id, n, chance)
  if (roll < 0.9) return { op: 'spin', rounds: chance.between(0, 60) }
  return { op: chance.pick(['record', 'chance', 'time', 'stream'] as const) }
}

function drawEffect(chance: Chance): Op {
  if (chance.hit(0.04)) return { op: 'effect', kind: 'ask', safety: chance.pick(['unsafe', 'pure'] as const) }
  const safety = chance.pick(['pure', 'idempotent', 'billable', 'unsafe', 'unsafe'] as const)
  const kind = { pure: 'file', idempotent: 'tool', billable: 'model', unsafe: 'script' }[safety]
  return {
    op: 'effect',
    kind,
    safety,
    ...(chance.hit(0.3) ? { name: chance.pick(['read', 'write']) } : {}),
    ...(chance.hit(0.5) ? { pool: chance.pick(['narrow', 'narrow', 'wide']) } : {}),
  }
}

function drawProposal(id: string, n: number, chance: Chance): Op {
  const name = `more${n}`
  const steps: GraphStep[] = []
  for (let i = chance.between(chance.hit(0.1) ? 0 : 1, 3); i > 0; i--)
    steps.push(drawStep(`${id}/${name}-${steps.length}`, steps, chance))
  return { op: 'propose', name, steps, awaited: chance.hit(0.8) }
}
