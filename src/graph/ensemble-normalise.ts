import type { Json, JsonObject } from '../events/values.ts'
import { findDependencies } from './dependencies.ts'
import type { Agent, Coordinator, Ensemble, LaterKey, References, TestMode } from './ensemble.ts'
import { type AgentFile, type EnsembleFile, LATER_AGENT_KEYS, LATER_KEYS } from './ensemble-schema.ts'
import type { Edge, StepRetry } from './step-graph.ts'
import type { Validation } from './validation.ts'
import type { Locate, Path } from './yaml.ts'

/** Brings a checked file of any generation to one form. */
export function normaliseEnsemble(file: EnsembleFile, place: Locate): Ensemble {
  const task = file.default_task ?? file.task
  const coordinator = file.coordinator && Object.keys(file.coordinator).length > 0 ? file.coordinator : undefined
  return {
    name: file.name,
    ...pick(file, ['description']),
    ...(task === undefined ? {} : { default_task: task }),
    agents: file.agents.map(normaliseAgent),
    ...(coordinator ? { coordinator: normaliseCoordinator(coordinator) } : {}),
    ...(file.validation ? { validation: normaliseValidation(file.validation) } : {}),
    ...(file.raw_output === undefined ? {} : { raw_output: file.raw_output }),
    ...(file.test_mode ? { test_mode: file.test_mode as TestMode } : {}),
    later: [...findLaterTopKeys(file), ...file.agents.flatMap(findLaterAgentKeys)],
    place,
  }
}

function normaliseAgent(file: AgentFile): Agent {
  const fallback = file.fallback ?? file.fallback_model_profile
  // one edge per pair: the first word about a dependency counts
  const edges = new Map<string, Edge>()
  for (const { step, on } of findDependencies(file)) if (!edges.has(step)) edges.set(step, { step, on })
  const isOther = file.ensemble !== undefined || file.dispatch !== undefined || file.loop !== undefined
  const isScript = file.type === 'script' || file.script !== undefined || file.command !== undefined
  return {
    ...pick(file, ['name']),
    type: isScript ? 'script' : isOther ? 'other' : 'llm',
    ...pick(file, ['model_profile', 'model', 'provider', 'base_url', 'temperature', 'max_tokens']),
    ...(file.options ? { options: file.options as JsonObject } : {}),
    ...(fallback === undefined ? {} : { fallback }),
    ...pick(file, ['system_prompt', 'role', 'script', 'command']),
    ...(file.parameters ? { parameters: file.parameters as JsonObject } : {}),
    ...pick(file, ['environment', 'safety']),
    depends_on: [...edges.values()],
    ...pick(file, ['timeout_seconds']),
    ...(file.retry === undefined ? {} : { retry: normaliseRetry(file.retry) }),
    ...pick(file, ['on_unknown', 'output_format']),
  }
}

function normaliseRetry(retry: NonNullable<AgentFile['retry']>): StepRetry {
  if (typeof retry === 'number') return { attempts: retry }
  const { attempts, delay_seconds: delay } = retry
  return delay === undefined ? { attempts } : { attempts, delay_ms: Math.round(delay * 1000) }
}

function normaliseCoordinator(file: NonNullable<EnsembleFile['coordinator']>): Coordinator {
  const timeout = file.synthesis_timeout_seconds ?? file.timeout_seconds
  return {
    ...pick(file, ['model_profile', 'model', 'provider', 'system_prompt', 'synthesis_prompt', 'output_format']),
    ...(timeout === undefined ? {} : { timeout_seconds: timeout }),
  }
}

function normaliseValidation(file: NonNullable<EnsembleFile['validation']>): Validation {
  const { schema, schema_validations: older, ...others } = file
  return { ...others, ...(schema || older ? { schema: [...(schema ?? []), ...(older ?? [])] } : {}) } as Validation
}

function findLaterTopKeys(file: { readonly [key: string]: unknown }): LaterKey[] {
  return Object.entries(LATER_KEYS).flatMap(([key, effect]) =>
    isAsked(file[key]) ? [{ key, path: [key], ...(effect === 'harmless' ? { harmless: true as const } : {}) }] : [],
  )
}

function findLaterAgentKeys(agent: AgentFile, index: number): LaterKey[] {
  const raw: { readonly [key: string]: unknown } = agent
  const path: Path = ['agents', index]
  return [
    ...Object.keys(LATER_AGENT_KEYS).flatMap((key) => (isAsked(raw[key]) ? [{ key, path: [...path, key] }] : [])),
    ...findDependencies(raw).flatMap(({ later, path: at }) => (later ? [{ key: later, path: [...path, ...at] }] : [])),
  ]
}

/** `fan_out: false` and an empty `when:` ask for nothing. */
function isAsked(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== ''
}

/** The names outside the file that an ensemble needs, each once, in the order of the file. */
export function collectReferences(file: EnsembleFile): References {
  const texts = (values: readonly (Json | undefined)[]) => [
    ...new Set(values.filter((value): value is string => typeof value === 'string')),
  ]
  const { agents, coordinator } = file
  return {
    profiles: texts([
      ...agents.flatMap((agent) => [agent.model_profile, agent.fallback ?? agent.fallback_model_profile]),
      coordinator?.model_profile,
    ]),
    scripts: texts(agents.map((agent) => agent.script)),
    ensembles: texts(agents.flatMap((agent) => [agent.ensemble, agent.loop?.body as Json | undefined])),
    roles: texts(agents.map((agent) => agent.role)),
  }
}

type Present<Source> = { [Key in keyof Source]: Exclude<Source[Key], undefined> }

function pick<Source, Key extends keyof Source>(source: Source, keys: readonly Key[]): Present<Pick<Source, Key>> {
  const entries = keys.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]]))
  return Object.fromEntries(entries) as Present<Pick<Source, Key>>
}
