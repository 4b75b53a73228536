import { StepFailure, type StepKind, type StepOutcome } from '../engine/step.ts'
import type { JsonObject } from '../events/values.ts'
import type { QueriesSpec } from '../graph/workflow.ts'
import { runItems } from './each.ts'
import { describeFailures } from './inner.ts'

/**
 * Asks every model as `NAME[0]`, `NAME[1]`, … The output is `{outputs: [{output, provider, model, error?}], query_count,
 * successful_queries}` in the order written; a failed query has the output `null` and its error code. It fails when all failed.
 */
export const queriesStep: StepKind = {
  kind: 'queries',
  version: 1,
  async run(step, inputs, ctx) {
    const { queries, width } = step.spec as unknown as QueriesSpec
    const inherit = inputs.dependencies.map((dependency) => dependency.step)
    const steps = queries.map(({ step: query }, index) => ({ ...query, id: `${step.id}[${index}]`, inherit }))
    const outcomes = await runItems(ctx, steps, width)
    const failures = outcomes.filter(({ status }) => status !== 'succeeded')
    const output = {
      outputs: outcomes.map((outcome, index) => describe(outcome, queries[index])),
      query_count: queries.length,
      successful_queries: queries.length - failures.length,
    }
    if (failures.length === queries.length)
      throw new StepFailure('inner_failed', `every query failed: ${describeFailures(failures)}`, { output })
    const failed = failures.map((failure) => failure.step)
    return { output, ...(failed.length > 0 ? { verdict: { partial: true, failed } } : {}) }
  },
}

function describe(outcome: StepOutcome, query: QueriesSpec['queries'][number] | undefined): JsonObject {
  const { provider = '', model = '' } = query ?? {}
  if (outcome.status === 'succeeded') return { output: outcome.output ?? null, provider, model }
  return { output: null, provider, model, error: outcome.code ?? outcome.status }
}
