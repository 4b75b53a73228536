import type { listBudgets } from '../../../app/operations/budgets.ts'
import { formatCost, formatCount } from '../../../events/views/amounts.ts'
import { renderTable } from '../render/table.ts'
import type { ResultOf, Show } from './page.ts'

export const showBudgets: Show<ResultOf<typeof listBudgets>> = ({ budgets }, page) => {
  if (budgets.length === 0)
    return { text: '', aside: 'No budget is shared by runs; set one under `budgets:` in config.yaml.' }
  const lost = budgets.some(({ gone }) => gone)
  const rows = budgets.map(({ title, limits, settled, reserved, calls, gone }) => [
    title,
    `${formatCost(settled.cost)}${ofLimit(limits.max_cost, formatCost)}`,
    `${formatCount(settled.tokens)}${ofLimit(limits.max_tokens, formatCount)}`,
    `${formatCount(calls)}${ofLimit(limits.max_calls, formatCount)}`,
    describeHeld(reserved),
    ...(lost ? [gone ? describeHeld(gone) : '-'] : []),
  ])
  const columns = lost ? [...COLUMNS, { title: 'by processes that are gone' }] : COLUMNS
  const table = renderTable(columns, rows, page)
  return lost ? { text: table, aside: GONE } : { text: table }
}

const COLUMNS = ['budget', 'spent', 'tokens', 'calls', 'held now'].map((title) => ({ title }))
const GONE =
  'What processes that are gone have held is charged as soon as the budget is needed: their calls may have been made.'

function describeHeld({ cost, tokens }: { readonly cost: number; readonly tokens: number }): string {
  return cost + tokens === 0 ? '-' : `${formatCost(cost)}, ${formatCount(tokens)} tokens`
}

function ofLimit(limit: number | undefined, format: (amount: number) => string): string {
  return limit === undefined ? '' : ` of ${format(limit)}`
}
