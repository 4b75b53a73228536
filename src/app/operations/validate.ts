import { basename, dirname } from 'node:path'
import * as z from 'zod'
import { listEnsembles } from '../../config/definitions.ts'
import type { Watcher } from '../../engine/world.ts'
import { OrcError } from '../../events/errors.ts'
import type { Json } from '../../events/values.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { evaluateValidation, type ValidationResult } from '../../graph/validation.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { runTarget } from '../runs.ts'
import { findTarget } from '../target.ts'

const INPUT = 'This is a validation run; answer as you would in earnest.'

/** How one ensemble did against its own `validation:` section. */
export interface Validated {
  readonly ensemble: string
  readonly passed: boolean
  readonly run?: string
  readonly results: readonly ValidationResult[]
  /** Why it could not be run at all. */
  readonly error?: string
}

async function validateOne(
  app: App,
  name: string,
  steering: { signal: AbortSignal; watcher?: Watcher },
): Promise<Validated> {
  const target = await findTarget(app, name)
  const validation = target.ensemble?.validation
  if (!validation) {
    const hint = 'Add a `validation:` section with what must hold.'
    throw new OrcError({
      code: 'nothing_to_validate',
      message: `the ensemble ${target.name} has no validation section`,
      hint,
    })
  }
  const { run, report } = await runTarget(app, { target, input: target.default_input ?? INPUT }, steering)
  const results = evaluateValidation(validation, {
    results: parsedOutputs(report),
    execution_order: report.order.filter((step) => !step.includes('/')),
    execution_time: (report.duration_ms ?? 0) / 1000,
    agent_outputs: parsedOutputs(report),
    ensemble_name: target.name,
  })
  return { ensemble: target.name, run, results, passed: results.every((result) => result.passed !== false) }
}

/** Assertions look at what an agent said, not at the wrapper: text that is JSON is read. */
function parsedOutputs(report: RunReport): { [agent: string]: Json } {
  const outputs: { [agent: string]: Json } = {}
  for (const agent of report.agents) {
    if (agent.parent !== undefined || agent.output === undefined) continue
    outputs[agent.name] = readJson(agent.output)
  }
  return outputs
}

function readJson(output: Json): Json {
  if (typeof output !== 'string') return output
  try {
    return JSON.parse(output) as Json
  } catch {
    return output
  }
}

export const validateRun = defineOperation({
  name: 'validate run',
  summary: 'Run an ensemble and check what its validation section demands.',
  input: z.object({ name: z.string().min(1).describe('An ensemble, by name or path.') }),
  run: async (input, { app, signal, watcher }) => {
    const validated = await validateOne(app, input.name, { signal, ...(watcher ? { watcher } : {}) })
    return { passed: validated.passed, ensembles: [validated] }
  },
})

export const validateCategory = defineOperation({
  name: 'validate category',
  summary: 'Validate every ensemble of a folder.',
  input: z.object({
    category: z.string().min(1).describe('The folder, for example `validation/primitive` or `primitive`.'),
  }),
  run: (input, { app, signal }) =>
    validateMany(app, signal, (folder) => folder === input.category || folder.split('/').includes(input.category)),
})

export const validateAll = defineOperation({
  name: 'validate all',
  summary: 'Validate every ensemble that has a validation section.',
  input: z.object({}),
  run: (_, { app, signal }) => validateMany(app, signal, () => true),
})

async function validateMany(
  app: App,
  signal: AbortSignal,
  wanted: (folder: string) => boolean,
): Promise<{ passed: boolean; ensembles: Validated[] }> {
  const ensembles: Validated[] = []
  for (const { file, relative, level } of (await listEnsembles(app.paths)).ensembles) {
    if (level !== 'project' || !wanted(dirname(relative))) continue
    if (signal.aborted) break
    try {
      ensembles.push(await validateOne(app, file, { signal }))
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      if (error.code !== 'nothing_to_validate')
        ensembles.push({ ensemble: basename(file), passed: false, results: [], error: error.message })
    }
  }
  if (ensembles.length === 0)
    throw new OrcError({ code: 'not_found', message: 'no ensemble with a validation section was found there' })
  return { passed: ensembles.every((each) => each.passed), ensembles }
}
