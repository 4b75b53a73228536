import type { Problem } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import { type Candidate, findCandidates, type ProfileLookup } from './candidates.ts'
import type { Agent, Coordinator, Ensemble } from './ensemble.ts'
import { Report } from './report.ts'
import type { MissingScript, PinnedScript, ScriptSafety } from './script.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'
import type { Path } from './yaml.ts'

export interface Role {
  readonly prompt: string
  readonly context?: string
}

/** Everything an ensemble needs from outside its file. */
export interface Lookup extends ProfileLookup {
  script(reference: string): PinnedScript | MissingScript | undefined
  role(name: string): Role | undefined
}

/** The settings of an `agent` step. `system` holds unless the candidate has one of its own. */
export type AgentSpec = {
  readonly agent: string
  readonly title: string
  readonly system: string
  /** The models to try, in order; never empty. */
  readonly candidates: readonly Candidate[]
  readonly role?: string
  readonly output_format?: string
  /** The instruction that ends the prompt, when it is not the usual one. */
  readonly instruct?: string
  /** How the answers of the dependencies are labelled in the prompt. */
  readonly blocks: readonly { readonly step: string; readonly label: string }[]
}

/** The settings of a `script` step. `pass`: dependencies reach the script as JSON. */
export type ScriptSpec = {
  readonly agent: string
  readonly script: PinnedScript
  readonly parameters: JsonObject
  readonly environment: { readonly [name: string]: string }
  readonly output_format?: string
  readonly safety: ScriptSafety
  readonly pass: 'json'
}

export interface CompiledEnsemble {
  /** Absent when there is an error. */
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
}

/** Turns a parsed ensemble into steps. It must be runnable (`checkRunnable`): agents of a later version's kind are refused here too. */
export function compileEnsemble(ensemble: Ensemble, lookup: Lookup): CompiledEnsemble {
  const report = new Report(ensemble.place)
  const titles = new Map(ensemble.agents.map((agent) => [agent.name, labelOf(agent)]))
  const steps = ensemble.agents.flatMap((agent, index): GraphStep[] => {
    const path: Path = ['agents', index]
    const compiled =
      agent.type === 'script'
        ? compileScript(report, { agent, path, lookup })
        : compileAgent(report, { agent, path, lookup, titles })
    return compiled ? [compiled] : []
  })
  const synthesis = ensemble.coordinator ? compileCoordinator(report, ensemble, lookup) : undefined
  if (synthesis) steps.push(synthesis)
  if (report.failed) return { problems: report.problems }
  const graph = { name: ensemble.name, steps, ...(synthesis ? { output: synthesis.id } : {}) }
  return { graph, problems: report.problems }
}

interface Work {
  readonly agent: Agent
  readonly path: Path
  readonly lookup: Lookup
}

function compileAgent(
  report: Report,
  work: Work & { readonly titles: ReadonlyMap<string, string> },
): GraphStep | undefined {
  const { agent, path, lookup, titles } = work
  if (agent.type === 'other') {
    report.add(path, {
      code: 'not_yet_supported',
      message: `"${agent.name}" is of a kind that this version cannot run yet`,
    })
    return undefined
  }
  const role = agent.role === undefined ? undefined : lookup.role(agent.role)
  const own = agent.system_prompt ?? (role ? [role.prompt, role.context].filter(Boolean).join('\n\n') : undefined)
  const candidates = findCandidates(report, { agent, path, lookup, keepPrompts: own === undefined })
  if (!candidates) return undefined
  const title = titleOf(agent)
  const spec: AgentSpec = {
    agent: agent.name,
    title,
    system: own ?? `You are ${title}. Give your own answer to the input, from your own point of view.`,
    candidates,
    ...(agent.role === undefined ? {} : { role: agent.role }),
    ...(agent.output_format === undefined ? {} : { output_format: agent.output_format }),
    blocks: agent.depends_on.map(({ step }) => ({ step, label: titles.get(step) ?? step })),
  }
  return { id: agent.name, kind: 'agent', spec, ...settingsOf(agent, sumTimeouts(candidates)) }
}

function compileScript(report: Report, { agent, path, lookup }: Work): GraphStep | undefined {
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
  const spec: ScriptSpec = {
    agent: agent.name,
    script,
    parameters: agent.parameters ?? {},
    environment: agent.environment ?? {},
    ...(agent.output_format === undefined ? {} : { output_format: agent.output_format }),
    safety: agent.safety ?? (script.type === 'file' ? script.safety : undefined) ?? 'unsafe',
    pass: 'json',
  }
  return { id: agent.name, kind: 'script', spec, ...settingsOf(agent, undefined) }
}

/** The older last call becomes an ordinary agent that waits for all others. */
function compileCoordinator(report: Report, ensemble: Ensemble, lookup: Lookup): GraphStep | undefined {
  const { synthesis_prompt, ...settings } = ensemble.coordinator as Coordinator
  const names = new Set(ensemble.agents.map((agent) => agent.name.normalize('NFC').toLowerCase()))
  let name = 'coordinator'
  for (let n = 2; names.has(name); n++) name = `coordinator-${n}`
  const agent: Agent = {
    ...settings,
    name,
    type: 'llm',
    depends_on: ensemble.agents.map((other) => ({ step: other.name, on: 'always' })),
  }
  const titles = new Map(ensemble.agents.map((other) => [other.name, labelOf(other)]))
  const step = compileAgent(report, { agent, path: ['coordinator'], lookup, titles })
  if (!step || synthesis_prompt === undefined) return step
  return { ...step, spec: { ...step.spec, instruct: synthesis_prompt } }
}

function settingsOf(agent: Agent, otherwise: number | undefined): Omit<GraphStep, 'id' | 'kind' | 'spec'> {
  const timeout = agent.timeout_seconds === undefined ? otherwise : toMilliseconds(agent.timeout_seconds)
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

function toMilliseconds(seconds: number): number {
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
