import * as z from 'zod'
import { defineOperation } from '../operation.ts'
import { readScopes } from '../scopes.ts'

export const listBudgets = defineOperation({
  name: 'budgets list',
  summary: 'List the budgets that runs share, with what is spent and held of them now.',
  input: z.object({}),
  run: async (_, { app }) => {
    const scopes = await readScopes(app)
    return {
      budgets: scopes.map(({ title, limits, spent }) => ({ title, limits, ...spent })),
      each_run: app.config.settings.budgets?.run ?? {},
    }
  },
})
