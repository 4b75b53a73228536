import type { AgentSpec } from '../graph/agent-spec.ts'
import type { AssembleSpec } from '../graph/assemble.ts'
import { describePlanning } from '../graph/plan-prompt.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import type { VerifiedSpec } from '../graph/verify.ts'
import type { PlanSpec } from '../steps/plan.ts'
import { agentStep } from './quote-agent.ts'
import { familyOf } from './quote-family.ts'
import {
  addFigures,
  type Figures,
  joinReasons,
  NO_FIGURES,
  type Reading,
  scaleBounds,
  scaleReading,
} from './quote-figures.ts'
import type { StepQuote, StepWork } from './quote-means.ts'

/** Tasks of a plan that nobody knows yet. */
const USUAL_TASKS = 3
const USUAL_REPAIRS = 2
/** Why a plan could not be used, in tokens. */
const REASONS = 4_000

/** A plan, perhaps mended, and as many of its dearest tasks as it may have, each reading all others. */
export function quotePlan(work: StepWork): StepQuote {
  const { step, place, means } = work
  const spec = step.spec as unknown as PlanSpec
  const planners = askPlanner(work, spec)
  const planned = planners.at(-1)?.output ?? { least: 0, expected: 0, worst: REASONS }
  const doers = spec.execute ? askDoers(work, spec, planned) : []
  const worst = [...planners, ...doers].map(({ bounds }) => bounds.worst).reduce(addFigures, NO_FIGURES)
  const first = planners[0]?.bounds
  const least = first ? first.least : NO_FIGURES
  const guess: Figures = [first?.expected ?? NO_FIGURES, ...doers.map(({ bounds }) => bounds.expected)].reduce(
    addFigures,
    NO_FIGURES,
  )
  const models = spec.means.models.flatMap(({ candidates }) => candidates)
  const before = familyOf(means, place, [...spec.planner, ...models])
  const waits = spec.approve ? [{ step: place, what: 'time' as const, why: 'it waits for a person' }] : []
  return {
    id: place,
    kind: step.kind,
    ...(planners[0]?.model === undefined ? {} : { model: planners[0].model }),
    bounds: {
      least,
      expected: before ?? guess,
      worst: spec.approve ? { ...worst, ms: Infinity, busy: Infinity } : worst,
    },
    output: doers.at(-1)?.output ?? planned,
    unbounded: joinReasons([...[...planners, ...doers].flatMap(({ unbounded }) => unbounded), ...waits]),
    basis: before ? 'history' : 'guess',
    inside: [...planners.slice(0, 1), ...doers],
  }
}

/** The first plan, and those that are asked for because it cannot be used. */
function askPlanner(
  { place, input, means }: StepWork,
  { planner, means: bounds, repair_limit }: PlanSpec,
): StepQuote[] {
  if (planner[0]?.provider === 'embedded') return []
  const step = agentStep('planner', { candidates: planner, system: describePlanning(bounds) })
  const at = { step, place: `${place}/planner`, input, means }
  const first = means.step({ ...at, dependencies: [] })
  if (repair_limit === 0) return [first]
  const faults: Reading = { least: 0, expected: 0, worst: REASONS }
  const dependencies = [
    { name: 'plan', reading: first.output },
    { name: 'faults', reading: faults },
  ]
  const again = means.step({ ...at, dependencies })
  return [first, { ...again, bounds: scaleBounds(again.bounds, { least: 0, expected: 0, worst: repair_limit }) }]
}

/** All tasks as one entry, and the assembly of their answers. */
function askDoers(work: StepWork, { means: bounds }: PlanSpec, planned: Reading): StepQuote[] {
  const { place, input, means } = work
  const { max_tasks, models, verify } = bounds
  const task = (candidates: AgentSpec['candidates']): GraphStep => {
    const inner = agentStep('task', { candidates, system: '-'.repeat(240), instruct: '-' })
    if (verify.enabled === false) return inner
    const spec: VerifiedSpec = { step: inner, checks: [], repair_limit: verify.repair_limit ?? USUAL_REPAIRS }
    return { id: 'task', kind: 'verified', spec: spec as unknown as GraphStep['spec'] }
  }
  const alone = models.map(({ candidates }) =>
    means.step({
      step: task(candidates),
      place: `${place}/task`,
      input,
      dependencies: [{ name: 'plan', reading: planned }],
      means,
    }),
  )
  const answer = alone.reduce(
    (most, { output }) => (output.worst > most.worst ? output : most),
    alone[0]?.output ?? planned,
  )
  const others = scaleReading(answer, { least: 0, expected: 1, worst: max_tasks - 1 })
  const dependencies = [
    { name: 'plan', reading: { ...planned, expected: 0 } },
    { name: 'others', reading: others },
  ]
  const tasks = models.map(({ candidates }) =>
    means.step({ step: task(candidates), place: `${place}/task`, input, dependencies, means }),
  )
  const dearest = tasks.reduce((most, one) => (one.bounds.worst.cost > most.bounds.worst.cost ? one : most))
  const all = scaleBounds(dearest.bounds, { least: 0, expected: USUAL_TASKS, worst: max_tasks })
  const results = scaleReading(answer, { least: 0, expected: USUAL_TASKS, worst: max_tasks })
  const assembly = means.step({
    step: assemblyOf(bounds),
    place: `${place}/assemble`,
    input,
    dependencies: [{ name: 'tasks', reading: results }],
    means,
  })
  return [{ ...dearest, id: `${place}/tasks`, bounds: all }, assembly]
}

function assemblyOf({ assemble, models }: PlanSpec['means']): GraphStep {
  const { method, voters, judge } = typeof assemble === 'string' ? { method: assemble } : assemble
  const candidates = models[0]?.candidates ?? []
  const seats = voters ?? (judge ? [judge] : [])
  const spec: AssembleSpec = {
    method,
    blocks: [],
    ...(method === 'synthesize' ? { candidates } : {}),
    ...(seats.length > 0 ? { voters: seats.map(() => candidates) } : {}),
  }
  return { id: 'assemble', kind: 'assemble', spec: spec as unknown as GraphStep['spec'] }
}
