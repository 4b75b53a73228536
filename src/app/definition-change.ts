import { planStep as asPlanned } from '../engine/offer.ts'
import type { Event, EventOf, PlannedStep } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { createRunState, isEnded, type RunState } from '../events/state.ts'
import type { Json, JsonObject, Value } from '../events/values.ts'
import { type Difference, findDifferences } from '../events/views/difference.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import type { App } from './app.ts'
import { loadContents } from './run-report.ts'

/** How far a step of the definition has come in a run. */
export type Progress = 'ended' | 'begun' | 'waiting'

/** One step of a definition, then and now. */
export interface StepChange {
  readonly step: string
  /** Absent for a step that the run does not have. */
  readonly progress?: Progress
  /** `settings`: only its own settings changed · `structure`: how it stands among the others. */
  readonly change: 'none' | 'settings' | 'structure' | 'added' | 'removed'
  readonly differences: readonly Difference[]
  /** Its settings now, where it has any. */
  readonly spec?: JsonObject
}

/** What a run is after its events, and how its definition compares with another graph. */
export interface DefinitionChange {
  readonly state: RunState
  /** The graph the run was started with; absent where content of it has been removed. */
  readonly then?: StepGraph
  /** In the order of the definition now; those that are no more stand last. */
  readonly steps: readonly StepChange[]
  /** The step whose output is the answer is another one now. */
  readonly output_changed: boolean
}

export async function compareDefinition(
  app: App,
  { run, events, graph }: { readonly run: string; readonly events: readonly Event[]; readonly graph: StepGraph },
): Promise<DefinitionChange> {
  const state = createRunState()
  for (const event of events) {
    evolve(state, event)
    state.wakes.length = 0
  }
  const planned = new Map<string, PlannedStep>()
  for (const plan of state.planned ?? []) planned.set(plan.id, plan)
  for (const step of state.steps.values()) if (step.parent === undefined) planned.set(step.id, step.plan)
  const { blobs } = await app.openJournal()
  const first = 'steps' in (events[0]?.data ?? {}) ? (events[0] as EventOf<'run-started'>).data.steps : []
  const read = await loadContents(
    [...first, ...planned.values()].map(({ spec }) => spec),
    run,
    blobs,
  )
  const then = readGraph(first, read, state.output)
  const now = graph.steps.map((step): StepChange => {
    const { spec } = step
    const was = planned.get(step.id)
    if (!was) return { step: step.id, change: 'added', differences: [], spec }
    const differences = findDifferences(describeThen(was, read), describeNow(step))
    const inSettings = differences.every(({ path }) => path.startsWith('spec'))
    const change = differences.length === 0 ? 'none' : inSettings ? 'settings' : 'structure'
    return { step: step.id, progress: progressOf(state, step.id), change, differences, spec }
  })
  const names = new Set(graph.steps.map(({ id }) => id))
  const gone = [...planned.keys()].filter((id) => !names.has(id))
  return {
    state,
    ...(then ? { then } : {}),
    steps: [
      ...now,
      ...gone.map(
        (step): StepChange => ({ step, progress: progressOf(state, step), change: 'removed', differences: [] }),
      ),
    ],
    output_changed: state.output !== graph.output,
  }
}

function readGraph(
  plans: readonly PlannedStep[],
  read: (value: Value) => Json | undefined,
  output: string | undefined,
): StepGraph | undefined {
  const steps = plans.flatMap((planned) => {
    const { input: _, ...plan } = planned
    const spec = read(plan.spec)
    return spec === undefined ? [] : [{ ...plan, spec: spec as JsonObject }]
  })
  if (steps.length < plans.length) return undefined
  return { name: '', steps, ...(output === undefined ? {} : { output }) }
}

function progressOf(state: RunState, id: string): Progress {
  const step = state.steps.get(id)
  if (!step) return 'waiting'
  if (isEnded(step.status)) return 'ended'
  return step.attempt > 0 ? 'begun' : 'waiting'
}

function describeThen({ spec, ...plan }: PlannedStep, read: (value: Value) => Json | undefined): Json {
  return { ...plan, spec: read(spec) ?? null } as unknown as Json
}

/** As the journal would plan it, with the settings in place of their digest. */
function describeNow(step: StepGraph['steps'][number]): Json {
  const nowhere = { sha256: '', bytes: 0, type: '' }
  const { spec: _, ...plan } = asPlanned(step, () => nowhere)
  // as text and back: settings that are undefined do not exist in a journal
  return JSON.parse(JSON.stringify({ ...plan, spec: step.spec })) as Json
}
