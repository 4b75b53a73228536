import * as z from 'zod'
import { isError } from '../../events/errors.ts'
import { defineOperation } from '../operation.ts'
import { checkAgents } from '../runnable.ts'
import { inspectTarget } from '../target.ts'

export const checkRunnableOperation = defineOperation({
  name: 'ensembles runnable',
  summary: 'Say of each agent whether it could run here and now, and what could take its place.',
  input: z.object({ name: z.string().min(1).describe('An ensemble, by name or path.') }),
  run: async ({ name }, { app }) => {
    const { problems } = await inspectTarget(app, name)
    const agents = await checkAgents(app, name)
    const runnable = agents.every(({ status }) => status === 'available') && !problems.some(isError)
    return { ensemble: name, runnable, agents, problems }
  },
})
