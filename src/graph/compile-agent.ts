import type { CacheAsk } from '../events/cache-ask.ts'
import type { AgentSpec, ScriptSpec } from './agent-spec.ts'
import { compileAssemble } from './assemble.ts'
import { type CachePolicy, readCachePolicy } from './cache-policy.ts'
import { type Candidate, findCandidates } from './candidates.ts'
import { compileTools } from './compile-tools.ts'
import type { InputRules } from './composite.ts'
import { readContextRules } from './context-block.ts'
import type { Agent } from './ensemble.ts'
import type { Lookup } from './lookup.ts'
import type { Report } from './report.ts'
import type { MissingScript, PinnedScript } from './script.ts'
import type { GraphStep } from './step-graph.ts'
import type { ModelSource } from './verify.ts'
import type { Path } from './yaml.ts'

/** One agent on its way to a step. */
export interface AgentWork {
  readonly agent: Agent
  readonly path: Path
  readonly lookup: Lookup
  /** How agents are labelled where others read their answers. */
  readonly titles: ReadonlyMap<string, string>
  /** What the step itself leaves out of its sight; absent when a step around it does that. */
  readonly rules?: InputRules
  /** The agent's own time limit belongs to a step around it. */
  readonly untimed?: boolean
}

/** The step that does the work itself: a model, a script, or what makes one answer of several. */
export function compileWork(report: Report, work: AgentWork): GraphStep | undefined {
  if (work.agent.type === 'script') return compileScript(report, work)
  return work.agent.assemble === undefined ? compileAgent(report, work) : compileAssembly(report, work)
}

export function compileAgent(report: Report, work: AgentWork): GraphStep | undefined {
  const { agent, path, lookup, rules } = work
  const role = agent.role === undefined ? undefined : lookup.role(agent.role)
  const own = agent.system_prompt ?? (role ? [role.prompt, role.context].filter(Boolean).join('\n\n') : undefined)
  const candidates = findCandidates(report, { agent, path, lookup, keepPrompts: own === undefined })
  if (!candidates) return undefined
  const title = titleOf(agent)
  const context =
    agent.context || lookup.context ? readContextRules({ ...lookup.context, ...agent.context }) : undefined
  const spec: AgentSpec = {
    agent: agent.name,
    title,
    system: own ?? `You are ${title}. Give your own answer to the input, from your own point of view.`,
    candidates,
    ...(agent.role === undefined ? {} : { role: agent.role }),
    ...(agent.output_format === undefined ? {} : { output_format: agent.output_format }),
    blocks: listBlocks(work),
    ...(agent.template ? { template: agent.template } : {}),
    ...(agent.output_schema ? { output_schema: agent.output_schema, ...attemptsOf(lookup) } : {}),
    ...(rules ? { rules } : {}),
    ...compileTools(report, work),
    ...(context ? { context } : {}),
    ...askCache(agent.cache === undefined ? lookup.cache : readCachePolicy(agent.cache)),
  }
  return { id: agent.name, kind: 'agent', spec, ...settingsOf(work, sumTimeouts(candidates)) }
}

function compileScript(report: Report, work: AgentWork): GraphStep | undefined {
  const { agent, path, lookup, rules } = work
  const reference = agent.script ?? ''
  const script: PinnedScript | MissingScript | undefined =
    agent.command === undefined ? lookup.script(reference) : { type: 'inline', text: agent.command }
  if (!script || script.type === 'missing') {
    const searched = script?.searched ?? []
    report.add([...path, 'script'], {
      code: 'script_missing',
      message: `the script ${JSON.stringify(reference)} of "${agent.name}" was not found`,
      ...(searched.length > 0 ? { hint: `Searched: ${searched.join(', ')}` } : {}),
    })
    return undefined
  }
  const cache = agent.cache !== undefined && readCachePolicy(agent.cache)
  const spec: ScriptSpec = {
    agent: agent.name,
    script,
    parameters: agent.parameters ?? {},
    environment: agent.environment ?? {},
    ...(agent.sandbox ? { sandbox: agent.sandbox } : {}),
    ...(cache && cache.files ? { cache } : {}),
    ...(agent.output_format === undefined ? {} : { output_format: agent.output_format }),
    safety: agent.safety ?? (script.type === 'file' ? script.safety : undefined) ?? 'unsafe',
    pass: 'json',
    ...(rules ? { rules } : {}),
  }
  return { id: agent.name, kind: 'script', spec, ...settingsOf(work, undefined) }
}

export function compileAssembly(report: Report, work: AgentWork): GraphStep | undefined {
  const { agent, path, lookup } = work
  if (agent.assemble === undefined) return undefined
  const step = compileAssemble(report, {
    id: agent.name,
    after: agent.depends_on,
    block: agent.assemble,
    path: [...path, 'assemble'],
    blocks: listBlocks(work),
    ...(agent.system_prompt === undefined ? {} : { system: agent.system_prompt }),
    means: { findModel: (source, at) => findModel(report, { source, agent, path: at, lookup }) },
  })
  return step && { ...step, ...settingsOf(work, undefined) }
}

function askCache(policy: CachePolicy | undefined): { readonly cache?: CacheAsk } {
  return policy ? { cache: policy } : {}
}

function attemptsOf({ verify }: Lookup): Pick<AgentSpec, 'output_attempts'> {
  return verify?.output_attempts === undefined ? {} : { output_attempts: verify.output_attempts }
}

interface ModelWork {
  readonly source: ModelSource
  readonly agent: Agent
  readonly path: Path
  readonly lookup: Lookup
}

/** The models that a block of an agent names; one that names none uses the agent's own. */
export function findModel(report: Report, { source, agent, path, lookup }: ModelWork): Candidate[] | undefined {
  const { model_profile, model, provider } = source
  const isNamed = model_profile !== undefined || model !== undefined
  const named: Agent = {
    name: agent.name,
    type: 'llm',
    depends_on: [],
    ...(model_profile === undefined ? {} : { model_profile }),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
  }
  return findCandidates(report, { agent: isNamed ? named : agent, path, lookup, keepPrompts: false })
}

export function titlesOf(agents: readonly Agent[]): ReadonlyMap<string, string> {
  return new Map(agents.map((agent) => [agent.name, labelOf(agent)]))
}

function listBlocks({ agent, titles }: AgentWork): AgentSpec['blocks'] {
  return agent.depends_on.map(({ step }) => ({ step, label: titles.get(step) ?? step }))
}

/** `otherwise`: the time limit of an agent that says nothing of its own. */
function settingsOf(work: AgentWork, otherwise: number | undefined): Omit<GraphStep, 'id' | 'kind' | 'spec'> {
  const { agent, lookup, untimed } = work
  const own = untimed || agent.timeout_seconds === undefined ? undefined : toMilliseconds(agent.timeout_seconds)
  const timeout = own ?? otherwise ?? lookup.timeout_ms
  return {
    ...(agent.depends_on.length > 0 ? { after: agent.depends_on } : {}),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
    ...(agent.retry ? { retry: agent.retry } : {}),
    ...(agent.on_unknown ? { on_unknown: agent.on_unknown } : {}),
  }
}

/** Without a limit of the agent's own, each model keeps its profile's, and the step has time for all of them. */
function sumTimeouts(candidates: readonly Candidate[]): number | undefined {
  let sum = 0
  for (const { timeout_ms } of candidates) {
    if (timeout_ms === undefined) return undefined
    sum += timeout_ms
  }
  return sum
}

export function toMilliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000))
}

/** `quality-checker` becomes "Quality Checker": the agent's profile says best what it is, else its name. */
function titleOf({ name, model_profile, role }: Pick<Agent, 'name' | 'model_profile' | 'role'>): string {
  const words = (role !== undefined && role.length <= 60 ? role : (model_profile ?? name))
    .split(/[-_\s]+/)
    .filter(Boolean)
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ')
}

function labelOf(agent: Agent): string {
  return `${agent.name} (${titleOf(agent)})`
}
