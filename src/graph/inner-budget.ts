import { hasLimits } from './budget.ts'
import type { Candidate } from './candidates.ts'
import { addCheaper } from './cheaper.ts'
import type { Ensemble } from './ensemble.ts'
import type { CompiledEnsemble, Lookup } from './lookup.ts'
import { Report } from './report.ts'
import type { StepGraph } from './step-graph.ts'

/**
 * What an ensemble's own words on its budget mean where another one runs it: the same as where it is started, as far as its own limits go.
 * What says nothing there is named, so that nobody takes it for granted.
 */
export function keepOwnBudget(
  made: CompiledEnsemble,
  { name, budget, place }: Ensemble,
  lookup: Lookup,
): CompiledEnsemble {
  const { graph } = made
  if (!graph?.budget || !budget) return made
  const report = new Report(place, made.problems)
  const { on_limit, model, wrap_up, unpriced } = budget
  const limited = hasLimits(graph.budget.limits)
  const warn = (key: 'on_limit' | 'model' | 'wrap_up' | 'unpriced', hint: string) => {
    const message = `"${key}: ${budget[key]}" in the budget of "${name}" has no effect where another ensemble runs it`
    report.add(['budget', key], { code: 'unknown_key', severity: 'warning', message, hint }, 'key')
  }
  const policy = limited || on_limit === 'cheaper' ? on_limit : undefined
  if (on_limit !== undefined && on_limit !== 'stop' && policy === undefined)
    warn('on_limit', 'Give max_cost, max_tokens or max_calls as well.')
  const asked = policy === 'finish' || (policy === 'cheaper' && model !== undefined)
  const found = asked ? lookup.budgetModel?.(model) : undefined
  if (policy === 'cheaper' && !found) warn('on_limit', 'Name the profile to go on with: budget.model.')
  if (found && 'code' in found) report.add(['budget', model === undefined ? 'on_limit' : 'model'], found)
  else if (model !== undefined && on_limit !== 'cheaper' && on_limit !== 'finish')
    warn('model', 'Only `cheaper` and `finish` take another model.')
  if (wrap_up !== undefined && on_limit !== 'finish') warn('wrap_up', 'It is kept back under `on_limit: finish`.')
  if (unpriced === 'allow' && budget.max_cost === undefined) warn('unpriced', 'It is about its own max_cost.')
  if (report.failed) return { problems: report.problems }
  const candidates = found && !('code' in found) ? [found] : []
  if (policy === 'finish') return { graph: withFinish(graph, candidates, wrap_up), problems: report.problems }
  const [cheaper] = candidates
  return { graph: cheaper ? addCheaper(graph, cheaper) : graph, problems: report.problems }
}

function withFinish(graph: StepGraph, candidates: readonly Candidate[], wrap_up: number | undefined): StepGraph {
  return { ...graph, finish: { candidates, ...(wrap_up === undefined ? {} : { wrap_up }) } }
}
