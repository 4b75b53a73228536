import type { Event } from '../event.ts'
import type { Json, JsonObject } from '../values.ts'
import { toExecution } from './execution.ts'
import { findPhases } from './phases.ts'
import { finishReport, type ReportState, reportView } from './report.ts'
import { readFallback } from './route.ts'
import { showOutput } from './run-report.ts'
import { type ReadValue, readInline } from './view.ts'

/** An event under the name that LLM Orchestra's users know. Times are seconds since 1970, durations seconds, `_ms` milliseconds. */
export interface NamedEvent {
  readonly type: string
  readonly data: JsonObject
}

interface Phase {
  readonly agents: readonly string[]
  started: boolean
  left: number
  failed: number
}

/** Translates one run, event by event. It keeps state, so feed it the whole journal in order. */
export interface StreamNames {
  translate(event: Event): readonly NamedEvent[]
  /** The ticker's line while the run goes on; undefined before its start and after its end. */
  describeProgress(now: number): NamedEvent | undefined
}

export function createStreamNames(read: ReadValue = readInline): StreamNames {
  const view = reportView(read)
  const names: Names = { read, report: view.initial(), phases: [], phaseOf: new Map(), falling: new Set() }
  return {
    translate: (event) => {
      names.report = view.evolve(names.report, event)
      return translateEvent(names, event)
    },
    describeProgress: (now) => {
      const { started, ended, name } = names.report.progress
      if (started === undefined || ended !== undefined) return undefined
      return named('execution_progress', { ensemble: name, timestamp: now / 1000, elapsed: (now - started) / 1000 })
    },
  }
}

interface Names {
  readonly read: ReadValue
  report: ReportState
  phases: Phase[]
  readonly phaseOf: Map<string, number>
  /** Steps that changed to another model and have not ended yet. */
  readonly falling: Set<string>
}

function translateEvent(names: Names, event: Event): NamedEvent[] {
  const timestamp = event.at / 1000
  switch (event.type) {
    case 'run-started': {
      const report = finishReport(names.report, () => undefined)
      openPhases(names, report.agents)
      return [
        named('execution_started', { ensemble: report.target.name, timestamp, total_agents: report.agents.length }),
      ]
    }
    case 'step-started':
      if (!isAgent(names, event.data.step) || event.data.attempt > 1) return []
      return [...startPhase(names, event.data.step), named('agent_started', { agent_name: event.data.step, timestamp })]
    case 'step-routed':
      return changeModel(names, event)
    case 'step-finished': {
      if (!isAgent(names, event.data.step)) return []
      const output = names.read(event.data.output)
      const preview = output === undefined ? '' : showOutput(output).slice(0, 100).toWellFormed()
      return [
        ...endFallback(names, event.data.step, named('agent_fallback_completed', { response_preview: preview })),
        ...endAgent(names, event, {}),
      ]
    }
    case 'step-failed': {
      if (event.data.retry_at !== undefined || !isAgent(names, event.data.step)) return []
      const { code, message } = event.data
      return [
        ...endFallback(
          names,
          event.data.step,
          named('agent_fallback_failed', {
            failure_type: nameFailure(code),
            error: message,
          }),
        ),
        ...endAgent(names, event, { error: message }),
      ]
    }
    case 'step-cancelled':
      return isAgent(names, event.data.step) ? endAgent(names, event, { error: `cancelled: ${event.data.reason}` }) : []
    case 'step-skipped':
      return closePhase(names, event.data.step, false)
    case 'effect-intended':
      if (event.data.kind !== 'ask') return []
      return [
        named('user_input_required', { agent_name: event.data.step, ...promptOf(names.read(event.data.request)) }),
      ]
    case 'effect-done':
      if (event.data.source !== 'person') return []
      return [named('user_input_completed', { key: event.data.key, timestamp })]
    case 'run-finished':
      return [endExecution(names, event)]
    default:
      return []
  }
}

function openPhases(names: Names, agents: readonly { name: string; dependencies: readonly string[] }[]): void {
  const linked = agents.map((agent) => ({ id: agent.name, after: agent.dependencies.map((step) => ({ step })) }))
  names.phases = findPhases(linked).map((phase) => ({ agents: phase, started: false, left: phase.length, failed: 0 }))
  names.phases.forEach((phase, index) => {
    for (const name of phase.agents) names.phaseOf.set(name, index)
  })
}

function startPhase(names: Names, step: string): NamedEvent[] {
  const index = names.phaseOf.get(step)
  const phase = index === undefined ? undefined : names.phases[index]
  if (index === undefined || !phase || phase.started) return []
  phase.started = true
  const data = { phase_index: index, phase_agents: phase.agents, total_phases: names.phases.length }
  return [named('phase_started', data)]
}

/** Phases may overlap here, for a step starts as soon as its own dependencies have ended. */
function closePhase(names: Names, step: string, failed: boolean): NamedEvent[] {
  const index = names.phaseOf.get(step)
  const phase = index === undefined ? undefined : names.phases[index]
  if (index === undefined || !phase) return []
  phase.left -= 1
  if (failed) phase.failed += 1
  if (phase.left !== 0) return []
  const successful = phase.agents.filter((name) => statusOf(names, name) === 'succeeded').length
  return [named('phase_completed', { phase_index: index, successful_agents: successful, failed_agents: phase.failed })]
}

function endAgent(
  names: Names,
  event: Event & { readonly data: { readonly step: string } },
  more: JsonObject,
): NamedEvent[] {
  const { step } = event.data
  const started = names.report.progress.steps.get(step)?.started ?? event.at
  const data = { agent_name: step, timestamp: event.at / 1000, duration_ms: event.at - started, ...more }
  return [named('agent_completed', data), ...closePhase(names, step, 'error' in more)]
}

function changeModel(names: Names, event: Extract<Event, { type: 'step-routed' }>): NamedEvent[] {
  const fallback = readFallback(event.data.facts)
  if (!fallback) return []
  const { step } = event.data
  const failure_type = nameFailure(fallback.because ?? '')
  const error = fallback.because ?? ''
  const before = endFallback(names, step, named('agent_fallback_failed', { failure_type, error }))
  names.falling.add(step)
  const data = {
    agent_name: step,
    failure_type,
    original_error: error,
    original_model_profile: fallback.from ?? null,
    fallback_model_profile: fallback.to ?? null,
    fallback_model_name: fallback.model ?? null,
  }
  return [...before, named('agent_fallback_started', data)]
}

function endFallback(names: Names, step: string, ended: NamedEvent): NamedEvent[] {
  return names.falling.delete(step) ? [named(ended.type, { agent_name: step, ...ended.data })] : []
}

/** `failed` and `cancelled` runs end as `execution_failed`; all others carry their results. */
function endExecution(names: Names, event: Extract<Event, { type: 'run-finished' }>): NamedEvent {
  const report = finishReport(names.report, names.read)
  const { ensemble, results, metadata, status } = toExecution(report)
  if (status === 'failed' || status === 'cancelled') {
    const first = report.errors[0]
    const error = event.data.reason ?? (first ? `${first.agent}: ${first.message}` : `The run ${status}.`)
    return named('execution_failed', { ensemble, timestamp: event.at / 1000, error, status })
  }
  const duration = (report.duration_ms ?? 0) / 1000
  const outcome = { results: results as unknown as JsonObject, metadata, status }
  return named('execution_completed', { ensemble, timestamp: event.at / 1000, duration, ...outcome })
}

/** The older system's four kinds of failure. */
function nameFailure(code: string): string {
  if (code === 'provider_auth') return 'authentication_error'
  return code === 'model_not_found' || code === 'provider_unreachable' ? 'model_loading' : 'runtime_error'
}

function promptOf(request: Json | undefined): JsonObject {
  if (typeof request === 'string') return { prompt: request }
  const prompt = request !== null && typeof request === 'object' && 'prompt' in request ? request.prompt : undefined
  return typeof prompt === 'string' ? { prompt } : {}
}

function isAgent(names: Names, step: string): boolean {
  const known = names.report.progress.steps.get(step)
  return known?.kind !== 'condition' && known?.parent === undefined
}

function statusOf(names: Names, step: string): string | undefined {
  return names.report.progress.steps.get(step)?.status
}

function named(type: string, data: JsonObject): NamedEvent {
  return { type, data }
}
