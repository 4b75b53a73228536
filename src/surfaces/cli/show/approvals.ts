import type { listApprovals, ShownApproval, showApproval } from '../../../app/operations/approvals.ts'
import type { checkPolicy, explainPolicy } from '../../../app/operations/policy.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Page, type ResultOf, type Show, shortenTime } from './page.ts'

/** Longest arguments that are shown whole, in characters; of longer ones the person is told that something is missing. */
const WHOLE = 4_000

export const showApprovals: Show<ResultOf<typeof listApprovals>> = ({ approvals }, page) => {
  if (approvals.length === 0) return { text: '', aside: 'Nothing waits for a word.' }
  const rows = approvals.map((each) => [
    each.run,
    cleanLine(each.key),
    cleanLine(String(each.grant['tool'] ?? '')),
    describeStatus(each),
    shortenTime(each.asked),
  ])
  const columns = ['run', 'what asks', 'tool', 'status', 'since (UTC)'].map((title) => ({ title }))
  const first = approvals.find(({ status }) => status === 'asked')
  const aside = first && `See it whole: llm-orc approvals show ${first.run} ${cleanLine(first.key)}`
  return { text: renderTable(columns, rows, page), ...(aside ? { aside } : {}) }
}

export const showOneApproval: Show<ResultOf<typeof showApproval>> = (approval, page) => ({
  text: describeApproval(approval, page),
})

/** Everything a person needs to say yes or no: no control characters, nothing hidden behind length. */
export function describeApproval(approval: ShownApproval, { style }: Page): string {
  const { run, key, grant, request, expires, digest } = approval
  const args = argumentsOf(request)
  const lines = Object.entries(args).flatMap(([name, value]) => showValue(name, value))
  const text = lines.join('\n')
  const cut = text.length > WHOLE
  const shown = cut ? text.slice(0, WHOLE) : text
  return joinBlocks(
    `${style.paint('bold', cleanLine(String(grant['tool'] ?? grant['kind'] ?? 'an effect')))}  ${cleanLine(String(grant['version'] ?? ''))}  wants to run in ${cleanLine(run)} (${cleanLine(key)})`,
    request === undefined ? 'Its content is not here any more.' : shown,
    cut ? style.paint('yellow', `TRUNCATED: ${text.length - WHOLE} characters more; see them with --output json`) : '',
    [
      `safety  ${cleanLine(String(grant['safety'] ?? ''))}`,
      ...(expires === undefined ? [] : [`expires  ${expires}`]),
      style.paint('dim', `request ${digest}`),
    ].join('\n'),
    describeStatus(approval) === 'asked' ? '' : `It is ${describeStatus(approval)}.`,
  )
}

function argumentsOf(request: unknown): { readonly [name: string]: unknown } {
  if (typeof request !== 'object' || request === null) return { request }
  if ('arguments' in request && typeof request.arguments === 'object' && request.arguments !== null)
    return request.arguments as { readonly [name: string]: unknown }
  return request as { readonly [name: string]: unknown }
}

/** Each line of a text on its own line, so that none can pretend to be ours. */
function showValue(name: string, value: unknown): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const lines = text.split('\n').map(cleanLine)
  return lines.length === 1
    ? [`${cleanLine(name)}: ${lines[0]}`]
    : [`${cleanLine(name)}:`, ...lines.map((line) => `  | ${line}`)]
}

function describeStatus({ status, by, reason }: ShownApproval): string {
  const words = status === 'denied' ? [`denied by ${by}`, reason].filter(Boolean).join(': ') : status
  return cleanLine(words)
}

export const showDecision: Show<ResultOf<typeof checkPolicy>> = ({ tool, decision, reason }, { style }) => {
  const colour = decision === 'allow' ? 'green' : decision === 'deny' ? 'red' : 'yellow'
  return { text: `${style.paint(colour, decision)}  ${cleanLine(tool)}: ${cleanLine(reason)}` }
}

export const showExplanation: Show<ResultOf<typeof explainPolicy>> = (result, page) => {
  const { call, levels } = result
  const facts = [
    `call    ${cleanLine(call.name)}  ${cleanLine(call.argument)}`,
    ...(call.paths.length > 0 ? [`paths   ${call.paths.map(cleanLine).join(', ')}`] : []),
    ...(call.hosts.length > 0 ? [`hosts   ${call.hosts.map(cleanLine).join(', ')}`] : []),
  ]
  const rules = levels.map(({ level, may_allow, rules: each }) =>
    [`${level}${may_allow ? '' : ' (may only narrow)'}`, ...each.map((rule) => `  ${cleanLine(rule)}`)].join('\n'),
  )
  return { text: joinBlocks(showDecision(result, page).text, facts.join('\n'), ...rules) }
}
