import { OrcError } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'

/** One agent's part of a stored execution. */
export interface ArtifactResult {
  readonly agent: string
  readonly status: 'success' | 'failed' | 'skipped'
  /** The stored text; a script's JSON is a JSON string. */
  readonly response: string | null
  readonly error?: string
}

/** A stored execution, whichever program version wrote it. */
export interface Artifact {
  readonly ensemble: string
  readonly status: string
  readonly input: Json
  /** ISO 8601, as stored. */
  readonly timestamp?: string
  readonly duration_ms?: number
  readonly results: readonly ArtifactResult[]
  readonly synthesis: Json
  readonly usage?: JsonObject
  /** The run's id and full report; only in artifacts of this program. */
  readonly run?: string
  readonly report?: JsonObject
}

/** Reads `execution.json` in the command line's shape, the MCP shape, or ours. Throws `artifact_unreadable`. */
export function readArtifact(text: string, file?: string): Artifact {
  let stored: unknown
  try {
    stored = JSON.parse(text)
  } catch {
    throw unreadable('the artifact is not JSON', file)
  }
  if (!isObject(stored)) throw unreadable('the artifact is not a JSON object', file)
  const ensemble = asText(stored.ensemble) ?? asText(stored.ensemble_name)
  if (ensemble === undefined) throw unreadable('the artifact names no ensemble', file)
  const metadata = isObject(stored.metadata) ? stored.metadata : {}
  const results = readResults(stored)
  return {
    ensemble,
    status: asText(stored.status) ?? 'unknown',
    input: (isObject(stored.input) && 'data' in stored.input ? stored.input.data : stored.input) ?? null,
    ...optional('timestamp', asText(metadata.started_at) ?? asText(stored.timestamp)),
    ...optional('duration_ms', readDuration(stored, metadata)),
    results,
    synthesis: stored.synthesis ?? null,
    ...optional('usage', isObject(metadata.usage) ? metadata.usage : undefined),
    ...optional('run', asText(stored.run)),
    ...optional('report', isObject(stored.report) ? stored.report : undefined),
  }
}

/** The line that lists show. */
export function summarizeArtifact(artifact: Artifact): {
  readonly timestamp: string | null
  readonly status: string
  readonly duration_ms: number | null
  readonly agent_count: number
} {
  return {
    timestamp: artifact.timestamp ?? null,
    status: artifact.status,
    duration_ms: artifact.duration_ms ?? null,
    agent_count: artifact.results.length,
  }
}

/** `results` by agent holds the responses; the MCP shape's `agents` list stands in where there is no such map. */
function readResults(stored: JsonObject): ArtifactResult[] {
  const map = isObject(stored.results) ? Object.entries(stored.results) : []
  if (map.length > 0) {
    const order = Array.isArray(stored.execution_order) ? stored.execution_order.map(String) : []
    const rank = new Map(order.map((agent, index) => [agent, index]))
    return map
      .map(([agent, result]) => readResult(agent, isObject(result) ? result : { response: result }))
      .sort((a, b) => (rank.get(a.agent) ?? order.length) - (rank.get(b.agent) ?? order.length))
  }
  const agents = Array.isArray(stored.agents) ? (stored.agents as readonly Json[]) : []
  return agents.filter(isObject).map((agent, index) => {
    const result = isObject(agent.result) ? agent.result : { response: agent.result ?? null }
    return readResult(asText(agent.name) ?? `agent ${index + 1}`, {
      ...result,
      status: agent.status ?? result.status ?? null,
    })
  })
}

function readResult(agent: string, result: JsonObject): ArtifactResult {
  const response = result.response ?? result.result ?? null
  const error = asText(result.error)
  return {
    agent,
    status: readStatus(asText(result.status), error),
    response: response === null || typeof response === 'string' ? response : JSON.stringify(response),
    ...optional('error', error),
  }
}

/** The MCP shape says `completed` where the other says `success`. */
function readStatus(status: string | undefined, error: string | undefined): ArtifactResult['status'] {
  if (status === 'success' || status === 'completed') return 'success'
  if (status === 'skipped') return 'skipped'
  return status === undefined && error === undefined ? 'success' : 'failed'
}

function readDuration(stored: JsonObject, metadata: JsonObject): number | undefined {
  if (typeof stored.total_duration_ms === 'number') return stored.total_duration_ms
  const seconds = /^\s*([0-9]+(?:\.[0-9]+)?)\s*s?\s*$/.exec(String(metadata.duration ?? ''))?.[1]
  return seconds === undefined ? undefined : Math.round(Number(seconds) * 1000)
}

function unreadable(message: string, file: string | undefined): OrcError {
  return new OrcError({ code: 'artifact_unreadable', message, ...(file === undefined ? {} : { file }) })
}

function isObject(json: unknown): json is JsonObject {
  return json !== null && typeof json === 'object' && !Array.isArray(json)
}

function asText(json: Json | undefined): string | undefined {
  return typeof json === 'string' && json !== '' ? json : undefined
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
