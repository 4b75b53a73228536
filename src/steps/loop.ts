import { type RunStep, StepFailure, type StepKind } from '../engine/step.ts'
import type { InputRules, LoopSpec } from '../graph/composite.ts'
import { runInner } from './inner.ts'
import { applyInputRules, composeInput } from './inputs.ts'
import { evaluate, isTrue, listEnds, listSteps, readRun } from './scope.ts'

/**
 * Runs its body again and again as `NAME#1/…`, `NAME#2/…`, until `until` holds after a round or the limit is reached. Its output is that
 * of the last round. Expressions see the round's `steps`, its `output`, its `input` and its number, `round`. A round that fails, and an
 * expression that cannot be computed, end the loop as failed; the last round's output stays.
 */
export const loopStep: StepKind = {
  kind: 'loop',
  version: 2,
  run: runLoop({ deep: true }),
  // Its expressions knew nothing of the run, nor of what is missing of a step, and it told of no more than its own steps.
  older: { 1: runLoop({ deep: false }) },
}

function runLoop({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const { body, until, max_iterations, carry, rules } = step.spec as unknown as LoopSpec & {
      readonly rules?: InputRules
    }
    const failed: string[] = []
    let input = composeInput(applyInputRules(rules, inputs))
    for (let round = 1; ; round += 1) {
      const [name, place, title] = [`round#${round}`, `${step.id}#${round}`, `round ${round}`]
      const end = await runInner(ctx, { name, graph: body, place, input, title })
      failed.push(...(deep ? end.lost : end.failed))
      const steps = deep ? listEnds(end.outcomes) : listSteps(end.outcomes)
      const scope = { steps, output: end.output, input, round }
      try {
        const run = deep ? await readRun(ctx, until, carry) : {}
        const done = until !== undefined && isTrue(evaluate(['until', until], scope, run))
        if (done || !(round < max_iterations)) {
          const verdict = { rounds: round, ended: done ? 'until' : 'limit' }
          ctx.record('note-written', { about: 'loop', ...verdict, limit: max_iterations })
          return {
            output: end.output,
            verdict: { ...verdict, ...(failed.length > 0 ? { partial: true, failed } : {}) },
          }
        }
        if (carry !== undefined) input = evaluate(['carry', carry], scope, run)
      } catch (error) {
        if (!(error instanceof StepFailure)) throw error
        throw new StepFailure(error.code, `after round ${round}: ${error.message}`, { output: end.output })
      }
    }
  }
}
