import * as z from 'zod'
import { orderEmbedding } from '../model-faces.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { type RunResult, runTarget } from '../runs.ts'

/** Like `models ask`, in no table: what the OpenAI-compatible face says in that face's own form. */
export const embedTexts = defineOperation({
  name: 'models embed',
  summary: 'Ask a profile for texts as vectors.',
  input: z.object({
    model: z.string().describe('A profile of a model that makes embeddings.'),
    texts: z.array(z.string()).min(1).max(2048).describe('The texts.'),
    dimensions: z.int().positive().optional().describe('Numbers of each vector, where the model can be asked.'),
    run: z.string().describe('The id its run gets.'),
  }),
  run: async ({ run, ...wish }, caller): Promise<RunResult> =>
    runTarget(caller.app, { ...(await orderEmbedding(caller.app, wish)), run }, steeringOf(caller)),
})
