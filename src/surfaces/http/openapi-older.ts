import type { Described, Schema } from './api-document.ts'
import { inPath, json, name, ON_DISCONNECT, text } from './openapi-fixed.ts'
import { boolean, having, integer, list, nullable, number, object, string } from './openapi-words.ts'

/** The addresses of older programs, with the answers that those know. */

const body = (schema: Schema, required = true) => ({ required, content: { 'application/json': { schema } } })

const error = having({ error: string })
const failed = json(error, 'What went wrong.')
const older = (summary: string, operationId: string, { answer, ...more }: Partial<Described> & { answer: Schema }) => ({
  operationId,
  summary,
  tags: ['older'],
  ...more,
  responses: { '200': json(answer), '4XX': failed, '5XX': failed },
})

const STATS = having({
  run_id: string,
  output: string,
  stats: having({ task_count: integer, decision_count: integer, total_cost: number, total_tokens: integer }),
})

const PROMPT: Schema = {
  type: 'object',
  properties: {
    prompt: { ...string, description: 'What is to be planned and done.' },
    planner_model: { ...string, description: 'Who plans; a profile or provider/model.' },
    model: { ...list(string), description: 'Who may do the tasks; profiles or provider/model.' },
  },
  required: ['prompt'],
  additionalProperties: false,
}

const INPUT: Schema = { ...string, description: 'What it is to work on.' }
const EXECUTE: Schema = {
  type: 'object',
  properties: {
    input: INPUT,
    input_data: { ...string, description: 'The same, in the other spelling.' },
    seed: { type: ['string', 'number', 'null'], description: 'Makes every choice by chance repeatable.' },
  },
  additionalProperties: false,
}
const PROFILE = {
  provider: { ...string, description: 'Who answers for the model.' },
  model: { ...string, description: 'The model, as the provider calls it.' },
  system_prompt: { ...string, description: 'For agents that have none.' },
  timeout_seconds: { ...number, description: 'How long a call may take.' },
}

const ENSEMBLE = having({ name: string, source: string, agent_count: integer, description: string })
const AGENTS = list(having({ name: string, model_profile: nullable, depends_on: list(string) }))
const EXECUTED = having({ status: { type: 'string', enum: ['success', 'error'] }, results: object, metadata: object })
const RUNNABLE = having({
  ensemble: string,
  runnable: boolean,
  agents: list(having({ name: string, profile: string, provider: string, status: string, alternatives: list(string) })),
})
const SCRIPT = { name: string, category: string, path: string }
const TESTED = having({ success: boolean, stdout: string, stderr: string, return_code: { type: ['integer', 'null'] } })
const ARTIFACT = having({
  id: string,
  timestamp: nullable,
  status: string,
  duration: { type: ['number', 'null'], description: 'Seconds.' },
  agent_count: integer,
})
const ANALYSIS = having({
  analysis: having({ total_agents: integer, successful_agents: integer, failed_agents: integer }),
  metrics: object,
})
const KEPT = having({ name: string, executions_count: integer, latest_execution: nullable })

const category = inPath('category', 'The folder of the script; `primitives` may be left out.')
const ensemble = inPath('ensemble', 'The ensemble that was run.')
const id = inPath('id', 'The execution.')

export const OLDER_PATHS: { readonly [path: string]: { readonly [method: string]: Described } } = {
  '/run': {
    post: {
      operationId: 'olderRun',
      summary: 'Plan a prompt, do its tasks and answer with the whole.',
      tags: ['older'],
      parameters: [ON_DISCONNECT],
      requestBody: body(PROMPT),
      responses: { '200': json(STATS) },
    },
  },
  '/stream/run': {
    post: {
      operationId: 'olderStreamRun',
      summary: 'The same as a stream of the events plan, task_start, decision … final, stats.',
      tags: ['older'],
      parameters: [ON_DISCONNECT],
      requestBody: body(PROMPT),
      responses: { '200': text('text/event-stream', 'Frames `data: JSON`, the last one `data: [DONE]`.') },
    },
  },
  '/ws/execute': {
    get: {
      operationId: 'olderSocket',
      summary: 'Executes ensembles over a WebSocket: each message `{ensemble, input}` is one.',
      tags: ['older'],
      parameters: [ON_DISCONNECT],
      responses: { '101': { description: 'A WebSocket.' } },
    },
  },
  '/api/ensembles': { get: older('List ensembles.', 'olderEnsembles', { answer: list(ENSEMBLE) }) },
  '/api/ensembles/{name}': {
    get: older('Show an ensemble.', 'olderEnsemble', {
      parameters: [name],
      answer: having({ name: string, description: string, agents: AGENTS }),
    }),
  },
  '/api/ensembles/{name}/execute': {
    post: older('Execute an ensemble and answer with its results.', 'olderExecute', {
      parameters: [name, ON_DISCONNECT],
      requestBody: body(EXECUTE, false),
      answer: EXECUTED,
    }),
  },
  '/api/ensembles/{name}/validate': {
    post: older('Check an ensemble.', 'olderValidate', {
      parameters: [name],
      answer: having({ valid: boolean, details: having({ errors: list(string), agent_count: integer }) }),
    }),
  },
  '/api/ensembles/{name}/runnable': {
    get: older('Can an ensemble be run here?', 'olderRunnable', { parameters: [name], answer: RUNNABLE }),
  },
  '/api/profiles': {
    get: older('List model profiles.', 'olderProfiles', {
      answer: list(having({ name: string, provider: string, model: string })),
    }),
    post: older('Write a model profile.', 'olderProfileCreate', {
      requestBody: body({
        type: 'object',
        properties: { name: { ...string, description: 'The name it gets.' }, ...PROFILE },
        required: ['name', 'provider', 'model'],
      }),
      answer: having({ created: boolean, path: string }),
    }),
  },
  '/api/profiles/{name}': {
    put: older('Change a model profile; null takes a key away.', 'olderProfileUpdate', {
      parameters: [name],
      requestBody: body({ type: 'object', properties: PROFILE }),
      answer: having({ updated: boolean, path: string }),
    }),
    delete: older('Remove a model profile.', 'olderProfileDelete', {
      parameters: [name],
      answer: having({ deleted: boolean, name: string }),
    }),
  },
  '/api/scripts': {
    get: older('List scripts.', 'olderScripts', { answer: having({ scripts: list(having(SCRIPT)) }) }),
  },
  '/api/scripts/{category}/{name}': {
    get: older('Show a script.', 'olderScript', {
      parameters: [category, name],
      answer: having({ ...SCRIPT, description: string, source: string }),
    }),
  },
  '/api/scripts/{category}/{name}/test': {
    post: older('Try a script, for 30 seconds at most.', 'olderScriptTest', {
      parameters: [category, name],
      requestBody: body({ type: 'object', properties: { input: INPUT }, additionalProperties: false }, false),
      answer: TESTED,
    }),
  },
  '/api/artifacts': {
    get: older('List the ensembles that have artifacts, and how many.', 'olderArtifacts', { answer: list(KEPT) }),
  },
  '/api/artifacts/{ensemble}': {
    get: older('List the artifacts of an ensemble, newest first.', 'olderArtifactsOf', {
      parameters: [ensemble],
      answer: list(ARTIFACT),
    }),
  },
  '/api/artifacts/{ensemble}/{id}': {
    get: older('Show an artifact: its execution.json as it is stored.', 'olderArtifact', {
      parameters: [ensemble, id],
      answer: object,
    }),
    delete: older('Delete an artifact.', 'olderArtifactDelete', {
      parameters: [ensemble, id],
      answer: having({ deleted: boolean, artifact_id: string }),
    }),
  },
  '/api/artifacts/{ensemble}/{id}/analyze': {
    post: older('Say how an execution went.', 'olderArtifactAnalyze', {
      parameters: [ensemble, id],
      answer: ANALYSIS,
    }),
  },
}
