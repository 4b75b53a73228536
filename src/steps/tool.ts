import { StepFailure, type StepKind } from '../engine/step.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { describeCall } from './tool-effect.ts'

/** The settings of a `tool` step. */
export type ToolSpec = {
  readonly tool: PinnedTool
  readonly arguments: JsonObject
}

const NAMED = 5

/** Calls one tool once, without a model. Its output is what the tool gave. */
export const toolStep: StepKind = {
  kind: 'tool',
  version: 1,
  async run(step, _inputs, ctx) {
    const { tool, arguments: given } = step.spec as unknown as ToolSpec
    const faults = findMismatches(tool.input_schema, given)
    if (faults.length > 0) {
      const named = faults.slice(0, NAMED).join('; ')
      throw new StepFailure('bad_input', `the arguments do not follow the schema of ${tool.name}: ${named}`)
    }
    return { output: await ctx.effect(describeCall({ tool, arguments: given, id: 'call', step: step.id })) }
  },
}
