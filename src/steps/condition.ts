import type { StepKind } from '../engine/step.ts'
import type { ConditionSpec } from '../graph/composite.ts'
import { evaluate, expressionScope, isTrue, readRun, scopeOf } from './scope.ts'

/** Decides whether the step behind it may start. The value it found is its output; one that cannot be computed is a failure. */
export const conditionStep: StepKind = {
  kind: 'condition',
  version: 2,
  async run(step, inputs, ctx) {
    const { expression } = step.spec as unknown as ConditionSpec
    const value = evaluate(['when', expression], expressionScope(inputs), await readRun(ctx, expression))
    return { output: value, verdict: isTrue(value) }
  },
  older: {
    // Knew nothing of the run, nor of what is missing of a step.
    1: async (step, inputs) => {
      const { expression } = step.spec as unknown as ConditionSpec
      const value = evaluate(['when', expression], scopeOf(inputs))
      return { output: value, verdict: isTrue(value) }
    },
  },
}
