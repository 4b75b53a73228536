import type { ProposedStep } from '../engine/step.ts'
import type { GraphStep } from '../graph/step-graph.ts'

/** What a proposed step sees besides its own dependencies. */
export type Sight = Pick<GraphStep, 'input' | 'inherit'>

/** Templates with their relative ids put under a place: `agent` becomes `PLACE/agent`, in edges too. */
export function placeSteps(place: string, templates: readonly GraphStep[], sight: Sight = {}): ProposedStep[] {
  return templates.map(({ after, ...template }) => ({
    ...template,
    id: `${place}/${template.id}`,
    ...(after ? { after: after.map((edge) => ({ ...edge, step: `${place}/${edge.step}` })) } : {}),
    ...sight,
  }))
}

/** What the author of a graph called a step: its id without the places it was put under. */
export function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}
