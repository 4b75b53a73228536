import * as z from 'zod'
import { readRoles } from '../../config/roles.ts'
import { OrcError } from '../../events/errors.ts'
import { defineOperation } from '../operation.ts'

export const listRoles = defineOperation({
  name: 'roles list',
  summary: 'List the roles: prompts with a name, which agents may take.',
  input: z.object({}),
  run: async (_, { app }) => {
    const { roles, problems } = await readRoles(app.config)
    const listed = [...roles.values()].map(({ name, prompt, level, place }) => ({
      name,
      summary: prompt.trim().split('\n')[0]?.slice(0, 200) ?? '',
      source: level,
      ...(place.file === undefined ? {} : { file: place.file }),
    }))
    return { roles: listed, problems }
  },
})

export const showRole = defineOperation({
  name: 'roles show',
  summary: 'Show a role: its prompt and its context.',
  input: z.object({ name: z.string().min(1).describe('The name of the role.') }),
  run: async ({ name }, { app }) => {
    const role = (await readRoles(app.config)).roles.get(name)
    if (!role) {
      const hint = 'See them with: llm-orc roles list'
      throw new OrcError({ code: 'not_found', message: `there is no role ${JSON.stringify(name)}`, hint })
    }
    const { prompt, context, level } = role
    return { name, prompt, ...(context === undefined ? {} : { context }), source: level }
  },
})
