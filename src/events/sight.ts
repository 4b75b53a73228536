import type { RunState, StepState } from './state.ts'
import type { Value } from './values.ts'

/** What a step sees as input: its own, else that of the nearest step above it that has one, else the run's. */
export function inputOf(state: RunState, step: StepState): Value {
  for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    if (at.plan.input) return at.plan.input
  return state.input as Value
}

/** The steps whose outcomes a step sees: those it inherits from its proposer, then its own dependencies. Conditions carry no content. */
export function sightOf(step: StepState): readonly string[] {
  const { after, inherit = [] } = step.plan
  return [...inherit, ...after.flatMap((edge) => (edge.on === 'verdict' ? [] : [edge.step]))]
}
