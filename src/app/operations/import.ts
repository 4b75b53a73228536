import { resolve } from 'node:path'
import * as z from 'zod'
import { FORMAT_NAMES } from '../../config/import/format-names.ts'
import { defineOperation } from '../operation.ts'

export const importOperation = defineOperation({
  name: 'import',
  summary: 'Turn files of other programs into ensembles and profiles of this project, with a report.',
  input: z.object({
    source: z.string().min(1).describe('A file, or a folder with files, of another program.'),
    format: z.enum(FORMAT_NAMES).optional().describe('Take the files for this format; default: told by their content.'),
    to: z.string().min(1).optional().describe('The project to write into; default: this one.'),
    dry_run: z.boolean().default(false).describe('Write nothing; show what would be written.'),
    force: z.boolean().default(false).describe('Write over files that are there; each is kept beside it as .bak.'),
  }),
  run: async (input, { app }) => {
    const { importFiles } = await import('../import-files.ts')
    return importFiles(app, {
      source: resolve(app.paths.cwd, input.source),
      ...(input.format === undefined ? {} : { format: input.format }),
      ...(input.to === undefined ? {} : { to: resolve(app.paths.cwd, input.to) }),
      dry_run: input.dry_run,
      force: input.force,
    })
  },
})
