import {
  type Inputs,
  type RunStep,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepResult,
} from '../engine/step.ts'
import type { InputRules, NestedSpec } from '../graph/composite.ts'
import { MAX_DEPTH } from '../graph/nesting.ts'
import { runInner, verdictOn } from './inner.ts'
import { applyInputRules, composeInput } from './inputs.ts'

/** Runs another ensemble as children `NAME/agent`, which see one input (`composeInput`) and nothing else of what is around them. */
export const nestedStep: StepKind = {
  kind: 'nested',
  version: 2,
  run: runNested({ deep: true }),
  older: { 1: runNested({ deep: false }) },
}

function runNested(how: { readonly deep: boolean }): RunStep {
  return (step, inputs, ctx) => {
    const spec = step.spec as unknown as NestedSpec & { readonly rules?: InputRules }
    return runEnsemble(ctx, { id: step.id, inputs, ...spec, ...how })
  }
}

type InnerEnsemble = NestedSpec & {
  readonly id: string
  readonly inputs: Inputs
  readonly rules?: InputRules
  /** Whether what is missing is told as deep as it is known; earlier versions named their own steps alone. */
  readonly deep: boolean
}

/** Throws a `StepFailure` `ensemble_too_deep` before a tower of ensembles, perhaps of one that runs itself, gets higher. */
export async function runEnsemble(
  ctx: StepContext,
  { id, inputs, rules, ensemble, graph, deep }: InnerEnsemble,
): Promise<StepResult> {
  if (deep) checkDepth(id, ensemble)
  else checkOlderDepth(id, ensemble)
  const input = composeInput(applyInputRules(rules, inputs))
  const title = `the ensemble ${JSON.stringify(ensemble)}`
  const { output, failed, lost } = await runInner(ctx, { name: 'ensemble', graph, place: id, input, title })
  return { output, ...verdictOn(deep ? lost : failed) }
}

/**
 * Each ensemble adds one part to the ids of its steps; so do rounds of a loop, and the place of work that finishes gracefully, which go no
 * deeper. An agent may be called like that place, so all together there is a limit, too.
 */
export function checkDepth(id: string, ensemble: string): void {
  const parts = partsOf(id)
  if (parts.length <= 2 * MAX_DEPTH) return refuseBelow(parts.filter((part) => part !== 'work').length, id, ensemble)
  refuseBelow(parts.length, id, ensemble)
}

/** Knew of no place for work but the whole run's. */
function checkOlderDepth(id: string, ensemble: string): void {
  refuseBelow(partsOf(id).length, id, ensemble)
}

function partsOf(id: string): readonly string[] {
  const inner = id.replace(/^[^/]+\/work\//, '')
  return inner.split('/').filter((part) => !/#\d+$/.test(part))
}

function refuseBelow(depth: number, id: string, ensemble: string): void {
  if (depth <= MAX_DEPTH) return
  const message = `the ensemble ${JSON.stringify(ensemble)} would run inside ${MAX_DEPTH} others: ${id}`
  throw new StepFailure('ensemble_too_deep', message)
}
