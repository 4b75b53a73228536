import type { Json, JsonObject } from '../values.ts'
import type { AgentReport, RunReport } from './run-report.ts'
import type { Spent } from './usage.ts'

/** A run in the words of `execution.json`: how LLM Orchestra's command line stored it. Unknown amounts are null. */
export interface Execution {
  readonly ensemble: string
  readonly status: ExecutionStatus
  readonly input: { readonly data: Json }
  readonly results: { readonly [agent: string]: ExecutionResult }
  readonly synthesis: null
  readonly metadata: JsonObject
  readonly execution_order: readonly string[]
}

export type ExecutionStatus = 'running' | 'completed' | 'completed_with_errors' | 'failed' | 'cancelled'

export interface ExecutionResult {
  /** Text; a script's JSON as a JSON string. */
  readonly response: string | null
  readonly status: 'success' | 'failed' | 'skipped'
  readonly error?: string
}

/** Steps added under way are part of their parents here; the report has them all. */
export function toExecution(report: RunReport): Execution {
  const agents = report.agents.filter((agent) => agent.parent === undefined)
  return {
    ensemble: report.target.name,
    status: toExecutionStatus(report),
    input: { data: report.input ?? null },
    results: Object.fromEntries(agents.map((agent) => [agent.name, toResult(agent)])),
    synthesis: null,
    metadata: toMetadata(report, agents),
    execution_order: agents.map((agent) => agent.name),
  }
}

function toExecutionStatus(report: Pick<RunReport, 'status' | 'totals'>): ExecutionStatus {
  switch (report.status) {
    case 'succeeded':
      return 'completed'
    case 'partial':
      return 'completed_with_errors'
    case 'exhausted':
      return report.totals.succeeded > 0 ? 'completed_with_errors' : 'failed'
    case 'failed':
    case 'cancelled':
      return report.status
    default:
      return 'running'
  }
}

function toResult(agent: AgentReport): ExecutionResult {
  const { output } = agent
  const response = output === undefined ? null : typeof output === 'string' ? output : JSON.stringify(output)
  switch (agent.status) {
    case 'succeeded':
      return { response, status: 'success' }
    case 'failed':
      return { response, status: 'failed', error: agent.message ?? agent.code ?? 'The step failed.' }
    case 'cancelled':
      return agent.attempts === 0
        ? { response, status: 'skipped' }
        : { response, status: 'failed', error: `Cancelled${agent.reason === undefined ? '' : `: ${agent.reason}`}.` }
    default:
      return { response, status: 'skipped' }
  }
}

function toMetadata(report: RunReport, agents: readonly AgentReport[]): JsonObject {
  const used = agents.filter((agent) => agent.attempts > 0)
  return {
    agents_used: used.length,
    started_at: report.started ?? null,
    completed_at: report.ended ?? null,
    duration: `${((report.duration_ms ?? 0) / 1000).toFixed(2)}s`,
    usage: {
      agents: Object.fromEntries(
        used.map((agent) => [
          agent.name,
          {
            ...amountsOf(agent.family_usage ?? agent.usage, ''),
            duration_ms: agent.duration_ms ?? null,
            model: agent.model ?? null,
            model_profile: agent.profile ?? null,
          },
        ]),
      ),
      totals: {
        ...amountsOf(report.totals.usage, 'total_'),
        total_duration_ms: report.duration_ms ?? null,
        agents_count: used.length,
      },
    },
  }
}

function amountsOf(spent: Spent, prefix: '' | 'total_'): JsonObject {
  const told = spent.input !== undefined || spent.output !== undefined
  return {
    [`${prefix}input_tokens`]: spent.input ?? null,
    [`${prefix}output_tokens`]: spent.output ?? null,
    total_tokens: told ? (spent.input ?? 0) + (spent.output ?? 0) : null,
    [`${prefix}cost_usd`]: spent.cost === undefined ? null : spent.cost / 1e9,
  }
}
