import * as z from 'zod'
import { defineOperation } from '../operation.ts'
import { findStart, quoteStart, targetFields } from './run.ts'

export const quoteOperation = defineOperation({
  name: 'quote',
  summary: 'Say what a run would cost and how long it would take: at least, as a rule, at worst. Nothing is run.',
  input: z.object({
    ...targetFields,
    max_concurrent: z.int().min(1).optional().describe('Steps that may run at once.'),
    timeout_seconds: z.number().positive().optional().describe('The run would end when this time is over.'),
    max_cost: z
      .number()
      .positive()
      .optional()
      .describe('US dollars: say whether the worst case stays below; refused when that has no limit.'),
  }),
  run: async (input, { app }) => quoteStart(app, await findStart(app, input), input),
})
