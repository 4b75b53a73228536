import type { AgentSpec } from './agent-spec.ts'
import { type AssembleBlock, compileAssemble } from './assemble.ts'
import type { Candidate } from './candidates.ts'
import { stepPath } from './cel.ts'
import type { ConditionSpec } from './composite.ts'
import { edgesInto, type Plan, type PlanBounds, type PlanEdge, type PlanTask, type TaskType } from './plan.ts'
import { chooseModels } from './plan-check.ts'
import { Report } from './report.ts'
import type { Edge, GraphStep } from './step-graph.ts'
import { compileVerify, type VerifyMeans } from './verify.ts'

/** What a plan may ask for, and how its answers are checked and put together. */
export type PlanMeans = PlanBounds & {
  readonly verify: VerifyMeans['settings']
  readonly assemble: AssembleBlock
  /** ms for each try of a task. */
  readonly timeout_ms?: number
}

export interface CompiledPlan {
  readonly steps: readonly GraphStep[]
  /** The id of the last step, whose output is the answer. */
  readonly output: string
}

const WORK: { readonly [type in TaskType]: string } = {
  generate: 'Write what the task asks for.',
  transform: 'Change the answers you are given as the task asks, and keep what it does not speak of.',
  synthesize: 'Bring the answers you are given together into one, as the task asks.',
}

/**
 * A checked plan as steps: an agent for each task, verified by its criteria, starting when what it waits for has succeeded, and the
 * assembly of the answers that no other task uses. A plan that was not read by `readPlan` for the same means is a programming error.
 */
export function compilePlan(plan: Plan, means: PlanMeans): CompiledPlan {
  const report = new Report(() => ({}))
  const into = edgesInto(plan)
  const steps = plan.tasks.flatMap((task, index) =>
    compileTask(report, { task, index, into: into.get(task.id) ?? [], means }),
  )
  const used = new Set(plan.edges.map(({ from }) => from))
  const last = plan.tasks.filter(({ id }) => !used.has(id)).map(({ id }) => id)
  const assembly = compileAssemble(report, {
    id: freeId(plan),
    after: last.map((step) => ({ step, on: 'always' })),
    block: means.assemble,
    path: ['assemble'],
    blocks: last.map((step) => ({ step, label: step })),
    means: { findModel: () => means.models[0]?.candidates },
  })
  if (!assembly || report.failed) throw new Error(`a checked plan did not compile: ${report.problems[0]?.message}`)
  return { steps: [...steps, assembly], output: assembly.id }
}

interface Work {
  readonly task: PlanTask
  readonly index: number
  readonly into: readonly PlanEdge[]
  readonly means: PlanMeans
}

function compileTask(report: Report, { task, index, into, means }: Work): GraphStep[] {
  const { id, quality_criteria } = task
  const gate = compileGate(id, into)
  const after: Edge[] = [
    ...into.map(({ from, join }): Edge => ({ step: from, on: gate && join === 'any' ? 'always' : 'success' })),
    ...(gate ? [{ step: gate.id, on: 'verdict' } as const] : []),
  ]
  const limit = means.timeout_ms === undefined ? {} : { timeout_ms: means.timeout_ms }
  const before = into.map(({ from }) => from)
  const inner = {
    id,
    kind: 'agent',
    spec: specOf({ task, means, before }),
    ...(after.length > 0 ? { after } : {}),
    ...limit,
  }
  if (quality_criteria.length === 0) return gate ? [gate, inner] : [inner]
  const verified = compileVerify(report, {
    inner,
    block: { checks: [...quality_criteria] },
    path: ['tasks', index, 'quality_criteria'],
    timed: false,
    means: {
      settings: means.verify,
      findModel: () => undefined,
      findScript: () => undefined,
      steps: new Set(before),
    },
  })
  return gate ? [gate, verified] : [verified]
}

function specOf(work: {
  readonly task: PlanTask
  readonly means: PlanMeans
  readonly before: readonly string[]
}): AgentSpec {
  const { task, means, before } = work
  const candidates = chooseModels(task, means)
  if (!candidates) throw new Error(`the task ${task.id} has no model; the plan was not checked for these means`)
  return {
    agent: task.id,
    title: `the task ${task.id}`,
    system: `You do one task of a larger plan. ${WORK[task.type]} Give only the result of this task.`,
    candidates: askCapability(candidates, task),
    instruct: task.description,
    blocks: before.map((step) => ({ step, label: step })),
  }
}

/** Where one of several models is chosen, it is for what the task needs; quality is asked of those formulas that give points for it. */
function askCapability(candidates: readonly Candidate[], { requirements }: PlanTask): readonly Candidate[] {
  const [first, ...others] = candidates
  if (!first?.route) return candidates
  const { capability, min_quality } = requirements
  const points = (first.route.method ?? 'weighted') === 'weighted' ? {} : { min_quality }
  const asked = { capability, ...points, ...first.route.requirements }
  return [{ ...first, route: { ...first.route, requirements: asked } }, ...others]
}

/**
 * Edges wait for the end of every step they come from, so "any" cannot start early. What it says about success can be kept: a
 * condition that sees how all of them ended lets the task start when one succeeded. A single such edge is an ordinary one.
 */
function compileGate(id: string, into: readonly PlanEdge[]): GraphStep | undefined {
  const any = into.filter(({ join }) => join === 'any').map(({ from }) => from)
  if (any.length < 2) return undefined
  const spec: ConditionSpec = { expression: any.map((from) => `${stepPath(from)}.status == "succeeded"`).join(' || ') }
  return { id: `${id}/when`, kind: 'condition', spec, after: any.map((step) => ({ step, on: 'always' })) }
}

/** A task may be called `assemble` itself. */
function freeId({ tasks }: Plan): string {
  const taken = new Set(tasks.map(({ id }) => id.normalize('NFC').toLowerCase()))
  for (let n = 1; ; n++) {
    const id = n === 1 ? 'assemble' : `assemble-${n}`
    if (!taken.has(id)) return id
  }
}
