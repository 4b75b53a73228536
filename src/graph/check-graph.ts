import type { Problem } from '../events/errors.ts'
import { findCycles } from './cycles.ts'
import { suggest } from './nearest.ts'
import type { StepGraph } from './step-graph.ts'

const MAX_HINTS = 50

/** What keeps any graph from being run: doubled ids, edges and outputs that lead nowhere, circles. Linear in steps and edges. */
export function checkGraph(graph: StepGraph): Problem[] {
  const problems: Problem[] = []
  const ids = new Set<string>()
  for (const { id } of graph.steps) {
    if (ids.has(id)) problems.push({ code: 'name_duplicate', message: `two steps have the id "${id}"` })
    ids.add(id)
  }
  const hint = (id: string) => (problems.length < MAX_HINTS ? suggest(id, ids) : {})
  const waitsFor = new Map<string, string[]>()
  for (const { id, after = [] } of graph.steps) {
    for (const { step } of after)
      if (!ids.has(step))
        problems.push({
          code: 'dependency_unknown',
          message: `step "${id}" waits for "${step}", which does not exist`,
          ...hint(step),
        })
    const others = after.map((edge) => edge.step)
    waitsFor.set(id, waitsFor.has(id) ? [...(waitsFor.get(id) ?? []), ...others] : others)
  }
  if (graph.output !== undefined && !ids.has(graph.output))
    problems.push({
      code: 'dependency_unknown',
      message: `the output "${graph.output}" is not a step`,
      ...hint(graph.output),
    })
  for (const cycle of findCycles(waitsFor))
    problems.push({ code: 'dependency_cycle', message: `steps wait for each other in a circle: ${cycle.join(' -> ')}` })
  return problems
}
