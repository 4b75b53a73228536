import type { Json } from '../events/values.ts'
import type { PlanMeans } from './plan-compile.ts'

/** Means with two models: `worker` for everything, `coder` for code. */
export const MEANS: PlanMeans = {
  max_tasks: 20,
  max_depth: 8,
  models: [
    { name: 'worker', candidates: [{ profile: 'worker', provider: 'scripted', model: 'small' }] },
    { name: 'coder', candidates: [{ profile: 'coder', provider: 'ollama', model: 'code' }] },
  ],
  capabilities: { coding: 'coder' },
  verify: { enabled: false, repair_limit: 1 },
  assemble: 'concatenate',
}

export function task(id: string, more: { readonly [key: string]: Json } = {}): { readonly [key: string]: Json } {
  return { id, description: `do ${id}`, ...more }
}

export function chain(...ids: readonly string[]): Json {
  return ids.slice(1).map((to, index) => ({ from: ids[index] ?? '', to }))
}
