import type { StepGraph } from './step-graph.ts'

/**
 * Steps by level: in the first those that wait for nothing, in each further one those whose dependencies all stand before it, in the
 * order of the graph. A view for people: the engine starts a step as soon as its own dependencies ended. The graph must be sound.
 */
export function phasesOf(graph: StepGraph): string[][] {
  const waiters = new Map<string, string[]>()
  const open = new Map<string, number>()
  const position = new Map(graph.steps.map((step, index) => [step.id, index]))
  for (const { id, after = [] } of graph.steps) {
    open.set(id, after.length)
    for (const { step } of after) {
      const list = waiters.get(step)
      if (list) list.push(id)
      else waiters.set(step, [id])
    }
  }
  const phases: string[][] = []
  let phase = graph.steps.filter((step) => (step.after ?? []).length === 0).map((step) => step.id)
  while (phase.length > 0) {
    phases.push(phase)
    const next: string[] = []
    for (const id of phase)
      for (const waiter of waiters.get(id) ?? []) {
        const left = (open.get(waiter) ?? 0) - 1
        open.set(waiter, left)
        if (left === 0) next.push(waiter)
      }
    phase = next.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0))
  }
  return phases
}
