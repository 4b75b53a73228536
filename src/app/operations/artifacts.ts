import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { cleanupArtifacts } from '../artifacts.ts'
import { defineOperation } from '../operation.ts'
import { deleteOwnArtifact, listOwnArtifacts, showOwnArtifact } from '../own-artifacts.ts'
import { artifactsFolder } from '../runs.ts'

const ensemble = z.string().min(1).describe('The ensemble that was run.')
const execution = z.string().min(1).describe('The id of the execution, as `artifacts list` shows it.')

export const listArtifactsOperation = defineOperation({
  name: 'artifacts list',
  summary: 'List the readable folders that runs have left.',
  input: z.object({ ensemble: ensemble.optional() }),
  run: async (input, { app }) => ({ artifacts: await listOwnArtifacts(app, input.ensemble) }),
})

export const showArtifactOperation = defineOperation({
  name: 'artifacts show',
  summary: 'Show one execution of an ensemble.',
  input: z.object({
    ensemble,
    execution: z.string().default('latest').describe('The execution folder, or `latest`.'),
  }),
  run: (input, { app }) => showOwnArtifact(app, input.ensemble, input.execution),
})

export const deleteArtifactOperation = defineOperation({
  name: 'artifacts delete',
  summary: 'Delete one execution folder; the journal of the run stays.',
  input: z.object({ ensemble, execution, confirm: z.boolean().default(false).describe('Really delete it.') }),
  run: async (input, { app }) => {
    if (!input.confirm) {
      const message = `this deletes the execution ${input.execution} of ${input.ensemble}`
      throw new OrcError({ code: 'confirmation_needed', message, hint: 'Add --confirm to do it.' })
    }
    return { deleted: await deleteOwnArtifact(app, input.ensemble, input.execution) }
  },
})

export const cleanupArtifactsOperation = defineOperation({
  name: 'artifacts cleanup',
  summary: 'Delete old execution folders.',
  input: z.object({
    ensemble: ensemble.optional(),
    older_than_days: z.number().min(0).default(30).describe('Only folders older than this.'),
    dry_run: z.boolean().default(false).describe('Only say what would be deleted.'),
  }),
  run: ({ ensemble: one, ...rest }, { app }) =>
    cleanupArtifacts({
      dir: artifactsFolder(app),
      ...rest,
      ...(one === undefined ? {} : { ensemble: one }),
      now: Date.now(),
    }),
})
