import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { App } from '../app.ts'
import { createBatch, driveBatch, keepBatch } from '../batch.ts'
import { appendBatch, type BatchReport, readBatch, reportBatch } from '../batch-record.ts'
import { type Call, defineOperation, steeringOf } from '../operation.ts'
import { projectDigest } from '../project-digest.ts'
import { permitFields } from './run.ts'

const MOST_INPUTS = 10_000

const batch = z.string().min(1).describe('The id of the batch.')

export const batchOperation = defineOperation({
  name: 'batch',
  summary: 'Run one definition on many inputs: every input its own run, several at once; it can be resumed.',
  input: z.object({
    target: z.string().optional().describe('An ensemble or chain; without one every input is a prompt for models.'),
    inputs: z
      .array(z.string())
      .max(MOST_INPUTS)
      .default([])
      .describe('What to work on, one run each; may be repeated.'),
    inputs_file: z.string().optional().describe('A file with one input a line, or a JSON list of texts.'),
    model: z.array(z.string()).default([]).describe('Without a target: the models to ask; may be repeated.'),
    concurrency: z.int().min(1).max(1000).default(4).describe('Runs at once.'),
    seed: z.string().optional().describe('Makes every choice by chance repeatable.'),
    ...permitFields,
  }),
  run: async ({ target, inputs, inputs_file, model, concurrency, seed, allow, deny }, call) => {
    const { app } = call
    const all = [...inputs, ...(inputs_file === undefined ? [] : await readInputs(app, inputs_file))]
    if (all.length === 0)
      throw new OrcError({
        code: 'bad_input',
        message: 'a batch needs inputs',
        hint: 'Give --input TEXT for each, or a file of them.',
      })
    const order = {
      ...(target === undefined ? {} : { target }),
      models: model,
      inputs: all,
      concurrency,
      ...(seed === undefined ? {} : { seed }),
      allow,
      deny,
    }
    // Only whether there is room at all: its items hold their places.
    call.keeper?.admit({ run: 'batch', principal: app.principal })
    call.keeper?.dismiss('batch')
    return drive(call, await createBatch(app, order, call.keeper ? 'server' : 'cli'))
  },
})

export const resumeBatch = defineOperation({
  name: 'batches resume',
  summary: 'Take up a batch that was cut off; items that have ended stay as they are.',
  input: z.object({ batch }),
  run: async (input, call) => {
    await readBatch(call.app, input.batch)
    return drive(call, input.batch)
  },
})

/** To the end; in a server on its own, where the caller does not wait. */
async function drive(call: Call, id: string) {
  const steering = steeringOf(call)
  const { keeper, detached } = steering
  if (!keeper || !detached) return driveBatch(call.app, id, steering)
  keepBatch(call.app, id, { ...steering, keeper })
  return reportBatch(await readBatch(call.app, id))
}

export const showBatch = defineOperation({
  name: 'batches show',
  summary: 'Show a batch: which input became which run, and what came of it.',
  input: z.object({ batch }),
  run: async (input, { app }) => reportBatch(await readBatch(app, input.batch)),
})

export const listBatches = defineOperation({
  name: 'batches list',
  summary: 'List batches, newest first.',
  input: z.object({
    all: z.boolean().default(false).describe('Batches of every project, not only of this one.'),
    limit: z.int().min(1).max(1000).default(50).describe('How many at most.'),
  }),
  run: async ({ all, limit }, { app }) => {
    const own = app.paths.project === undefined ? undefined : projectDigest(app.paths.project)
    const { journal } = await app.openJournal()
    const batches: (Omit<BatchReport, 'items'> & { readonly items: number })[] = []
    for (const { stream } of await journal.list({ prefix: 'batch/' })) {
      if (batches.length >= limit) break
      const state = await readBatch(app, stream.slice('batch/'.length))
      const { items, ...rest } = reportBatch(state)
      if (all || state.start.project === own) batches.push({ ...rest, items: items.length })
    }
    return { batches }
  },
})

export const cancelBatch = defineOperation({
  name: 'batches cancel',
  summary: 'Begin no more items of a batch, and cancel those under way.',
  input: z.object({ batch, reason: z.string().optional().describe('Why; kept in the journal.') }),
  run: async ({ batch: id, reason }, call) => {
    const state = await readBatch(call.app, id)
    if (state.status !== 'running') throw new OrcError({ code: 'run_ended', message: `the batch ${id} has ended` })
    await appendBatch(call.app, id, { type: 'batch-cancelled', ...(reason === undefined ? {} : { reason }) })
    // Whoever drives it acts; if nobody does, it is ended here.
    await driveBatch(call.app, id, steeringOf(call)).catch((error: unknown) => {
      if (!(error instanceof OrcError) || error.code !== 'run_held') throw error
    })
    return reportBatch(await readBatch(call.app, id))
  },
})

async function readInputs(app: App, file: string): Promise<readonly string[]> {
  const text = await readFile(resolve(app.paths.cwd, file), 'utf8').catch(() => {
    throw new OrcError({ code: 'not_found', message: `the file ${file} cannot be read`, file })
  })
  const inputs = text.trimStart().startsWith('[')
    ? readList(text, file)
    : text.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (inputs.length <= MOST_INPUTS) return inputs
  throw new OrcError({
    code: 'bad_input',
    message: `${file} holds ${inputs.length} inputs; a batch may have ${MOST_INPUTS}`,
    file,
  })
}

function readList(text: string, file: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list) && list.every((each) => typeof each === 'string')) return list as readonly string[]
  } catch {
    // told below
  }
  throw new OrcError({
    code: 'bad_input',
    message: `${file} is no JSON list of texts`,
    hint: 'Or write one input a line.',
    file,
  })
}
