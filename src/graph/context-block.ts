import * as z from 'zod'
import type { ContextRules } from './agent-spec.ts'

/** How much a model is given to read, as users write it. */
export const contextBlock = z
  .strictObject({
    budget_tokens: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Tokens that a request may be, tools included, where the model could read more.'),
    overflow: z
      .enum(['truncate', 'summarise', 'fail'])
      .optional()
      .describe('What is done when it does not fit: shorten it (usual), let the model sum it up, or fail.'),
    silent_cut: z
      .enum(['fail', 'note'])
      .optional()
      .describe('What is done about a server that reads less than it was sent; usually `fail`.'),
  })
  .describe('How requests are fitted to what the model can read.')

export type ContextBlock = z.infer<typeof contextBlock>

export function readContextRules({ budget_tokens, overflow, silent_cut }: ContextBlock): ContextRules {
  return {
    ...(budget_tokens === undefined ? {} : { budget_tokens }),
    ...(overflow === undefined ? {} : { overflow }),
    ...(silent_cut === undefined ? {} : { silent_cut }),
  }
}
