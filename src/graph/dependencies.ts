import { isMap } from './report.ts'
import type { Edge } from './step-graph.ts'
import type { Path } from './yaml.ts'

export interface FoundDependency extends Edge {
  /** Where it stands, from the agent. */
  readonly path: Path
  /** A condition of the older notation that is more than success or failure. */
  readonly later?: 'condition' | 'max_executions' | 'requires_all'
}

/** Every well-formed dependency of an agent as written, in both words for it; the schema reports the others. */
export function findDependencies(agent: { readonly [key: string]: unknown }): FoundDependency[] {
  return ['depends_on', 'dependencies'].flatMap((key) => {
    const given = agent[key]
    if (typeof given === 'string') return [{ step: given, on: 'always' as const, path: [key] }]
    if (!Array.isArray(given)) return []
    return given.flatMap((entry: unknown, index) => {
      if (typeof entry === 'string') return [{ step: entry, on: 'always' as const, path: [key, index] }]
      const found = isMap(entry) ? readEntry(entry) : undefined
      return found ? [{ ...found, path: [key, index] }] : []
    })
  })
}

function readEntry(entry: { readonly [key: string]: unknown }): Omit<FoundDependency, 'path'> | undefined {
  const step = entry['step'] ?? entry['agent_name']
  if (typeof step !== 'string') return undefined
  const condition = entry['on'] ?? entry['condition'] ?? 'always'
  const later = !isEnd(condition)
    ? 'condition'
    : entry['max_executions'] !== undefined
      ? 'max_executions'
      : entry['requires_all'] === false
        ? 'requires_all'
        : undefined
  return { step, on: isEnd(condition) ? condition : 'always', ...(later ? { later } : {}) }
}

function isEnd(value: unknown): value is Edge['on'] {
  return value === 'always' || value === 'success' || value === 'failure'
}
