import * as z from 'zod'
import type { Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { checkName } from './name.ts'
import { suggest } from './nearest.ts'
import { isMap, Report } from './report.ts'
import { reportIssue } from './schema-issues.ts'
import type { GraphStep } from './step-graph.ts'
import type { Locate, Path } from './yaml.ts'

/** A parameter of a workflow. Without a default it has to be given, unless it says otherwise. */
export interface WorkflowParam {
  readonly name: string
  readonly required: boolean
  readonly type?: string
  readonly description?: string
  readonly default?: Json
}

export interface WorkflowStep {
  readonly name: string
  /** Absent: the step is a gate and nothing else. */
  readonly tool?: 'model_call' | 'parallel_query'
  readonly inputs: JsonObject
  readonly needs: readonly string[]
  readonly gate?: { readonly prompt: string; readonly wants: GateSpec['wants'] }
  readonly on_failure: 'abort_chain' | 'continue'
}

/** A workflow of a `config.yaml`: parameters, and steps one after another. */
export interface Workflow {
  readonly name: string
  readonly description?: string
  readonly params: readonly WorkflowParam[]
  readonly steps: readonly WorkflowStep[]
  /** Paths begin at the workflow. */
  readonly place: Locate
}

export interface ParsedWorkflow {
  /** Absent when there is an error. */
  readonly workflow?: Workflow
  readonly problems: readonly Problem[]
}

/** Kind `gate`: a question to a person, before anything goes on. */
export type GateSpec = {
  /** Liquid over `input` and `steps`. */
  readonly question: string
  /** `approval`: yes or no · `text`: what the person writes becomes the output. */
  readonly wants: 'approval' | 'text'
}

/** Kind `queries`: several models asked side by side, each with a prompt of its own. */
export type QueriesSpec = {
  readonly queries: readonly {
    /** An `agent` step; its id is given by the position. */
    readonly step: GraphStep
    readonly provider: string
    readonly model: string
  }[]
  /** How many at once. */
  readonly width: number
}

const TOOLS = ['model_call', 'parallel_query'] as const
const text = z.string().min(1)

const stepSchema = z.strictObject({
  name: text,
  tool: z.string().optional(),
  inputs: z.record(z.string(), z.json()).optional(),
  memory: z.strictObject({ needs: z.array(text).optional() }).optional(),
  permissions: z.array(text).optional(),
  gate: z.strictObject({ prompt: text.optional(), answer: z.enum(['approval', 'text']).optional() }).optional(),
  on_failure: z.enum(['abort_chain', 'continue']).optional(),
})
type StepData = z.infer<typeof stepSchema>

const workflowSchema = z.strictObject({
  description: z.string().optional(),
  params: z.unknown().optional(),
  steps: z.array(stepSchema).min(1).max(500),
})

const paramSchema = z.strictObject({
  type: text.optional(),
  description: z.string().optional(),
  required: z.boolean().optional(),
  default: z.json().optional(),
})

/** Reads one workflow; everything wrong is reported at once, with its place. */
export function parseWorkflow(name: string, given: Json, place: Locate): ParsedWorkflow {
  const report = new Report(place)
  const data = withoutEmpty(given)
  const parsed = workflowSchema.safeParse(data)
  for (const issue of parsed.error?.issues ?? []) {
    const knownKeysAt = (path: Path) => Object.keys((path[0] === 'steps' ? stepSchema : workflowSchema).shape)
    reportIssue(report, issue, { data, source: () => undefined, strict: false, knownKeysAt })
  }
  // Unknown keys alone keep nothing from being read.
  const kept = parsed.data ?? (report.failed ? undefined : (data as z.infer<typeof workflowSchema>))
  if (!kept) return { problems: report.problems.map(toWorkflowProblem) }
  const params = readParams(report, kept.params as Json | undefined)
  const steps = kept.steps.flatMap((step, index) => readStep(report, step, ['steps', index]) ?? [])
  reportTwins(report, kept.steps)
  const problems = report.problems.map(toWorkflowProblem)
  if (report.failed) return { problems }
  const { description } = kept
  return { workflow: { name, ...(description === undefined ? {} : { description }), params, steps, place }, problems }
}

function toWorkflowProblem(problem: Problem): Problem {
  return problem.code === 'ensemble_invalid' ? { ...problem, code: 'workflow_invalid' } : problem
}

/** A key without a value says nothing, except among the parameters, where it is a name without a default. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (!isMap(value)) return value
  const entries = Object.entries(value as JsonObject).filter(([, item]) => item !== null)
  return Object.fromEntries(entries.map(([key, item]) => [key, key === 'params' ? item : withoutEmpty(item)]))
}

/** Names alone, names with a default, or names with `{type, description, required, default}`; as a list or as a map. */
function readParams(report: Report, given: Json | undefined): WorkflowParam[] {
  const params: WorkflowParam[] = []
  const take = (name: string, value: Json | undefined, path: Path) => {
    if (params.some((param) => param.name === name)) {
      report.add(path, { code: 'workflow_invalid', message: `the parameter "${name}" stands twice` }, 'key')
      return
    }
    const param = readParam(report, name, { value, path })
    if (param) params.push(param)
  }
  if (given === undefined || given === null) return params
  if (isMap(given)) for (const [name, value] of Object.entries(given)) take(name, value as Json, ['params', name])
  else if (Array.isArray(given)) {
    for (const [index, item] of given.entries()) {
      if (typeof item === 'string' && item !== '') take(item, undefined, ['params', index])
      else if (isMap(item))
        for (const [name, value] of Object.entries(item)) take(name, value as Json, ['params', index, name])
      else
        report.add(['params', index], {
          code: 'workflow_invalid',
          message: 'a parameter is a name, or a name with its default: `- topic: tea`',
        })
    }
  } else report.add(['params'], { code: 'workflow_invalid', message: 'params are a list of names, or a map of names' })
  return params
}

function readParam(
  report: Report,
  name: string,
  { value, path }: { readonly value: Json | undefined; readonly path: Path },
): WorkflowParam | undefined {
  if (value === undefined || value === null) return { name, required: true }
  if (!isMap(value)) return { name, required: false, default: value }
  const parsed = paramSchema.safeParse(value)
  if (!parsed.success) {
    const message = `the parameter "${name}" is a default, or a map of type, description, required and default`
    report.add(path, { code: 'workflow_invalid', message })
    return undefined
  }
  const { required, type, description, default: standard } = parsed.data
  return {
    name,
    required: standard === undefined || standard === null ? (required ?? true) : false,
    ...(type === undefined ? {} : { type }),
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined || standard === null ? {} : { default: standard as Json }),
  }
}

function readStep(report: Report, step: StepData, path: Path): WorkflowStep | undefined {
  const { name, tool, inputs = {}, memory, gate, permissions = [], on_failure = 'abort_chain' } = step
  const unfit = checkName(name)
  if (unfit) report.add([...path, 'name'], { code: 'workflow_invalid', message: unfit.message })
  if (/[#~[\]]/.test(name)) {
    const message = `the name "${name}" holds one of # ~ [ ], which say where a step came from`
    report.add([...path, 'name'], { code: 'workflow_invalid', message })
  }
  if (permissions.length > 0)
    report.add([...path, 'permissions'], {
      code: 'unknown_key',
      message: `"${name}" asks for permissions that it does not need: a model call touches nothing else`,
      severity: 'warning',
    })
  const gateAlone = gate !== undefined && Object.keys(inputs).length === 0
  if (!gateAlone && !isTool(tool)) {
    const message =
      tool === undefined ? `"${name}" has no tool` : `"${name}" uses the tool "${tool}", which does not exist`
    const hint =
      tool === undefined ? `Tools: ${TOOLS.join(', ')}.` : (suggest(tool, TOOLS).hint ?? `Tools: ${TOOLS.join(', ')}.`)
    report.add(tool === undefined ? path : [...path, 'tool'], { code: 'workflow_invalid', message, hint })
    return undefined
  }
  return {
    name,
    ...(!gateAlone && isTool(tool) ? { tool } : {}),
    inputs: inputs as JsonObject,
    needs: memory?.needs ?? [],
    ...(gate ? { gate: { prompt: gate.prompt ?? `Go on with "${name}"?`, wants: gate.answer ?? 'approval' } } : {}),
    on_failure,
  }
}

function isTool(tool: string | undefined): tool is (typeof TOOLS)[number] {
  return TOOLS.some((known) => known === tool)
}

function reportTwins(report: Report, steps: readonly StepData[]): void {
  const seen = new Set<string>()
  for (const [index, { name }] of steps.entries()) {
    const key = name.normalize('NFC').toLowerCase()
    if (seen.has(key))
      report.add(['steps', index, 'name'], { code: 'name_duplicate', message: `two steps are called "${name}"` })
    seen.add(key)
  }
}
