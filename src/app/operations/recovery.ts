import * as z from 'zod'
import { readEvents } from '../../engine/engine.ts'
import { OrcError } from '../../events/errors.ts'
import {
  addRecoveries,
  listRecoveries,
  type RecoveryCount,
  recoveryView,
  sortCounts,
} from '../../events/views/recovery.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { findRunId } from '../run-id.ts'
import { sketchRuns } from '../run-sketch.ts'

export const showRecovery = defineOperation({
  name: 'recovery show',
  summary: 'Show what was done about failures, and how often it helped.',
  input: z.object({
    run: z.string().optional().describe('Only of this run: its id, the beginning of it, or `latest`.'),
    all: z.boolean().default(false).describe('Runs of every project, not only of this one.'),
  }),
  run: async ({ run, all }, { app, signal }) => {
    const sum = new Map<string, RecoveryCount>()
    let runs = 0
    let unreadable = 0
    for (const id of run === undefined ? await listIds(app, all) : [await findRunId(app, run)]) {
      signal.throwIfAborted()
      try {
        addRecoveries(sum, await readRun(app, id))
        runs += 1
      } catch (error) {
        // One that cannot be read hides no other; `runs list` says what it is.
        if (run !== undefined || !(error instanceof OrcError)) throw error
        unreadable += 1
      }
    }
    return { runs, ...(unreadable > 0 ? { unreadable } : {}), recoveries: sortCounts([...sum.values()]) }
  },
})

async function listIds(app: App, all: boolean): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of sketchRuns(app, { all })) ids.push(id)
  return ids
}

async function readRun(app: App, id: string): Promise<readonly RecoveryCount[]> {
  let state = recoveryView.initial()
  for await (const event of readEvents(await app.openJournal(), id)) state = recoveryView.evolve(state, event)
  return listRecoveries(state)
}
