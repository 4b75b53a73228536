import { addCheaper } from './cheaper.ts'
import type { Ensemble } from './ensemble.ts'
import type { CompiledEnsemble, Lookup } from './lookup.ts'
import { Report } from './report.ts'

/**
 * What an ensemble's own words on its budget mean where another one runs it. Its limits hold, and under `on_limit: cheaper` its agents
 * have the other model; the rest is a matter of the whole run, so that nobody takes it for granted it is said that it does not count.
 */
export function keepOwnBudget(
  made: CompiledEnsemble,
  { name, budget, place }: Ensemble,
  lookup: Lookup,
): CompiledEnsemble {
  if (!made.graph || !budget) return made
  const report = new Report(place, made.problems)
  const { on_limit, model, wrap_up, unpriced } = budget
  const warn = (key: string, value: string | number) =>
    report.add(
      ['budget', key],
      {
        code: 'unknown_key',
        severity: 'warning',
        message: `"${key}: ${value}" in the budget of "${name}" has no effect where another ensemble runs it`,
        hint: 'Its limits hold. Write it in the budget of the ensemble that is started.',
      },
      'key',
    )
  const cheaper = on_limit === 'cheaper' && model !== undefined ? lookup.budgetModel?.(model) : undefined
  if (on_limit === 'ask' || on_limit === 'finish' || (on_limit === 'cheaper' && !cheaper)) warn('on_limit', on_limit)
  if (cheaper && 'code' in cheaper) report.add(['budget', 'model'], cheaper)
  else if (model !== undefined && !cheaper) warn('model', model)
  if (wrap_up !== undefined) warn('wrap_up', wrap_up)
  if (unpriced !== undefined) warn('unpriced', unpriced)
  if (report.failed) return { problems: report.problems }
  const graph = cheaper && !('code' in cheaper) ? addCheaper(made.graph, cheaper) : made.graph
  return { graph, problems: report.problems }
}
