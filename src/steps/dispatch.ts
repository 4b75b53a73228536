import { StepFailure, type StepKind } from '../engine/step.ts'
import type { DispatchSpec, InputRules } from '../graph/composite.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import { runEnsemble } from './nested.ts'
import { evaluate, scopeOf } from './scope.ts'

/**
 * Runs the ensemble that an expression names, like a nested one. The definition comes by an effect, so the journal holds what ran;
 * a name that leads nowhere fails the step before anything else happens.
 */
export const dispatchStep: StepKind = {
  kind: 'dispatch',
  version: 1,
  async run(step, inputs, ctx) {
    const spec = step.spec as unknown as DispatchSpec & { readonly rules?: InputRules }
    const ensemble = evaluate('dispatch', spec.ensemble, scopeOf(inputs))
    if (typeof ensemble !== 'string' || ensemble.trim() === '') {
      throw new StepFailure('ensemble_missing', `dispatch: ${spec.ensemble} does not give the name of an ensemble`)
    }
    const request = { ensemble: ensemble.trim() }
    const answer = await ctx.effect({ kind: 'definition', name: 'definition', safety: 'pure', request })
    const { name, graph } = answer as unknown as { readonly name: string; readonly graph: StepGraph }
    const rules = spec.rules ? { rules: spec.rules } : {}
    return runEnsemble(ctx, { id: step.id, inputs, ensemble: name, graph, ...rules })
  },
}
