import {
  type Inputs,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
  type StepResult,
} from '../engine/step.ts'
import { addCheaper } from '../graph/cheaper.ts'
import type { DispatchSpec, InputRules, NestedSpec } from '../graph/composite.ts'
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
    const { name, graph: found } = answer as unknown as { readonly name: string; readonly graph: StepGraph }
    const graph = spec.cheaper ? addCheaper(found, spec.cheaper) : found
    const rules = spec.rules ? { rules: spec.rules } : {}
    if (graph.budget) return runWithin(ctx, { step: step.id, inputs, ensemble: name, graph, ...rules })
    return runEnsemble(ctx, { id: step.id, inputs, ensemble: name, graph, ...rules })
  },
}

/** An ensemble with a budget of its own is one more step, which has it. */
async function runWithin(
  ctx: StepContext,
  { step, inputs, ensemble, graph, rules }: NestedSpec & { step: string; inputs: Inputs; rules?: InputRules },
): Promise<StepResult> {
  const { budget, ...plain } = graph
  const spec: NestedSpec & { readonly rules?: InputRules } = { ensemble, graph: plain, ...(rules ? { rules } : {}) }
  const child = {
    id: `${step}/${ensemble}`,
    kind: 'nested',
    spec,
    inherit: inputs.dependencies.map(({ step: id }) => id),
    ...(budget ? { budget: budget.limits } : {}),
    ...(budget?.timeout_ms === undefined ? {} : { timeout_ms: budget.timeout_ms }),
  }
  const [outcome] = await ctx.propose('ensemble', [child])
  const { status, output = null, code = 'inner_failed', message = `it was ${status}` } = outcome as StepOutcome
  if (status !== 'succeeded') throw new StepFailure(code, message, { output })
  return { output }
}
