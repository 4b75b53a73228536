import type { ShownApproval } from '../../../app/approvals.ts'
import { formatCost, formatCount } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { joinBlocks, type Page } from './page.ts'

/** A run has used up its budget and waits; a yes raises it. */
export function describeBudgetQuestion(
  { run, request, grant, status, digest }: ShownApproval,
  { style }: Page,
): string {
  const ofStep = typeof grant['step'] === 'string' ? `${cleanLine(grant['step'])} in ` : ''
  const { spent } = (request ?? {}) as { readonly spent?: Amounts }
  return joinBlocks(
    `${style.paint('bold', 'The budget')} of ${ofStep}${cleanLine(run)} is used up, and calls wait for more.`,
    [
      ...(spent ? [`spent      ${describeAmounts(spent)}`] : []),
      `a yes adds ${describeAmounts(grant['raise'] as Amounts)}`,
      style.paint('dim', `request    ${digest}`),
    ].join('\n'),
    status === 'asked' ? '' : `It is ${status}.`,
  )
}

interface Amounts {
  readonly cost?: number
  readonly tokens?: number
  readonly calls?: number
  readonly max_cost?: number
  readonly max_tokens?: number
  readonly max_calls?: number
}

function describeAmounts({
  cost,
  tokens,
  calls,
  max_cost = cost,
  max_tokens = tokens,
  max_calls = calls,
}: Amounts): string {
  return [
    max_cost === undefined ? '' : formatCost(max_cost),
    max_tokens === undefined ? '' : `${formatCount(max_tokens)} tokens`,
    max_calls === undefined ? '' : `${formatCount(max_calls)} calls`,
  ]
    .filter((part) => part !== '')
    .join(', ')
}
