/** The least that phases need to know of a step. */
export interface Linked {
  readonly id: string
  readonly after: readonly { readonly step: string }[]
}

/**
 * Levels of a graph: a step stands one phase after the latest of its dependencies, in the order given within a phase.
 * Phases are for looking at; the engine has no barriers. Steps on a cycle come last; unknown dependencies are ignored.
 */
export function findPhases(steps: readonly Linked[]): string[][] {
  const dependents = new Map<string, string[]>()
  const missing = new Map<string, number>()
  for (const step of steps) dependents.set(step.id, [])
  for (const step of steps) {
    const known = new Set(step.after.map((edge) => edge.step).filter((id) => dependents.has(id)))
    for (const id of known) dependents.get(id)?.push(step.id)
    missing.set(step.id, known.size)
  }
  const order = new Map(steps.map((step, index) => [step.id, index]))
  const phases: string[][] = []
  let ready = steps.filter((step) => missing.get(step.id) === 0).map((step) => step.id)
  let placed = 0
  while (ready.length > 0) {
    phases.push(ready)
    placed += ready.length
    const next: string[] = []
    for (const id of ready) {
      for (const dependent of dependents.get(id) ?? []) {
        const left = (missing.get(dependent) ?? 0) - 1
        missing.set(dependent, left)
        if (left === 0) next.push(dependent)
      }
    }
    ready = next.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
  }
  const rest = placed === order.size ? [] : [...order.keys()].filter((id) => (missing.get(id) ?? 0) > 0)
  return rest.length > 0 ? [...phases, rest] : phases
}
