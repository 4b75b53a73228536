import type { SandboxAsk } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { readContextRules } from './context-block.ts'
import { findDependencies } from './dependencies.ts'
import type {
  Agent,
  Coordinator,
  Ensemble,
  LaterKey,
  LoopBlock,
  References,
  Template,
  TestMode,
  ToolsBlock,
} from './ensemble.ts'
import { type AgentFile, type EnsembleFile, LATER_AGENT_KEYS, LATER_KEYS } from './ensemble-schema.ts'
import { readBody } from './loop-body.ts'
import { isMap } from './report.ts'
import type { Edge, StepRetry } from './step-graph.ts'
import type { Validation } from './validation.ts'
import type { Locate, Path } from './yaml.ts'

/** Brings a checked file of any generation to one form. */
export function normaliseEnsemble(file: EnsembleFile, place: Locate): Ensemble {
  const task = file.default_task ?? file.task
  const { tools } = file
  const agents = file.agents.map(normaliseAgent)
  const coordinator = file.coordinator && Object.keys(file.coordinator).length > 0 ? file.coordinator : undefined
  return {
    name: file.name,
    ...pick(file, ['description', 'budget', 'cache']),
    ...(task === undefined ? {} : { default_task: task }),
    agents: tools === undefined ? agents : agents.map((agent) => giveTools(agent, tools)),
    ...(coordinator ? { coordinator: normaliseCoordinator(coordinator) } : {}),
    ...(file.assemble === undefined ? {} : { assemble: file.assemble }),
    ...(file.validation ? { validation: normaliseValidation(file.validation) } : {}),
    ...(file.raw_output === undefined ? {} : { raw_output: file.raw_output }),
    ...(file.test_mode ? { test_mode: file.test_mode as TestMode } : {}),
    later: [...findLaterTopKeys(file), ...findLaterAgentKeys(file.agents, ['agents'])],
    place,
  }
}

function normaliseAgent(file: AgentFile): Agent {
  const fallback = file.fallback ?? file.fallback_model_profile
  // one edge per pair: the first word about a dependency counts
  const edges = new Map<string, Edge>()
  for (const { step, on } of findDependencies(file)) if (!edges.has(step)) edges.set(step, { step, on })
  return {
    ...pick(file, ['name']),
    type: typeOf(file),
    ...pick(file, ['model_profile', 'model', 'provider', 'base_url', 'temperature', 'max_tokens']),
    ...pick(file, ['candidates', 'requirements', 'routing']),
    ...(file.options ? { options: file.options as JsonObject } : {}),
    ...(fallback === undefined ? {} : { fallback }),
    ...pick(file, ['system_prompt', 'role', 'script', 'command']),
    ...(file.parameters ? { parameters: file.parameters as JsonObject } : {}),
    ...pick(file, ['environment', 'safety']),
    ...(file.sandbox === undefined ? {} : { sandbox: normaliseSandbox(file.sandbox) }),
    depends_on: [...edges.values()],
    ...pick(file, ['timeout_seconds']),
    ...(file.retry === undefined ? {} : { retry: normaliseRetry(file.retry) }),
    ...pick(file, ['on_unknown', 'output_format']),
    ...(file.when ? { when: file.when } : {}),
    ...normaliseItems(file),
    ...(file.loop ? { loop: normaliseLoop(file.loop) } : {}),
    ...pick(file, ['ensemble', 'dispatch', 'input_key', 'input_scope']),
    ...(file.template === undefined ? {} : { template: normaliseTemplate(file.template) }),
    ...(file.output_schema ? { output_schema: file.output_schema as JsonObject } : {}),
    ...(file.verify === undefined ? {} : { verify: file.verify }),
    ...(file.assemble === undefined ? {} : { assemble: file.assemble }),
    ...(file.tools === undefined ? {} : { tools: normaliseTools(file.tools) }),
    ...pick(file, ['budget', 'cache']),
    ...(file.context ? { context: readContextRules(file.context) } : {}),
  }
}

function normaliseSandbox(file: NonNullable<AgentFile['sandbox']>): SandboxAsk {
  return typeof file === 'string' ? { tier: file } : pick(file, ['tier', 'read', 'write', 'hosts', 'rules'])
}

function normaliseTools(file: NonNullable<AgentFile['tools']>): ToolsBlock {
  return Array.isArray(file) ? { use: file } : { use: file.use, ...pick(file, ['max_turns']) }
}

/** Agents that name no tools of their own have those of the file, in loops too. */
function giveTools(agent: Agent, use: readonly string[]): Agent {
  if (agent.type === 'llm') return agent.tools ? agent : { ...agent, tools: { use } }
  const { loop } = agent
  if (!loop || typeof loop.body === 'string') return agent
  const agents = readBody(loop.body).agents.map((inner) => giveTools(inner, use))
  return { ...agent, loop: { ...loop, body: Array.isArray(loop.body) ? agents : { agents } } }
}

function typeOf(file: AgentFile): Agent['type'] {
  if (file.type === 'script' || file.script !== undefined || file.command !== undefined) return 'script'
  return (['ensemble', 'dispatch', 'loop', 'assemble'] as const).find((key) => file[key] !== undefined) ?? 'llm'
}

function normaliseItems({ fan_out, for_each, max_parallel }: AgentFile): Partial<Agent> {
  const given = typeof for_each === 'object' && !Array.isArray(for_each) ? for_each : undefined
  const items = given ? given.in : for_each
  const width = max_parallel ?? given?.width
  return {
    ...(fan_out ? { fan_out } : {}),
    ...(items === undefined ? {} : { for_each: items as string | readonly Json[] }),
    ...(width === undefined ? {} : { max_parallel: width }),
  }
}

function normaliseLoop(file: NonNullable<AgentFile['loop']>): LoopBlock {
  const { body } = file
  return {
    body: Array.isArray(body)
      ? body.map(normaliseAgent)
      : typeof body === 'string'
        ? body
        : { agents: body.agents.map(normaliseAgent) },
    max_iterations: file.max_iterations,
    ...pick(file, ['until', 'carry']),
  }
}

function normaliseTemplate(template: NonNullable<AgentFile['template']>): Template {
  return typeof template === 'string' ? { prompt: template } : pick(template, ['prompt', 'system'])
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

function findLaterAgentKeys(agents: readonly AgentFile[], above: Path): LaterKey[] {
  return agents.flatMap((agent, index) => {
    const raw: { readonly [key: string]: unknown } = agent
    const path: Path = [...above, index]
    const body = readBody(agent.loop?.body)
    return [
      ...Object.keys(LATER_AGENT_KEYS).flatMap((key) => (isAsked(raw[key]) ? [{ key, path: [...path, key] }] : [])),
      ...findDependencies(raw).flatMap(({ later, path: at }) =>
        later ? [{ key: later, path: [...path, ...at] }] : [],
      ),
      ...findLaterAgentKeys(body.agents, [...path, 'loop', ...body.path]),
    ]
  })
}

/** `cache: false` asks for nothing. */
function isAsked(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== ''
}

/** The names outside the file that an ensemble needs, each once, in the order of the file. */
export function collectReferences(file: EnsembleFile): References {
  const texts = (values: readonly unknown[]) => [
    ...new Set(values.filter((value): value is string => typeof value === 'string')),
  ]
  const agents = flattenAgents(file.agents)
  const checks = agents.flatMap(({ verify }) => (isMap(verify) ? ((verify.checks ?? []) as unknown[]) : (verify ?? [])))
  return {
    profiles: texts([
      ...agents.flatMap((agent) => [
        agent.model_profile,
        agent.fallback ?? agent.fallback_model_profile,
        ...(agent.candidates ?? []),
        ...findProfiles(agent.verify),
        ...findProfiles(agent.assemble),
      ]),
      file.coordinator?.model_profile,
      ...findProfiles(file.assemble),
    ]),
    scripts: texts([
      ...agents.map((agent) => agent.script),
      ...checks.map((check) => (isMap(check) ? check['script'] : undefined)),
    ]),
    ensembles: texts(agents.flatMap((agent) => [agent.ensemble, agent.loop?.body])),
    roles: texts(agents.map((agent) => agent.role)),
    tools: texts([
      ...(file.tools ?? []),
      ...agents.flatMap(({ tools }) => (Array.isArray(tools) ? tools : (tools?.use ?? []))),
    ]),
  }
}

/** With those inside loops. */
function flattenAgents(agents: readonly AgentFile[]): AgentFile[] {
  return agents.flatMap((agent) => [agent, ...flattenAgents(readBody(agent.loop?.body).agents)])
}

/** Every `model_profile` at any depth of a block. */
function findProfiles(block: unknown): unknown[] {
  if (Array.isArray(block)) return block.flatMap(findProfiles)
  if (!isMap(block)) return []
  return Object.entries(block).flatMap(([key, value]) => (key === 'model_profile' ? [value] : findProfiles(value)))
}

type Present<Source> = { [Key in keyof Source]: Exclude<Source[Key], undefined> }

function pick<Source, Key extends keyof Source>(source: Source, keys: readonly Key[]): Present<Pick<Source, Key>> {
  const entries = keys.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]]))
  return Object.fromEntries(entries) as Present<Pick<Source, Key>>
}
