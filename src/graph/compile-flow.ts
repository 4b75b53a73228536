import type { Problem } from '../events/errors.ts'
import { type Budget, budgetOf, hasLimits, joinBudgets, readBudget } from './budget.ts'
import { checkRounds } from './check-flow.ts'
import { type AgentWork, compileWork, findModel, titlesOf, toMilliseconds } from './compile-agent.ts'
import { limitRights } from './compile-tools.ts'
import type { ConditionSpec, DispatchSpec, EachSpec, InputRules, LoopSpec, NestedSpec } from './composite.ts'
import type { Agent } from './ensemble.ts'
import { gracefulSpec } from './graceful.ts'
import type { CompiledEnsemble, Lookup, NestedEnsemble } from './lookup.ts'
import { readBody } from './loop-body.ts'
import { toCel, toCondition } from './older-expression.ts'
import type { Report } from './report.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'
import { compileVerify } from './verify.ts'
import type { Path } from './yaml.ts'

interface FlowWork extends AgentWork {
  readonly nested: (inner: NestedEnsemble) => CompiledEnsemble
}

export interface AgentList {
  readonly agents: readonly Agent[]
  readonly path: Path
  readonly lookup: Lookup
  /** Compiles another ensemble; its problems carry their own places. */
  readonly nested: (inner: NestedEnsemble) => CompiledEnsemble
}

/** The agents of a file or of the body of a loop. */
export function compileAgents(report: Report, { agents, path, ...means }: AgentList): GraphStep[] {
  const titles = titlesOf(agents)
  return agents.flatMap((agent, index) => compileFlow(report, { agent, path: [...path, index], titles, ...means }))
}

/**
 * An agent as steps: its work, then around it what checks it, what repeats it, and in front of it the condition. The outermost step has
 * the agent's name, its dependencies and its time limit; `retry` and `on_unknown` stay on the innermost.
 */
function compileFlow(report: Report, work: FlowWork): GraphStep[] {
  const { agent } = work
  const repeats = agent.fan_out === true || agent.for_each !== undefined
  const rules = rulesOf(agent)
  const inner: FlowWork = { ...work, untimed: repeats, ...(rules && !repeats ? { rules } : {}) }
  const worked = compileComposite(report, inner)
  if (!worked) return []
  const verified = verifyStep(report, inner, worked)
  const step = limitSpending(agent, repeats ? repeatStep(agent, verified, rules) : verified)
  return agent.when === undefined ? [step] : gateStep(agent.when, step)
}

function rulesOf({ input_key, input_scope }: Agent): InputRules | undefined {
  if (input_key === undefined && input_scope === undefined) return undefined
  return { ...(input_key === undefined ? {} : { input_key }), ...(input_scope === undefined ? {} : { input_scope }) }
}

function compileComposite(report: Report, work: FlowWork): GraphStep | undefined {
  switch (work.agent.type) {
    case 'ensemble':
      return compileNested(report, work)
    case 'dispatch':
      return compileDispatch(work)
    case 'loop':
      return compileLoop(report, work)
    default:
      return compileWork(report, work)
  }
}

function compileNested(report: Report, work: FlowWork): GraphStep | undefined {
  const { ensemble = '' } = work.agent
  const graph = compileOther(report, work, { name: ensemble, path: [...work.path, 'ensemble'] })
  if (!graph) return undefined
  const { budget, finish, ...plain } = graph
  if (finish) return finishStep(work, { ensemble, graph })
  const spec: NestedSpec = { ensemble, graph: plain }
  return limitStep(wrap(work, 'nested', spec), budget)
}

/** An ensemble that comes to a good end when its own budget runs dry: the agent is the step that sees to it. */
function finishStep(work: FlowWork, { ensemble, graph }: NestedSpec): GraphStep {
  const { budget = { limits: {} }, finish = { candidates: [] } } = graph
  const { agent, untimed } = work
  // The budget of an agent that repeats it is for all its runs together.
  const own = agent.budget && !untimed ? joinBudgets(readBudget(agent.budget), budget) : budget
  const spec = { ...gracefulSpec(graph, { ...finish, limits: own.limits }), ensemble }
  return limitStep(wrap(work, 'graceful', spec), budget)
}

function compileDispatch(work: FlowWork): GraphStep {
  const spec: DispatchSpec = { ensemble: toCel(work.agent.dispatch ?? '') }
  return wrap(work, 'dispatch', spec)
}

function compileLoop(report: Report, work: FlowWork): GraphStep | undefined {
  const { agent, path, lookup, nested } = work
  const { loop } = agent
  // a loop that is not well-formed has been reported
  if (!loop) return undefined
  const { agents, path: inside } = readBody(loop.body)
  const at = [...path, 'loop', ...inside]
  const body: StepGraph | undefined =
    typeof loop.body === 'string'
      ? compileOther(report, work, { name: loop.body, path: [...path, 'loop', 'body'] })
      : { name: agent.name, steps: compileAgents(report, { agents, path: at, lookup, nested }) }
  if (!body) return undefined
  if (typeof loop.body === 'string') {
    const known = { label: `"${agent.name}"`, visible: new Set<string>(), beside: new Set<string>() }
    const names = new Set(body.steps.map(({ id }) => id))
    checkRounds(report, { raw: { loop }, path, ...known }, names)
  }
  const { budget, finish, ...plain } = body
  const spec: LoopSpec = {
    body: plain,
    max_iterations: loop.max_iterations,
    ...(loop.until === undefined ? {} : { until: toCondition(loop.until) }),
    ...(loop.carry === undefined ? {} : { carry: toCel(loop.carry) }),
  }
  if (finish && typeof loop.body === 'string') {
    // The budget is for all rounds together, so the last answer is made of what there is of all of them.
    const steps = [{ id: agent.name, kind: 'loop', spec }]
    const graph: StepGraph = { name: agent.name, steps, finish, ...(budget ? { budget } : {}) }
    return finishStep(work, { ensemble: loop.body, graph })
  }
  return limitStep(wrap(work, 'loop', spec), budget)
}

/** The graph of another file. Its problems are said once, with its own places. */
function compileOther(
  report: Report,
  { agent, lookup, nested }: FlowWork,
  { name, path }: { readonly name: string; readonly path: Path },
): StepGraph | undefined {
  const found = lookup.ensemble?.(name) ?? missing(name)
  if ('code' in found) {
    const { code, message, hint } = found
    report.add(path, {
      code: code === 'not_found' ? 'ensemble_missing' : code,
      message: `"${agent.name}" cannot run "${name}": ${message}`,
      ...(hint === undefined ? {} : { hint }),
    })
    return undefined
  }
  const made = nested(found)
  report.include(made.problems)
  return made.graph
}

function missing(name: string): Problem {
  return { code: 'not_found', message: `there is no ensemble "${name}"` }
}

/** A step that works by proposing others. `retry` would find their results as they are, so it has none. */
function wrap({ agent, lookup, rules, untimed }: FlowWork, kind: string, spec: GraphStep['spec']): GraphStep {
  return {
    id: agent.name,
    kind,
    spec: { ...spec, ...(rules ? { rules } : {}) },
    ...(agent.depends_on.length > 0 ? { after: agent.depends_on } : {}),
    ...limitRights(agent, lookup),
    ...(untimed ? {} : timeOf(agent)),
  }
}

function verifyStep(report: Report, { agent, path, lookup, untimed }: FlowWork, inner: GraphStep): GraphStep {
  if (agent.verify === undefined) return inner
  return compileVerify(report, {
    inner,
    block: agent.verify,
    path: [...path, 'verify'],
    timed: !untimed && agent.timeout_seconds !== undefined,
    means: {
      settings: lookup.verify ?? {},
      findModel: (source, at) => findModel(report, { source, agent, path: at, lookup }),
      findScript: (reference) => lookup.script(reference),
      steps: new Set(agent.depends_on.map(({ step }) => step)),
    },
  })
}

function repeatStep(agent: Agent, inner: GraphStep, rules: InputRules | undefined): GraphStep {
  const { after, ...step } = inner
  const { for_each: items, max_parallel: width } = agent
  const over = items === undefined ? undefined : typeof items === 'string' ? toCel(items) : JSON.stringify(items)
  const spec: EachSpec & { readonly rules?: InputRules } = {
    step,
    ...(over === undefined ? {} : { over }),
    ...(width === undefined ? {} : { width }),
    ...(rules ? { rules } : {}),
  }
  return { id: agent.name, kind: 'each', spec, ...(after ? { after } : {}), ...timeOf(agent) }
}

function gateStep(when: string, step: GraphStep): GraphStep[] {
  const id = `${step.id}/when`
  const spec: ConditionSpec = { expression: toCondition(when) }
  const { after = [] } = step
  return [
    { id, kind: 'condition', spec, ...(after.length > 0 ? { after } : {}) },
    { ...step, after: [...after, { step: id, on: 'verdict' }] },
  ]
}

function limitSpending({ budget }: Agent, step: GraphStep): GraphStep {
  const own = budget && readBudget(budget)
  if (!own || !hasLimits(own.limits) || !(step.budget?.on_limit ?? step.budget?.unpriced)) return limitStep(step, own)
  // The words of the ensemble that it runs are about that one's limits alone.
  const { limits, ...time } = own
  return { ...limitStep(step, { limits: {}, ...time }), budget: { ...step.budget, within: limits } }
}

/** The step and all inside it get by with that; a limit it has already stays where it is tighter. */
function limitStep(step: GraphStep, budget: Budget | undefined): GraphStep {
  if (!budget) return step
  const { on_limit, unpriced, ...own } = step.budget ?? {}
  const joined = joinBudgets(budget, {
    limits: own,
    ...(on_limit ? { on_limit } : {}),
    ...(unpriced ? { unpriced } : {}),
    ...(step.timeout_ms === undefined ? {} : { timeout_ms: step.timeout_ms }),
  })
  const { limits, timeout_ms } = joined
  return {
    ...step,
    ...(hasLimits(limits) ? { budget: budgetOf(joined) } : {}),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
  }
}

function timeOf({ timeout_seconds: seconds }: Agent): { readonly timeout_ms?: number } {
  return seconds === undefined ? {} : { timeout_ms: toMilliseconds(seconds) }
}
