import { type Inputs, type StepContext, StepFailure, type StepKind, type StepResult } from '../engine/step.ts'
import type { InputRules, NestedSpec } from '../graph/composite.ts'
import { MAX_DEPTH } from '../graph/nesting.ts'
import { runInner } from './inner.ts'
import { applyInputRules, composeInput } from './inputs.ts'

/** Runs another ensemble as children `NAME/agent`, which see one input (`composeInput`) and nothing else of what is around them. */
export const nestedStep: StepKind = {
  kind: 'nested',
  version: 1,
  run(step, inputs, ctx) {
    const spec = step.spec as unknown as NestedSpec & { readonly rules?: InputRules }
    return runEnsemble(ctx, { id: step.id, inputs, ...spec })
  },
}

type InnerEnsemble = NestedSpec & { readonly id: string; readonly inputs: Inputs; readonly rules?: InputRules }

/** Throws a `StepFailure` `ensemble_too_deep` before a tower of ensembles, perhaps of one that runs itself, gets higher. */
export async function runEnsemble(
  ctx: StepContext,
  { id, inputs, rules, ensemble, graph }: InnerEnsemble,
): Promise<StepResult> {
  checkDepth(id, ensemble)
  const input = composeInput(applyInputRules(rules, inputs))
  const title = `the ensemble ${JSON.stringify(ensemble)}`
  const { output, failed } = await runInner(ctx, { name: 'ensemble', graph, place: id, input, title })
  return { output, ...(failed.length > 0 ? { verdict: { partial: true, failed } } : {}) }
}

/** Each ensemble adds one part to the ids of its steps; so do rounds of a loop, and the place of work that finishes gracefully, which go no deeper. */
function checkDepth(id: string, ensemble: string): void {
  const inner = id.replace(/^[^/]+\/work\//, '')
  const depth = inner.split('/').filter((part) => !/#\d+$/.test(part)).length
  if (depth <= MAX_DEPTH) return
  const message = `the ensemble ${JSON.stringify(ensemble)} would run inside ${MAX_DEPTH} others: ${id}`
  throw new StepFailure('ensemble_too_deep', message)
}
