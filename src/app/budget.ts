import { OrcError } from '../events/errors.ts'
import type { RunLimits } from '../events/event.ts'
import type { BudgetLimits } from '../events/money.ts'
import { type Budget, hasLimits, joinBudgets, type LimitPolicy, readBudget } from '../graph/budget.ts'
import type { Candidate } from '../graph/candidates.ts'
import { addCheaper } from '../graph/cheaper.ts'
import { finishGracefully } from '../graph/graceful.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import type { App } from './app.ts'
import { makeCandidate } from './candidate.ts'

interface Order {
  readonly target: { readonly graph: StepGraph }
  readonly limits?: Partial<RunLimits>
  readonly budget?: Budget
}

/** The order with the graph and the limits that all budgets make of it: the caller's, the definition's, the settings'. */
export async function underBudget<T extends Order>(app: App, order: T): Promise<T> {
  const { budget: own, ...graph } = order.target.graph
  const settings = app.config.settings.budgets?.run
  const budgets = [order.budget, own, settings && readBudget(settings)].filter((budget) => budget !== undefined)
  const { timeout_ms, ...limits } = { ...settingsLimits(app), ...order.limits }
  const given: Budget = { limits: pickLimits(limits), ...(timeout_ms === undefined ? {} : { timeout_ms }) }
  const budget = budgets.reduceRight((joined, each) => joinBudgets(each, joined), given)
  const { on_limit = 'stop', unpriced } = budget
  return {
    ...order,
    target: { ...order.target, graph: await prepareGraph(app, graph, { budget, on_limit }) },
    limits: {
      ...limits,
      ...budget.limits,
      ...(budget.timeout_ms === undefined ? {} : { timeout_ms: budget.timeout_ms }),
      ...(on_limit === 'ask' ? { on_limit } : {}),
      ...(unpriced === 'allow' ? { unpriced } : {}),
    },
  }
}

/** A graph that a run asks for, with the model that its own budget names: to go on with, or for its last answer. */
export async function prepareDispatched(app: App, graph: StepGraph): Promise<StepGraph> {
  const { budget } = graph
  if (budget?.on_limit === 'cheaper') return addCheaper(graph, await findCheaper(app, budget))
  if (budget?.on_limit !== 'finish' || !hasLimits(budget.limits)) return graph
  const { wrap_up } = budget
  return {
    ...graph,
    finish: { candidates: [await findLast(app, budget)], ...(wrap_up === undefined ? {} : { wrap_up }) },
  }
}

function pickLimits({ max_cost, max_tokens, max_calls }: Partial<RunLimits>): BudgetLimits {
  return {
    ...(max_cost === undefined ? {} : { max_cost }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(max_calls === undefined ? {} : { max_calls }),
  }
}

/** The older knobs apply only when they are set. */
function settingsLimits(app: App): Partial<RunLimits> {
  const most = app.config.settings.performance?.concurrency?.max_concurrent_agents
  return most ? { max_concurrent: most } : {}
}

async function prepareGraph(
  app: App,
  graph: StepGraph,
  { budget, on_limit }: { readonly budget: Budget; readonly on_limit: LimitPolicy },
): Promise<StepGraph> {
  if (on_limit === 'cheaper') return addCheaper(graph, await findCheaper(app, budget))
  if (on_limit !== 'finish') return graph
  if (!hasLimits(budget.limits)) {
    const hint = 'Give max_cost, max_tokens or max_calls as well.'
    throw new OrcError({ code: 'bad_input', message: 'a run can finish gracefully only under a limit', hint })
  }
  return finishGracefully(graph, {
    limits: budget.limits,
    candidates: [await findLast(app, budget)],
    ...(budget.wrap_up === undefined ? {} : { wrap_up: budget.wrap_up }),
  })
}

/** Who writes the last answer. */
async function findLast(app: App, { model }: Budget): Promise<Candidate> {
  const { profile } = model === undefined ? await app.models.chooseDefault() : await app.models.findModel(model)
  return app.models.cards.compile((card) => makeCandidate(profile, card))
}

async function findCheaper(app: App, { model }: Budget): Promise<Candidate> {
  if (model === undefined) {
    const hint = 'Name the profile to go on with: budget.model, or --budget-model.'
    throw new OrcError({ code: 'bad_input', message: 'nobody says which model is the cheaper one', hint })
  }
  const { profile } = await app.models.findModel(model)
  return app.models.cards.compile((card) => makeCandidate(profile, card))
}
