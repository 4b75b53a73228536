import type { Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from './agent-spec.ts'
import { findCandidates, type ProfileLookup } from './candidates.ts'
import { checkLiquid, liquidSteps, liquidVariables, renderLiquid } from './liquid.ts'
import { suggest } from './nearest.ts'
import type { ModelProfile } from './profile.ts'
import { isMap, Report } from './report.ts'
import type { Edge, GraphStep, StepGraph } from './step-graph.ts'
import type { QueriesSpec, Workflow, WorkflowStep } from './workflow.ts'
import type { Params } from './workflow-params.ts'
import { type TemplateSight, translateTemplate } from './workflow-template.ts'
import type { Path } from './yaml.ts'

/** What a workflow needs from outside. */
export interface WorkflowLookup extends ProfileLookup {
  /** PROVIDER/MODEL, a provider, or a model; or why it stands for nothing. */
  model(name: string): ModelProfile | Problem
}

export interface CompiledWorkflow {
  /** Absent when there is an error. */
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
}

/** Queries of one step that run at once, unless it says otherwise. */
const WIDTH = 4

/**
 * A workflow as a graph. The parameters are the run's input; they are known before it starts, so models and numbers may be
 * templates over them. Steps run one after another; one that fails ends the workflow unless it says `on_failure: continue`.
 */
export function compileWorkflow(workflow: Workflow, params: Params, lookup: WorkflowLookup): CompiledWorkflow {
  const report = new Report(workflow.place)
  const steps: GraphStep[] = []
  for (const [index, step] of workflow.steps.entries()) {
    const path: Path = ['steps', index]
    const sight = seeFrom(report, workflow, index)
    const place = (work: Work, made: Pick<GraphStep, 'id' | 'kind' | 'spec'>, more: readonly Edge[] = []) => {
      const after = [...edgesOf(workflow, index, work.read), ...more]
      steps.push({ ...made, ...(after.length > 0 ? { after } : {}) })
    }
    const begin = (): Work => ({ report, step, path, sight, params, lookup, read: new Set() })
    if (step.gate) {
      const work = begin()
      place(work, compileGate(work, step.gate))
    }
    if (step.tool === undefined) continue
    const work = begin()
    const spec =
      step.tool === 'model_call'
        ? compileCall(work, step.inputs, { key: 'prompt', at: ['inputs'] })
        : compileQueries(work)
    const kind = step.tool === 'model_call' ? 'agent' : 'queries'
    if (spec) place(work, { id: step.name, kind, spec }, step.gate ? [{ step: gateId(step), on: 'verdict' }] : [])
  }
  const last = steps.at(-1)
  if (report.failed || !last) return { problems: report.problems }
  return { graph: { name: workflow.name, steps, output: last.id }, problems: report.problems }
}

/** Every model that the workflow names under these parameters. */
export function listModels(workflow: Workflow, params: Params): readonly string[] {
  const names = new Set<string>()
  const take = (fields: JsonObject) => {
    const name = nameModel(fillFields(fields, params))
    if (name !== undefined) names.add(name)
  }
  for (const { tool, inputs } of workflow.steps) {
    if (tool === 'model_call') take(inputs)
    const { queries } = inputs
    if (tool === 'parallel_query' && Array.isArray(queries))
      for (const query of queries) if (isMap(query)) take(query as JsonObject)
  }
  return [...names]
}

interface Work {
  readonly report: Report
  readonly step: WorkflowStep
  readonly path: Path
  readonly sight: TemplateSight
  readonly params: Params
  readonly lookup: WorkflowLookup
  /** The steps that its templates read. */
  readonly read: Set<string>
}

function gateId(step: WorkflowStep): string {
  return step.tool === undefined ? step.name : `${step.name}/gate`
}

/** The step before it, and every other one it reads. */
function edgesOf({ steps }: Workflow, index: number, read: ReadonlySet<string>): Edge[] {
  const seen = steps.slice(0, index).filter(({ name }, at) => at === index - 1 || read.has(name))
  return seen.map(({ name, on_failure }) => ({ step: name, on: on_failure === 'continue' ? 'always' : 'success' }))
}

function compileGate(
  work: Work,
  { prompt, wants }: NonNullable<WorkflowStep['gate']>,
): Pick<GraphStep, 'id' | 'kind' | 'spec'> {
  return {
    id: gateId(work.step),
    kind: 'gate',
    spec: { question: readTemplate(work, prompt, ['gate', 'prompt']), wants },
  }
}

/** One model call: `provider`, `model`, the prompt, and what else a call can say. */
function compileCall(
  work: Work,
  inputs: JsonObject,
  { key: promptKey, at }: { readonly key: string; readonly at: Path },
): AgentSpec | undefined {
  const { report, step, params, lookup } = work
  const path = [...work.path, ...at]
  const prompt = inputs[promptKey] ?? inputs['prompt']
  if (typeof prompt !== 'string' || prompt.trim() === '') {
    report.add(path, { code: 'workflow_invalid', message: `"${step.name}" has no ${promptKey}` })
    return undefined
  }
  const template = readTemplate(work, prompt, [...at, inputs[promptKey] === undefined ? 'prompt' : promptKey])
  const system = inputs['system_prompt']
  const systemTemplate = typeof system === 'string' ? readTemplate(work, system, [...at, 'system_prompt']) : undefined
  warnOfUnknown(work, inputs, path)
  const fields = fillFields(inputs, params)
  reportUnfilled(work, fields, path)
  const temperature = readNumber(work, fields, { key: 'temperature', path })
  const max_tokens = readNumber(work, fields, { key: 'max_tokens', path })
  const name = nameModel(fields)
  const profile = name === undefined ? lookup.defaultProfile() : lookup.model(name)
  if ('code' in profile) {
    report.add([...path, inputs['model'] === undefined ? 'provider' : 'model'], {
      ...profile,
      message: `"${step.name}": ${profile.message}`,
    })
    return undefined
  }
  const candidates = findCandidates(report, {
    agent: {
      name: step.name,
      model_profile: profile.name,
      ...(temperature === undefined ? {} : { temperature }),
      ...(max_tokens === undefined ? {} : { max_tokens: Math.max(1, Math.round(max_tokens)) }),
    },
    path,
    lookup: { ...lookup, profile: (wanted) => (wanted === profile.name ? profile : lookup.profile(wanted)) },
    keepPrompts: systemTemplate === undefined,
  })
  if (!candidates) return undefined
  return {
    agent: step.name,
    title: step.name,
    system: '',
    candidates,
    blocks: [],
    template: { prompt: template, ...(systemTemplate === undefined ? {} : { system: systemTemplate }) },
  }
}

function compileQueries(work: Work): QueriesSpec | undefined {
  const { report, step, path } = work
  const { queries, max_workers, ...others } = step.inputs
  if (!Array.isArray(queries) || queries.length === 0 || !queries.every((query) => isMap(query))) {
    const message = `"${step.name}" needs \`queries\`, a list of maps with provider, model and prompt_template`
    report.add([...path, 'inputs', 'queries'], { code: 'workflow_invalid', message })
    return undefined
  }
  warnOfUnknown(work, others, [...path, 'inputs'])
  const width = readNumber(work, fillFields({ max_workers: max_workers ?? WIDTH }, work.params), {
    key: 'max_workers',
    path: [...path, 'inputs'],
  })
  const made = (queries as readonly JsonObject[]).flatMap((query, index) => {
    const spec = compileCall(work, query, { key: 'prompt_template', at: ['inputs', 'queries', index] })
    const [first] = spec?.candidates ?? []
    if (!spec || !first) return []
    return [{ step: { id: 'query', kind: 'agent', spec }, provider: first.provider, model: first.model }]
  })
  return { queries: made, width: Math.max(1, Math.round(width ?? WIDTH)) }
}

/** What a step may name: all parameters, the steps before it, and what its `memory.needs` gives it. */
function seeFrom(report: Report, { steps, params }: Workflow, index: number): TemplateSight {
  const before = steps.slice(0, index).map(({ name }) => name)
  const memory = new Map<string, string>()
  const needs = steps[index]?.needs ?? []
  for (const [at, need] of needs.entries()) {
    const read = readNeed(need.trim(), { before, params: params.map(({ name }) => name) })
    if ('key' in read) memory.set(read.key, read.meant)
    else report.add(['steps', index, 'memory', 'needs', at], { code: 'workflow_invalid', ...read })
  }
  return { params: new Set(params.map(({ name }) => name)), steps: before, memory }
}

type Need = { readonly key: string; readonly meant: string } | { readonly message: string; readonly hint?: string }

function readNeed(
  need: string,
  sight: { readonly before: readonly string[]; readonly params: readonly string[] },
): Need {
  const { before, params } = sight
  if (need === 'user_prompt' || need === 'last_user_prompt') {
    const name = ['user_prompt', 'prompt'].find((wanted) => params.includes(wanted))
    return name === undefined
      ? { message: `"${need}" is needed, but the workflow has no parameter user_prompt` }
      : { key: 'user_prompt', meant: `input[${JSON.stringify(name)}]` }
  }
  if (need === 'parameters') return { key: 'parameters', meant: 'input' }
  if (need === 'last_output' || need === 'previous_output') {
    const last = before.at(-1)
    return last === undefined
      ? { message: `"${need}" is needed, but there is no step before` }
      : { key: 'last_output', meant: last }
  }
  const call = /^(tool_output|step_output|step)\(([^()]*)\)$/.exec(need)
  const name = call ? (call[2] ?? '').trim() : need
  if (!before.includes(name)) {
    const hint = `Needs are user_prompt, parameters, last_output and tool_output(STEP)${before.length > 0 ? `, with STEP one of ${before.join(', ')}` : ''}.`
    return { message: `"${need}" is nothing that the step can see`, hint }
  }
  if (call) return { key: call[1] === 'step' ? name : `${name}_output`, meant: name }
  return { key: name.replaceAll(/[^a-zA-Z0-9_]/g, '_'), meant: name }
}

/** Liquid, with the older placeholders rewritten; what is wrong with it is reported. */
function readTemplate(work: Work, text: string, at: Path): string {
  const { report, sight, read } = work
  const path = [...work.path, ...at]
  const { template, steps, faults } = translateTemplate(text, sight)
  for (const name of steps) read.add(name)
  for (const fault of faults) report.add(path, { code: 'workflow_invalid', ...fault })
  for (const { message, hint } of checkLiquid(template))
    report.add(path, {
      code: 'workflow_invalid',
      message: `the template cannot be read: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    })
  const used = liquidVariables(template)
  for (const name of used) {
    if (['input', 'steps', 'params'].includes(name) || (name === 'memory' && faults.length > 0)) continue
    const message = `{{${name}…}} names nothing that a template can see`
    const hint = sight.steps.includes(name)
      ? `Write {{steps.${name}.output}}.`
      : 'Write {{params.NAME}}, {{steps.NAME.output}} or {{memory.NAME_output}}.'
    report.add(path, { code: 'workflow_invalid', message, hint })
  }
  for (const name of faults.length > 0 ? [] : liquidSteps(template)) {
    if (sight.steps.includes(name)) read.add(name)
    else {
      const message = `the template names the step "${name}", which does not stand before this one`
      report.add(path, { code: 'workflow_invalid', message })
    }
  }
  return used.includes('params') ? `{% assign params = input %}${template}` : template
}

const FIELDS = ['provider', 'model', 'prompt', 'prompt_template', 'system_prompt', 'temperature', 'max_tokens']

function warnOfUnknown({ report, step }: Work, inputs: JsonObject, path: Path): void {
  for (const key of Object.keys(inputs)) {
    if (FIELDS.includes(key) || key.startsWith('x-')) continue
    const message = `the input ${key} of "${step.name}" is not used`
    report.add([...path, key], { code: 'unknown_key', message, severity: 'warning', ...suggest(key, FIELDS) }, 'key')
  }
}

/** Models and numbers with the parameters put in; one that cannot be filled stays as it is, and is refused where it is read. */
function fillFields(fields: JsonObject, params: Params): JsonObject {
  const fill = ([key, value]: readonly [string, Json]): readonly [string, Json] => {
    if (typeof value !== 'string' || !/\{[{%]/.test(value) || /prompt/.test(key)) return [key, value]
    const rendered = renderLiquid(value, { params: { ...params } })
    return [key, rendered.ok ? rendered.value.trim() : value]
  }
  return Object.fromEntries(Object.entries(fields).map(fill))
}

function reportUnfilled({ report }: Work, fields: JsonObject, path: Path): void {
  for (const key of ['provider', 'model', 'temperature', 'max_tokens']) {
    const value = fields[key]
    if (typeof value !== 'string' || !/\{[{%]/.test(value)) continue
    const message = `${key}: ${value} cannot be filled; models and numbers are chosen before the run and see nothing but {{params.NAME}}`
    report.add([...path, key], { code: 'workflow_invalid', message })
  }
}

function nameModel({ provider, model }: JsonObject): string | undefined {
  const parts = [provider, model].filter((part) => typeof part === 'string' && part !== '')
  return parts.length === 0 ? undefined : parts.join('/')
}

function readNumber(
  { report, step }: Work,
  fields: JsonObject,
  { key, path }: { readonly key: string; readonly path: Path },
): number | undefined {
  const value = fields[key]
  if (value === undefined) return undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number
  report.add([...path, key], {
    code: 'workflow_invalid',
    message: `${key} of "${step.name}" should be a number, not ${JSON.stringify(value)}`,
  })
  return undefined
}
