import { ERROR_CODES } from '../errors.ts'
import type { Event, EventOf, PlannedStep } from '../event.ts'
import type { Json, Value } from '../values.ts'
import { type CourseNotes, describeCourse, findCourseValues, noteCourse } from './course.ts'
import { findPhases } from './phases.ts'
import { type Progress, progressView, totalsOf } from './progress.ts'
import { listRecoveries, type Recoveries, recoveryView } from './recovery.ts'
import { type Fallback, readFallback } from './route.ts'
import type { AgentReport, FailureReport, RunReport, UnknownEffect } from './run-report.ts'
import { addSpent, emptySpent, type Spent, type UsageTotals, usageView } from './usage.ts'
import { foldEvents, type ReadValue, readInline, type View } from './view.ts'

interface AgentNotes {
  readonly dependencies: readonly string[]
  output?: Value
  code?: string
  message?: string
  /** What the world said of the failure: content of the last failed effect, or the engine's note on a thrown error. */
  detail?: Value
  /** What had arrived of the newest answer that broke off. */
  partial?: Value
  readonly fallbacks: { readonly fallback: Fallback; readonly partial?: Value }[]
}

export interface ReportState {
  readonly progress: Progress
  readonly usage: UsageTotals
  readonly recoveries: Recoveries
  readonly agents: Map<string, AgentNotes>
  readonly courses: Map<string, CourseNotes>
  readonly finished: string[]
  readonly unknown: Map<string, UnknownEffect>
  /** Unsafe effects under way, with their steps: how one fails tells whether it may have happened. */
  readonly unsafe: Map<string, string>
  target?: { readonly kind: string; readonly name: string }
  input?: Value
  output?: string
  reason?: string
}

export function reportView(read: ReadValue = readInline): View<ReportState> {
  const usage = usageView(read)
  return {
    initial: () => ({
      progress: progressView.initial(),
      usage: usage.initial(),
      recoveries: recoveryView.initial(),
      agents: new Map(),
      courses: new Map(),
      finished: [],
      unknown: new Map(),
      unsafe: new Map(),
    }),
    evolve: (state, event) => {
      note(state, event)
      noteCourse(state.courses, event)
      progressView.evolve(state.progress, event)
      usage.evolve(state.usage, event)
      recoveryView.evolve(state.recoveries, event)
      return state
    },
  }
}

/** The report of a whole journal. Load the blobs of `findReportValues` first, or large outputs are left out. */
export function createReport(events: Iterable<Event>, read: ReadValue = readInline): RunReport {
  return finishReport(foldEvents(reportView(read), events), read)
}

/** The values whose content a report shows. */
export function findReportValues(event: Event): readonly Value[] {
  switch (event.type) {
    case 'run-started':
      return [event.data.input]
    case 'step-finished':
      return [event.data.output]
    case 'step-failed':
      return event.data.output ? [event.data.output] : []
    case 'effect-failed':
      return [event.data.detail, event.data.partial].filter((value) => value !== undefined)
    case 'note-written':
      return 'text' in event.data ? [event.data.text] : findCourseValues(event)
    default:
      return findCourseValues(event)
  }
}

/** The report of what has happened so far; of a run under way as well. */
export function finishReport(state: ReportState, read: ReadValue = readInline): RunReport {
  const { progress, usage } = state
  const recoveries = listRecoveries(state.recoveries)
  const steps = [...progress.steps.values()]
  const shown = steps.filter((step) => step.kind !== 'condition')
  const families = sumFamilies(state)
  const agents = shown.map((step) => {
    const family_usage = families.get(step.id)
    return { ...describeAgent(state, step.id, read), ...(family_usage ? { family_usage } : {}) }
  })
  const described = new Map(agents.map((agent) => [agent.name, agent]))
  const top = agents.filter((agent) => agent.parent === undefined)
  return {
    run: progress.run,
    target: state.target ?? { kind: 'unknown', name: progress.name },
    status: progress.status,
    ...timesOf(progress),
    ...(state.input ? contentOf('input', state.input, read) : {}),
    agents,
    order: state.finished.filter((name) => described.has(name)),
    phases: findPhases(
      top.map(({ name, dependencies }) => ({ id: name, after: dependencies.map((step) => ({ step })) })),
    ),
    answers: findAnswers(top, state.output),
    totals: { ...totalsOf(progress), usage: usage.total },
    errors: steps
      .map(({ id, kind }) => (kind === 'condition' ? describeAgent(state, id, read) : described.get(id)))
      .flatMap((agent) => (agent ? describeFailure(agent, state.agents.get(agent.name), read) : [])),
    unknown: [...state.unknown.values()],
    ...(recoveries.length > 0 ? { recoveries } : {}),
    ...(state.reason === undefined ? {} : { reason: state.reason }),
  }
}

/** What the steps that proposed others spent together with them. */
function sumFamilies({ progress, usage }: ReportState): ReadonlyMap<string, Spent> {
  const sums = new Map<string, Spent>()
  const spentOf = (id: string) => usage.steps.get(id) ?? emptySpent()
  for (const { id, parent } of progress.steps.values()) {
    for (let above = parent; above !== undefined; above = progress.steps.get(above)?.parent) {
      let sum = sums.get(above)
      if (!sum) sums.set(above, (sum = { ...spentOf(above) }))
      addSpent(sum, spentOf(id))
    }
  }
  return sums
}

function note(state: ReportState, event: Event): void {
  switch (event.type) {
    case 'run-started':
      state.target = event.data.target
      state.input = event.data.input
      if (event.data.output !== undefined) state.output = event.data.output
      for (const step of event.data.steps) plan(state, step)
      return
    case 'steps-added':
      if ('steps' in event.data) for (const step of event.data.steps) plan(state, step)
      return
    case 'run-finished':
      if (event.data.output !== undefined) state.output = event.data.output
      if (event.data.reason !== undefined) state.reason = event.data.reason
      for (const key of event.data.unknown) if (!state.unknown.has(key)) state.unknown.set(key, { key })
      return
    case 'step-routed': {
      const fallback = readFallback(event.data.facts)
      const notes = findNotes(state, event.data.step)
      const { partial } = notes
      delete notes.partial
      if (fallback) notes.fallbacks.push({ fallback, ...(partial ? { partial } : {}) })
      return
    }
    case 'step-finished':
      findNotes(state, event.data.step).output = event.data.output
      state.finished.push(event.data.step)
      return
    case 'step-failed': {
      const notes = findNotes(state, event.data.step)
      notes.code = event.data.code
      notes.message = event.data.message
      if (event.data.output) notes.output = event.data.output
      if (event.data.retry_at === undefined) state.finished.push(event.data.step)
      return
    }
    case 'step-skipped':
    case 'step-cancelled':
      state.finished.push(event.data.step)
      return
    case 'note-written':
      if ('about' in event.data && event.data.about !== undefined) {
        const about = state.agents.get(event.data.about)
        if (about) about.detail = event.data.text
      }
      return
    case 'effect-unknown':
      state.unknown.set(event.data.key, event.data)
      return
    case 'effect-intended':
      state.unknown.delete(event.data.key)
      if (event.data.safety === 'unsafe') state.unsafe.set(event.data.key, event.data.step)
      return
    case 'effect-done': {
      state.unknown.delete(event.data.key)
      state.unsafe.delete(event.data.key)
      const owner = state.progress.owners.get(event.data.key)
      if (owner !== undefined) delete findNotes(state, owner).partial
      return
    }
    case 'effect-failed': {
      doubt(state, event)
      const owner = state.progress.owners.get(event.data.key)
      if (owner === undefined) return
      if (event.data.detail) findNotes(state, owner).detail = event.data.detail
      if (event.data.partial) findNotes(state, owner).partial = event.data.partial
    }
  }
}

/** A person who says that it failed knows; the world may not. */
function doubt(state: ReportState, { data, actor }: EventOf<'effect-failed'>): void {
  const { key, code, touched } = data
  const step = state.unsafe.get(key)
  state.unknown.delete(key)
  state.unsafe.delete(key)
  if (step !== undefined && touched !== 'no' && actor !== 'person') state.unknown.set(key, { key, step, code, touched })
}

function plan(state: ReportState, step: PlannedStep): void {
  if (state.agents.has(step.id)) return
  state.agents.set(step.id, { dependencies: step.after.map((edge) => edge.step), fallbacks: [] })
}

function findNotes(state: ReportState, id: string): AgentNotes {
  let notes = state.agents.get(id)
  if (!notes) state.agents.set(id, (notes = { dependencies: [], fallbacks: [] }))
  return notes
}

function describeAgent(state: ReportState, id: string, read: ReadValue): AgentReport {
  const step = state.progress.steps.get(id)
  const notes = findNotes(state, id)
  const failed = step?.status === 'failed' || step?.status === 'retrying'
  return {
    name: id,
    kind: step?.kind ?? 'unknown',
    ...(step?.parent === undefined ? {} : { parent: step.parent }),
    status: step?.status ?? 'waiting',
    attempts: step?.attempt ?? 0,
    ...(step ? timesOf(step) : {}),
    ...(step?.profile === undefined ? {} : { profile: step.profile }),
    ...(step?.provider === undefined ? {} : { provider: step.provider }),
    ...(step?.model === undefined ? {} : { model: step.model }),
    usage: state.usage.steps.get(id) ?? emptySpent(),
    ...(notes.output ? contentOf('output', notes.output, read) : {}),
    ...(failed && notes.code !== undefined ? { code: notes.code } : {}),
    ...(failed && notes.message !== undefined ? { message: notes.message } : {}),
    ...(step?.reason === undefined ? {} : { reason: step.reason }),
    fallbacks: notes.fallbacks.map(({ fallback, partial }) => ({ ...fallback, ...readPartial(partial, read) })),
    ...describeCourse(state.courses.get(id), read),
    ...describeItems(state, id),
    dependencies: showDependencies(state, notes.dependencies),
  }
}

/** The text that had arrived when an answer broke off. */
function readPartial(partial: Value | undefined, read: ReadValue): Pick<Fallback, 'partial'> {
  const answer = partial && read(partial)
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return {}
  const { content } = answer as { readonly content?: Json }
  const parts = (Array.isArray(content) ? content : []) as readonly { readonly type?: Json; readonly text?: Json }[]
  const text = parts.map((part) => (part?.type === 'text' && typeof part.text === 'string' ? part.text : '')).join('')
  return text === '' ? {} : { partial: text }
}

/** Items are the children `NAME[0]`, `NAME[1]`, … of a step. */
function describeItems({ progress }: ReportState, id: string): Pick<AgentReport, 'items'> {
  if (progress.steps.get(id)?.kind !== 'each') return {}
  const items = (progress.children.get(id) ?? []).flatMap((child) => progress.steps.get(child) ?? [])
  const failed = items.filter(({ status }) => status === 'failed' || status === 'cancelled').map((item) => item.id)
  const succeeded = items.filter(({ status }) => status === 'succeeded').length
  const total = Math.max(items.length, progress.steps.get(id)?.items ?? 0)
  return { items: { total, succeeded, failed } }
}

/** Condition steps are machinery: who waits for one is shown as waiting for what the condition waits for. */
function showDependencies(state: ReportState, ids: readonly string[], seen = new Set<string>()): string[] {
  return ids.flatMap((id) => {
    if (seen.has(id)) return []
    seen.add(id)
    const hidden = state.progress.steps.get(id)?.kind === 'condition'
    return hidden ? showDependencies(state, findNotes(state, id).dependencies, seen) : [id]
  })
}

function describeFailure(agent: AgentReport, notes: AgentNotes | undefined, read: ReadValue): FailureReport[] {
  if (agent.status !== 'failed') return []
  const code = agent.code ?? 'internal'
  const detail = notes?.detail ? read(notes.detail) : undefined
  const hint = Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].summary : undefined
  return [
    {
      agent: agent.name,
      code,
      message: agent.message ?? 'The step failed.',
      ...(typeof detail === 'string' && detail !== '' ? { detail } : {}),
      ...(hint === undefined ? {} : { hint }),
    },
  ]
}

/** The run's named output step, else the last agents that no other agent depends on. */
function findAnswers(top: readonly AgentReport[], output: string | undefined): string[] {
  if (output !== undefined) return [output]
  const used = new Set(top.flatMap((agent) => agent.dependencies))
  return top.filter((agent) => !used.has(agent.name)).map((agent) => agent.name)
}

function contentOf<K extends 'input' | 'output'>(key: K, value: Value, read: ReadValue) {
  const content = read(value)
  return (content === undefined ? { [`${key}_withheld`]: value.bytes } : { [key]: content }) as {
    readonly [P in K]?: Json
  } & { readonly [P in `${K}_withheld`]?: number }
}

function timesOf({ started, ended }: { readonly started?: number; readonly ended?: number }) {
  return {
    ...(started === undefined ? {} : { started: new Date(started).toISOString() }),
    ...(ended === undefined ? {} : { ended: new Date(ended).toISOString() }),
    ...(started === undefined || ended === undefined ? {} : { duration_ms: ended - started }),
  }
}
