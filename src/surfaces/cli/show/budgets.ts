import type { listBudgets } from '../../../app/operations/budgets.ts'
import { formatCost, formatCount } from '../../../events/views/amounts.ts'
import { renderTable } from '../render/table.ts'
import type { ResultOf, Show } from './page.ts'

export const showBudgets: Show<ResultOf<typeof listBudgets>> = ({ budgets }, page) => {
  if (budgets.length === 0)
    return { text: '', aside: 'No budget is shared by runs; set one under `budgets:` in config.yaml.' }
  const rows = budgets.map(({ title, limits, settled, reserved, calls }) => [
    title,
    `${formatCost(settled.cost)}${ofLimit(limits.max_cost, formatCost)}`,
    `${formatCount(settled.tokens)}${ofLimit(limits.max_tokens, formatCount)}`,
    `${formatCount(calls)}${ofLimit(limits.max_calls, formatCount)}`,
    reserved.cost + reserved.tokens === 0
      ? '-'
      : `${formatCost(reserved.cost)}, ${formatCount(reserved.tokens)} tokens`,
  ])
  return { text: renderTable(COLUMNS, rows, page) }
}

const COLUMNS = ['budget', 'spent', 'tokens', 'calls', 'held now'].map((title) => ({ title }))

function ofLimit(limit: number | undefined, format: (amount: number) => string): string {
  return limit === undefined ? '' : ` of ${format(limit)}`
}
