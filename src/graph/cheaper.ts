import type { Json, JsonObject } from '../events/values.ts'
import type { Candidate } from './candidates.ts'
import { isMap } from './report.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'

/** Where specs list models in the order they are asked. */
const MODELS = new Set(['candidates', 'planner', 'voters'])

/** Every agent of the graph, at whatever depth, goes on with this model when a budget does not pay for its own. */
export function addCheaper(graph: StepGraph, cheaper: Candidate): StepGraph {
  const last: Candidate = { ...cheaper, only_for: 'budget' }
  return {
    ...graph,
    steps: graph.steps.map((step) => addTo(step as unknown as JsonObject, last) as unknown as GraphStep),
  }
}

/** Specs hold the specs of inner steps; what lists candidates asks models. What is dispatched is known only when it runs. */
function addTo(json: Json, last: Candidate): Json {
  if (Array.isArray(json)) return json.map((item: Json) => addTo(item, last))
  if (!isMap(json)) return json
  if (json['kind'] === 'dispatch' && isMap(json['spec']))
    return { ...json, spec: { ...json['spec'], cheaper: last } } as unknown as JsonObject
  return Object.fromEntries(
    Object.entries(json as JsonObject).map(([key, value]) => [
      key,
      MODELS.has(key) ? addToModels(value as Json, last) : addTo(value as Json, last),
    ]),
  )
}

/** One row of models, or one for each voter. */
function addToModels(json: Json, last: Candidate): Json {
  if (isCandidates(json)) return [...json, last]
  return Array.isArray(json) ? json.map((each: Json) => addToModels(each, last)) : addTo(json, last)
}

function isCandidates(value: Json | undefined): value is readonly Json[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => isMap(item) && 'provider' in item && 'model' in item)
  )
}
