import type { RunState, StepState } from './state.ts'
import { cutRights, type Rights } from './tool-call.ts'
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

/** What a step may ask of tools: its own rights, cut with those of every step above it. Without any, policy alone decides. */
export function rightsOf(state: RunState, step: StepState): Rights | undefined {
  let rights: Rights | undefined
  for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))
    rights = cutRights(at.plan.rights, rights)
  return rights
}
