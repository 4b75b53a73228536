import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from './candidates.ts'
import { isMap } from './report.ts'
import type { StepGraph } from './step-graph.ts'

/** Every agent of the graph, at whatever depth, goes on with this model when a budget does not pay for its own. */
export function addCheaper(graph: StepGraph, cheaper: Candidate): StepGraph {
  const last: Candidate = { ...cheaper, only_for: 'budget' }
  return { ...graph, steps: graph.steps.map((step) => ({ ...step, spec: addTo(step.spec, last) as JsonObject })) }
}

/** Specs hold the specs of inner steps; what lists candidates asks models. */
function addTo(json: Json, last: Candidate): Json {
  if (Array.isArray(json)) return json.map((item: Json) => addTo(item, last))
  if (!isMap(json)) return json
  return Object.fromEntries(
    Object.entries(json as JsonObject).map(([key, value]) => [
      key,
      key === 'candidates' && isCandidates(value) ? [...value, last] : addTo(value as Json, last),
    ]),
  )
}

function isCandidates(value: Json | undefined): value is readonly Json[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => isMap(item) && 'provider' in item && 'model' in item)
  )
}
