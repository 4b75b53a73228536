import { resolve } from 'node:path'
import * as z from 'zod'
import { initProject } from '../../config/init.ts'
import { defineOperation } from '../operation.ts'

export const init = defineOperation({
  name: 'init',
  summary: 'Set up a project: a .llm-orc folder with a config file and an example ensemble.',
  input: z.object({
    directory: z.string().optional().describe('Where; default: the current folder.'),
    project_name: z.string().optional().describe('What the project is called; default: the name of the folder.'),
    scripts: z.boolean().default(true).describe('Also put an example script there.'),
  }),
  run: (input, { app }) =>
    initProject(resolve(app.paths.cwd, input.directory ?? '.'), {
      ...(input.project_name === undefined ? {} : { name: input.project_name }),
      scripts: input.scripts,
    }),
})
