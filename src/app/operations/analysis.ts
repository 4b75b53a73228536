import * as z from 'zod'
import { findEnsemble } from '../../config/find-ensemble.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import type { Artifact } from '../artifact-reader.ts'
import { defineOperation } from '../operation.ts'
import { listOwnArtifacts, showOwnArtifact } from '../own-artifacts.ts'

const ensemble = z.string().min(1).describe('The ensemble that was run.')
/** Executions that numbers are made of, the newest. */
const MOST = 1_000

export const analyzeArtifact = defineOperation({
  name: 'artifacts analyze',
  summary: 'Say how one execution went: which agents succeeded, what it cost, how long it took.',
  input: z.object({ ensemble, execution: z.string().default('latest').describe('The execution folder, or `latest`.') }),
  run: async (input, { app }) => {
    const { id, artifact } = await showOwnArtifact(app, input.ensemble, input.execution)
    const count = (status: string) => artifact.results.filter((each) => each.status === status).length
    const [total, successful, failed] = [artifact.results.length, count('success'), count('failed')]
    return {
      artifact_id: `${input.ensemble}/${id}`,
      status: artifact.status,
      analysis: {
        total_agents: total,
        successful_agents: successful,
        failed_agents: failed,
        failures: artifact.results.flatMap(({ agent, status, error }) =>
          status === 'failed' ? [{ agent, error: error ?? '' }] : [],
        ),
      },
      metrics: {
        agent_success_rate: total === 0 ? 0 : successful / total,
        /** US dollars; null where nobody told. */
        cost: readCost(artifact) ?? null,
        /** Seconds. */
        duration: artifact.duration_ms === undefined ? null : artifact.duration_ms / 1000,
      },
    }
  },
})

export const measureEnsemble = defineOperation({
  name: 'ensembles metrics',
  summary: 'Say how the executions of an ensemble went: how many succeeded, their cost and duration on average.',
  input: z.object({ name: z.string().min(1).describe('The ensemble that was run.') }),
  run: async ({ name }, { app }) => {
    const places = (await listOwnArtifacts(app, name)).slice(0, MOST)
    if (places.length === 0) {
      const looked = await findEnsemble(name, app.paths)
      if ('problem' in looked) throw new OrcError(looked.problem)
    }
    const artifacts: Artifact[] = []
    for (const { id } of places) {
      // One that cannot be read says nothing.
      const shown = await showOwnArtifact(app, name, id).catch(() => undefined)
      if (shown) artifacts.push(shown.artifact)
    }
    const succeeded = artifacts.filter(({ status }) => status === 'completed' || status === 'success').length
    return {
      ensemble: name,
      total_executions: artifacts.length,
      success_rate: artifacts.length === 0 ? 0 : succeeded / artifacts.length,
      /** US dollars; what is not known counts nothing. */
      avg_cost: average(artifacts.map((each) => readCost(each))),
      /** Seconds. */
      avg_duration: average(artifacts.map((each) => each.duration_ms)) / 1000,
    }
  },
})

function average(numbers: readonly (number | undefined)[]): number {
  const known = numbers.filter((each) => each !== undefined)
  return known.length === 0 ? 0 : known.reduce((sum, each) => sum + each, 0) / known.length
}

function readCost({ usage }: Artifact): number | undefined {
  const cost = ((usage?.['totals'] ?? {}) as JsonObject)['total_cost_usd']
  return typeof cost === 'number' ? cost : undefined
}
