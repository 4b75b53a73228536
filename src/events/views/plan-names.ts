import type { Event } from '../event.ts'
import type { Json, JsonObject } from '../values.ts'
import { finishReport, type ReportState, reportView } from './report.ts'
import { type RunReport, showOutput } from './run-report.ts'
import { type ReadValue, readInline } from './view.ts'

/** An event under the name that Ai3's users know: its type and its fields side by side. */
export type PlanEvent = JsonObject & { readonly type: string }

export interface PlanStats extends JsonObject {
  readonly task_count: number
  readonly decision_count: number
  /** Dollars. */
  readonly total_cost: number
  readonly total_tokens: number
}

/** Translates one run of a plan, event by event. It keeps state, so feed it the whole journal in order. */
export interface PlanNames {
  translate(event: Event): readonly PlanEvent[]
}

/** The step that plans, below which the tasks stand. */
const PLACE = 'plan/'

export function createPlanNames(read: ReadValue = readInline): PlanNames {
  const view = reportView(read)
  const names: Names = {
    read,
    report: view.initial(),
    tasks: new Map(),
    models: new Map(),
    answers: new Map(),
    told: new Map(),
    assembly: undefined,
    decisions: 0,
    output: undefined,
  }
  return {
    translate: (event) => {
      names.report = view.evolve(names.report, event)
      return translateEvent(names, event)
    },
  }
}

interface Names {
  readonly read: ReadValue
  report: ReportState
  /** Ids of tasks to their descriptions. */
  readonly tasks: Map<string, string>
  /** Ids of tasks to the model that each was given last. */
  readonly models: Map<string, string>
  /** What the steps within tasks have said, by their ids. */
  readonly answers: Map<string, string>
  /** Ids of tasks to the artifact that was told last. */
  readonly told: Map<string, string>
  assembly: string | undefined
  decisions: number
  output: Json | undefined
}

function translateEvent(names: Names, event: Event): PlanEvent[] {
  switch (event.type) {
    case 'run-started':
      return [{ type: 'plan', status: 'started' }]
    case 'note-written':
      return takePlan(names, event)
    case 'steps-added':
      if ('proposal' in event.data && event.data.proposal === 'tasks' && event.data.step === 'plan')
        names.assembly = event.data.steps.at(-1)?.id
      return []
    case 'step-started': {
      if (event.data.attempt > 1) return []
      if (event.data.step === names.assembly) return [{ type: 'assemble_start' }]
      const task = names.tasks.get(nameTask(event.data.step))
      return task === undefined ? [] : [{ type: 'task_start', task_id: nameTask(event.data.step), description: task }]
    }
    case 'step-routed': {
      const task_id = ownerOf(names, event.data.step)
      if (task_id === undefined || !changesModel(names, task_id, event.data.facts)) return []
      names.decisions += 1
      return [{ type: 'decision', task_id, provider: event.data.facts['provider'] ?? null }]
    }
    case 'step-verified':
      return tellVerdict(names, ownerOf(names, event.data.step), event.data.facts)
    case 'step-finished': {
      const output = names.read(event.data.output)
      if (event.data.step === 'plan') names.output = output
      const task_id = nameTask(event.data.step)
      const content = output === undefined ? '' : showOutput(output)
      if (names.tasks.has(task_id)) return tellArtifact(names, task_id, content)
      if (ownerOf(names, event.data.step) !== undefined) names.answers.set(event.data.step, content)
      return []
    }
    case 'step-failed': {
      const task_id = nameTask(event.data.step)
      if (event.data.retry_at !== undefined || !names.tasks.has(task_id)) return []
      return [{ type: 'task_failed', task_id, error: event.data.message }]
    }
    case 'run-finished':
      return tellEnd(names)
    default:
      return []
  }
}

/** A task whose answer is checked is routed itself and again for each answer: one decision, until the model is another. */
function changesModel({ models }: Names, task: string, { provider, model }: JsonObject): boolean {
  const name = JSON.stringify([provider ?? null, model ?? null])
  if (models.get(task) === name) return false
  models.set(task, name)
  return true
}

/** The planner's note of the plan: its content lists the tasks. */
function takePlan(names: Names, event: Extract<Event, { type: 'note-written' }>): PlanEvent[] {
  const { facts, content } = event.data as { readonly facts?: JsonObject; readonly content?: never }
  if (facts?.['about'] !== 'plan') return []
  const plan =
    content === undefined ? undefined : (names.read(content) as { readonly tasks?: readonly PlanTask[] } | undefined)
  for (const { id, description } of plan?.tasks ?? []) names.tasks.set(id, description)
  return [{ type: 'plan', status: 'completed', task_count: Number(facts['task_count'] ?? names.tasks.size) }]
}

interface PlanTask {
  readonly id: string
  readonly description: string
}

/** An artifact is told before it is verified; what its task ends with is told again only where it is another. */
function tellArtifact({ told }: Names, task_id: string, content: string): PlanEvent[] {
  if (told.get(task_id) === content) return []
  told.set(task_id, content)
  return [{ type: 'task_artifact', task_id, artifact: { task_id, content, meta: {} } }]
}

function tellVerdict(names: Names, task_id: string | undefined, facts: JsonObject): PlanEvent[] {
  if (task_id === undefined) return []
  const repair = Number(facts['repair'] ?? 0)
  const verification = {
    status: facts['status'] ?? 'skipped',
    criteria: facts['criteria'] ?? [],
    failures: facts['failed'] ?? [],
  }
  const repaired = repair > 0 ? [{ type: 'task_repaired', task_id, attempt: repair }] : []
  const content = names.answers.get(String(facts['answer']))
  const artifact = content === undefined ? [] : tellArtifact(names, task_id, content)
  return [...repaired, ...artifact, { type: 'task_verified', task_id, verification }]
}

function tellEnd(names: Names): PlanEvent[] {
  const report = finishReport(names.report, names.read)
  const failed = report.status === 'failed' || report.status === 'cancelled'
  const message = report.errors[0]?.message ?? report.reason ?? `the run ${report.status}`
  const end = failed
    ? { type: 'error', message }
    : { type: 'final', output: names.output === undefined ? '' : showOutput(names.output) }
  return [end, { type: 'stats', stats: countPlan(report, { tasks: names.tasks.size, decisions: names.decisions }) }]
}

function countPlan(
  { totals }: Pick<RunReport, 'totals'>,
  { tasks, decisions }: { readonly tasks: number; readonly decisions: number },
): PlanStats {
  const { input = 0, output = 0, cost = 0 } = totals.usage
  return { task_count: tasks, decision_count: decisions, total_cost: cost / 1e9, total_tokens: input + output }
}

function nameTask(step: string): string {
  return step.startsWith(PLACE) ? step.slice(PLACE.length) : ''
}

/** The task that a step is, or is part of. */
function ownerOf({ tasks }: Names, step: string): string | undefined {
  const name = nameTask(step)
  return tasks.has(name) ? name : [...tasks.keys()].find((task) => name.startsWith(`${task}/`))
}
