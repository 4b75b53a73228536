import {
  type Inputs,
  type RunStep,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
  type StepResult,
} from '../engine/step.ts'
import { budgetOf } from '../graph/budget.ts'
import { addCheaper } from '../graph/cheaper.ts'
import type { DispatchSpec, InputRules, NestedSpec } from '../graph/composite.ts'
import { gracefulSpec } from '../graph/graceful.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import { listLost, verdictOn } from './inner.ts'
import { runEnsemble } from './nested.ts'
import { evaluate, expressionScope, readRun, scopeOf } from './scope.ts'

/**
 * Runs the ensemble that an expression names, like a nested one. The definition comes by an effect, so the journal holds what ran;
 * a name that leads nowhere fails the step before anything else happens.
 */
export const dispatchStep: StepKind = {
  kind: 'dispatch',
  version: 2,
  run: runDispatch({ deep: true }),
  // Its expression knew nothing of the run; of an ensemble's own budget only the limits held, and what was missing of it was not told.
  older: { 1: runDispatch({ deep: false }) },
}

function runDispatch({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const spec = step.spec as unknown as DispatchSpec & { readonly rules?: InputRules }
    const run = deep ? await readRun(ctx, spec.ensemble) : {}
    const ensemble = evaluate(['dispatch', spec.ensemble], deep ? expressionScope(inputs) : scopeOf(inputs), run)
    if (typeof ensemble !== 'string' || ensemble.trim() === '') {
      throw new StepFailure('ensemble_missing', `dispatch: ${spec.ensemble} does not give the name of an ensemble`)
    }
    const request = { ensemble: ensemble.trim() }
    const answer = await ctx.effect({ kind: 'definition', name: 'definition', safety: 'pure', request })
    const { name, graph: found } = answer as unknown as { readonly name: string; readonly graph: StepGraph }
    const graph = spec.cheaper ? addCheaper(found, spec.cheaper) : found
    const rules = spec.rules ? { rules: spec.rules } : {}
    if (graph.budget) return runWithin(ctx, { step: step.id, inputs, ensemble: name, graph, ...rules, deep })
    return runEnsemble(ctx, { id: step.id, inputs, ensemble: name, graph, ...rules, deep })
  }
}

type Within = NestedSpec & {
  readonly step: string
  readonly inputs: Inputs
  readonly rules?: InputRules
  readonly deep: boolean
}

/** An ensemble with a budget of its own is one more step, which has it. */
async function runWithin(
  ctx: StepContext,
  { step, inputs, ensemble, graph, rules, deep }: Within,
): Promise<StepResult> {
  const { budget, ...plain } = graph
  const { finish } = deep ? graph : {}
  const child = {
    id: `${step}/${ensemble}`,
    kind: finish ? 'graceful' : 'nested',
    spec: {
      ...(finish ? gracefulSpec(graph, { ...finish, limits: budget?.limits ?? {} }) : { graph: plain }),
      ensemble,
      ...(rules ? { rules } : {}),
    },
    inherit: inputs.dependencies.map(({ step: id }) => id),
    ...(budget ? { budget: deep ? budgetOf(budget) : budget.limits } : {}),
    ...(budget?.timeout_ms === undefined ? {} : { timeout_ms: budget.timeout_ms }),
  }
  const [outcome] = await ctx.propose('ensemble', [child])
  const { status, output = null, code = 'inner_failed', message = `it was ${status}` } = outcome as StepOutcome
  if (status !== 'succeeded') throw new StepFailure(code, message, { output })
  return { output, ...(deep ? verdictOn(listLost([outcome as StepOutcome])) : {}) }
}
