import { readBudget } from './budget.ts'
import { readCachePolicy } from './cache-policy.ts'
import { compileAgent, compileAssembly, titlesOf } from './compile-agent.ts'
import { compileAgents } from './compile-flow.ts'
import type { Agent, Coordinator, Ensemble } from './ensemble.ts'
import { keepOwnBudget } from './inner-budget.ts'
import type { CompiledEnsemble, Lookup, NestedEnsemble } from './lookup.ts'
import { Report } from './report.ts'
import type { GraphStep } from './step-graph.ts'

type Compiled = Map<Ensemble, CompiledEnsemble>

/**
 * Turns a parsed ensemble, and those inside it, into steps. It must be runnable (`checkRunnable`), and the files it runs must go in no
 * circle (`checkNesting`). Problems carry the places of the file they are about.
 */
export function compileEnsemble(ensemble: Ensemble, given: Lookup, compiled: Compiled = new Map()): CompiledEnsemble {
  const report = new Report(ensemble.place)
  const lookup = ensemble.cache === undefined ? given : { ...given, cache: readCachePolicy(ensemble.cache) }
  const nested = (inner: NestedEnsemble) => compileOnce(inner, compiled)
  const steps = compileAgents(report, { agents: ensemble.agents, path: ['agents'], lookup, nested })
  const last = ensemble.assemble
    ? compileLastAssembly(report, ensemble, lookup)
    : ensemble.coordinator && compileCoordinator(report, ensemble, lookup)
  if (last) steps.push(last)
  if (report.failed) return { problems: report.problems }
  const graph = {
    name: ensemble.name,
    steps,
    ...(last ? { output: last.id } : {}),
    ...(ensemble.budget ? { budget: readBudget(ensemble.budget) } : {}),
  }
  return { graph, problems: report.problems }
}

/** An ensemble that several agents run is compiled once, and its problems are said once. */
function compileOnce({ ensemble, lookup }: NestedEnsemble, compiled: Compiled): CompiledEnsemble {
  const known = compiled.get(ensemble)
  if (known) return { ...known, problems: [] }
  const made = keepOwnBudget(compileEnsemble(ensemble, lookup, compiled), ensemble, lookup)
  compiled.set(ensemble, made)
  return made
}

/** `assemble` of the file: one more agent over those that no other waits for. */
function compileLastAssembly(report: Report, ensemble: Ensemble, lookup: Lookup): GraphStep | undefined {
  const { agents, assemble } = ensemble
  const awaited = new Set(agents.flatMap((agent) => agent.depends_on.map(({ step }) => step)))
  const last = agents.filter((agent) => !awaited.has(agent.name))
  const agent: Agent = {
    name: freeName('assemble', agents),
    type: 'assemble',
    depends_on: last.map((other) => ({ step: other.name, on: 'always' })),
    ...(assemble === undefined ? {} : { assemble }),
  }
  return compileAssembly(report, { agent, path: [], lookup, titles: titlesOf(agents) })
}

/** The older last call becomes an ordinary agent that waits for all others. */
function compileCoordinator(report: Report, ensemble: Ensemble, lookup: Lookup): GraphStep | undefined {
  const { synthesis_prompt, ...settings } = ensemble.coordinator as Coordinator
  const agent: Agent = {
    ...settings,
    name: freeName('coordinator', ensemble.agents),
    type: 'llm',
    depends_on: ensemble.agents.map((other) => ({ step: other.name, on: 'always' })),
  }
  const step = compileAgent(report, { agent, path: ['coordinator'], lookup, titles: titlesOf(ensemble.agents) })
  if (!step || synthesis_prompt === undefined) return step
  return { ...step, spec: { ...step.spec, instruct: synthesis_prompt } }
}

function freeName(wanted: string, agents: readonly Agent[]): string {
  const names = new Set(agents.map((agent) => agent.name.normalize('NFC').toLowerCase()))
  let name = wanted
  for (let n = 2; names.has(name); n++) name = `${wanted}-${n}`
  return name
}
