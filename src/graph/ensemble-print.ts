import { stringify } from 'yaml'
import type { Agent, Ensemble, LoopBlock } from './ensemble.ts'
import { readBody } from './loop-body.ts'
import type { StepRetry } from './step-graph.ts'

/**
 * Writes an ensemble in the newest words of the notation; reading it again gives the same ensemble. Keys of later versions are not
 * part of the ensemble read, so a file that has them is better edited than printed.
 */
export function printEnsemble(ensemble: Omit<Ensemble, 'place' | 'later'>): string {
  const { name, description, budget, default_task, agents, coordinator, assemble, validation } = ensemble
  const { test_mode, raw_output, cache } = ensemble
  return stringify(
    {
      name,
      description,
      budget,
      default_task,
      agents: agents.map(printAgent),
      coordinator,
      assemble,
      validation,
      test_mode,
      raw_output,
      cache,
    },
    { lineWidth: 0, aliasDuplicateObjects: false, version: '1.2' },
  )
}

function printAgent({ type, depends_on, retry, loop, ...agent }: Agent): object {
  const isBare = type === 'llm' && !agent.model_profile && !agent.model && !agent.role
  return {
    ...agent,
    // an agent that leaves the model to the configuration is told apart by its type alone
    ...(isBare ? { type } : {}),
    ...(depends_on.length === 0
      ? {}
      : { depends_on: depends_on.map(({ step, on }) => (on === 'always' ? step : { step, on })) }),
    ...(retry ? { retry: printRetry(retry) } : {}),
    ...(loop ? { loop: printLoop(loop) } : {}),
  }
}

function printLoop({ body, ...loop }: LoopBlock): object {
  return { body: typeof body === 'string' ? body : readBody(body).agents.map(printAgent), ...loop }
}

function printRetry({ attempts, delay_ms }: StepRetry): object {
  return { attempts, ...(delay_ms === undefined ? {} : { delay_seconds: delay_ms / 1000 }) }
}
