import type { Candidate } from './candidates.ts'
import { phasesOf } from './phases.ts'
import type { Path } from './yaml.ts'

export const TASK_TYPES = ['generate', 'transform', 'synthesize'] as const
export type TaskType = (typeof TASK_TYPES)[number]

/** What a task asks of its model. `min_quality` from 0 to 1; profile, provider and model only narrow what the run offers anyway. */
export type TaskRequirements = {
  readonly capability: string
  readonly min_quality: number
  readonly profile?: string
  readonly provider?: string
  readonly model?: string
}

export type PlanTask = {
  readonly id: string
  readonly type: TaskType
  readonly description: string
  readonly requirements: TaskRequirements
  readonly quality_criteria: readonly string[]
}

/** `all`: the task waits for every such edge's success · `any`: one success among such edges is enough, when all have ended. */
export type PlanEdge = { readonly from: string; readonly to: string; readonly join: 'all' | 'any' }

/** A task graph as data: what a planner model answers, what `plan --save` writes, what `run --plan-file` reads. */
export type Plan = {
  /** What the plan is for: the input of its tasks, unless another one is given. */
  readonly request?: string
  readonly tasks: readonly PlanTask[]
  readonly edges: readonly PlanEdge[]
}

/** A plan whose parts still know where they stood. */
export interface PlacedPlan {
  readonly request?: string
  readonly tasks: readonly { readonly task: PlanTask; readonly path: Path }[]
  readonly edges: readonly { readonly edge: PlanEdge; readonly path: Path }[]
}

/** Models that tasks may be done by, under the name a task can ask for them. */
export type PlanModel = {
  readonly name: string
  /** The profile and its fallbacks, in order. */
  readonly candidates: readonly Candidate[]
}

/** All that a plan can ask for, whoever wrote it: what the run that executes it grants. */
export type PlanBounds = {
  readonly max_tasks: number
  /** Tasks that wait for each other in a row. */
  readonly max_depth: number
  /** The first does what no other is named for; never empty. */
  readonly models: readonly PlanModel[]
  /** Which of the models is for which capability; these capabilities are known besides the usual ones. */
  readonly capabilities: { readonly [capability: string]: string }
}

/** What each task waits for, by its id. */
export function edgesInto({ tasks, edges }: Plan): ReadonlyMap<string, readonly PlanEdge[]> {
  const into = new Map(tasks.map(({ id }) => [id, [] as PlanEdge[]]))
  for (const edge of edges) into.get(edge.to)?.push(edge)
  return into
}

/** Levels of tasks, for people: each holds the tasks whose predecessors all stand before it. The plan must be sound. */
export function levelsOf(plan: Plan): string[][] {
  const steps = [...edgesInto(plan)].map(([id, into]) => ({
    id,
    kind: 'agent',
    spec: {},
    after: into.map(({ from }) => ({ step: from, on: 'success' as const })),
  }))
  return phasesOf({ name: 'plan', steps })
}

/** A plan as a person reads it: level by level, each task with what it waits for. */
export function describePlan(plan: Plan): string {
  const tasks = new Map(plan.tasks.map((task) => [task.id, task]))
  const edges = edgesInto(plan)
  const lines = levelsOf(plan).flatMap((level, index) =>
    level.map((id) => {
      const into = edges.get(id) ?? []
      const any = into.some(({ join }) => join === 'any')
      const after = into.length === 0 ? '' : `, after ${into.map(({ from }) => from).join(any ? ' or ' : ' and ')}`
      const task = tasks.get(id)
      return `${index + 1}. ${id} (${task?.type}, ${task?.requirements.capability}${after}): ${task?.description}`
    }),
  )
  return lines.join('\n')
}
