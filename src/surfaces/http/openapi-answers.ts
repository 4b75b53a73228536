import type { Schema } from './api-document.ts'
import { boolean, having, integer, list, named, number, object, string } from './openapi-words.ts'

/** What the answers of the usual operations always hold; the schemas of others are those of their operations, or say no more than "an object". */

const time: Schema = { type: 'string', format: 'date-time' }
const problems = list(named('Fault'))
const text = (description: string): Schema => ({ type: 'string', description })

export const ANSWER_SCHEMAS: { readonly [name: string]: Schema } = {
  AgentReport: having(
    { name: string, kind: string, status: string, attempts: integer, usage: object, dependencies: list(string) },
    {
      started: time,
      ended: time,
      duration_ms: number,
      model: string,
      profile: string,
      output: { description: 'Text for an answer of a model, any JSON for that of a script.' },
      code: text('Why it failed; /v1/errors explains it.'),
      message: string,
    },
  ),
  RunReport: having(
    {
      run: string,
      target: having({ kind: string, name: string }),
      status: {
        type: 'string',
        enum: ['waiting', 'running', 'paused', 'succeeded', 'partial', 'failed', 'cancelled', 'exhausted'],
        description: 'paused: somebody is asked, and the run goes on when they have answered.',
      },
      agents: list(named('AgentReport')),
      answers: { ...list(string), description: 'The agents whose outputs are the answer of the run.' },
      totals: having({ total: integer, succeeded: integer, failed: integer, usage: object }),
      errors: list(having({ agent: string, message: string })),
    },
    { started: time, ended: time, duration_ms: number, input: {}, reason: string },
  ),
  RunResult: having(
    { run: text('The id of the run.'), status: string, report: named('RunReport') },
    { asks: { ...list(string), description: 'What waits for a person.' }, artifacts: string },
  ),
  Batch: having(
    { batch: string, status: { type: 'string', enum: ['running', 'ended', 'cancelled'] }, target: string },
    { started: time, ended: time, counts: object, items: list(object) },
  ),
}

const RUN = named('RunResult')
const BATCH = named('Batch')

/** By the name of the operation. */
export const ANSWERS: { readonly [operation: string]: Schema } = {
  'approvals deny': RUN,
  'approvals give': RUN,
  'chain run': RUN,
  run: RUN,
  'runs cancel': RUN,
  'runs fork': RUN,
  'runs resolve': RUN,
  'runs resume': RUN,
  'runs steer': RUN,
  'workflow run': RUN,
  'approvals list': having({ approvals: list(object) }),
  'artifacts list': having({ artifacts: list(having({ ensemble: string, id: string, folder: string })) }),
  batch: BATCH,
  'batches list': having({ batches: list(object) }),
  'batches show': BATCH,
  'ensembles check': having({ name: string, file: string, valid: boolean, problems }),
  'ensembles list': having({
    ensembles: list(having({ name: string, source: string, description: string, agents: integer, file: string })),
    problems,
  }),
  'ensembles runnable': having({
    ensemble: string,
    runnable: boolean,
    agents: list(having({ name: string, status: string, alternatives: list(string) })),
    problems,
  }),
  'ensembles show': having({
    name: string,
    description: string,
    agents: list(having({ name: string, kind: string, depends_on: list(string) })),
    phases: { ...list(list(string)), description: 'Who can start together, in order.' },
  }),
  'profiles list': having({ profiles: list(having({ name: string, provider: string, model: string })), problems }),
  'providers list': having({ providers: list(having({ provider: string, available: boolean, reason: string })) }),
  'runs list': having({ runs: list(having({ id: string, status: string, target: string, started: string })) }),
  'runs show': having({ run: string, events: integer, report: named('RunReport'), asks: list(object) }),
  'scripts list': having({ scripts: list(having({ name: string, category: string })), problems }),
  version: having({ version: string, engine: string, format: integer, node: string }),
}
