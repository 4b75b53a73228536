import { describeCost, describeTokens, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { describeCourseOf, describeReason } from '../../../events/views/course-words.ts'
import { arrangeFamilies, type Kin } from '../../../events/views/family.ts'
import { describeRecovery } from '../../../events/views/recovery.ts'
import { shortenPartial } from '../../../events/views/route.ts'
import type { AgentReport, RunReport } from '../../../events/views/run-report.ts'
import { describeCounts, showOutput } from '../../../events/views/run-report.ts'
import type { Spent } from '../../../events/views/usage.ts'
import { renderChildren } from './children.ts'
import { renderMarkdown } from './markdown.ts'
import type { Style } from './style.ts'
import { fit, measure } from './width.ts'

export interface Page {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
}

/**
 * The whole result for a person at a terminal: each agent's output with the steps below it, then what it all took. Ends with a
 * newline.
 */
export function renderRich(report: RunReport, page: Page): string {
  const agents = splitFamilies(arrangeFamilies(report.agents)).map((family) => renderFamily(family, page))
  return `${[...agents, renderSummary(report, page)].join('\n\n')}\n`
}

/** Each agent of the graph with all that is below it. */
function splitFamilies(arranged: readonly Kin<AgentReport>[]): Kin<AgentReport>[][] {
  const families: Kin<AgentReport>[][] = []
  for (const kin of arranged) {
    if (kin.depth === 0) families.push([kin])
    else families.at(-1)?.push(kin)
  }
  return families
}

function renderFamily([head, ...below]: readonly Kin<AgentReport>[], page: Page): string {
  if (!head) return ''
  const children = renderChildren(below, page)
  const agent = renderAgent(head.agent, page)
  return children.length === 0 ? agent : `${agent}\n${page.style.paint('dim', children.join('\n'))}`
}

function renderAgent(agent: AgentReport, page: Page): string {
  const parts = [renderHeading(agent, page)]
  const body = renderBody(agent, page.style)
  if (body !== '') parts.push(body)
  for (const { from, to, because, partial } of agent.fallbacks) {
    const reason = because === undefined ? '' : ` (${because})`
    const said = partial === undefined ? '' : `; it had said: ${shortenPartial(partial)}`
    parts.push(
      page.style.paint(
        'yellow',
        cleanLine(`fell back from ${from ?? 'its model'} to ${to ?? 'another'}${reason}${said}`),
      ),
    )
  }
  for (const line of describeCourseOf(agent)) parts.push(page.style.paint('dim', cleanLine(line)))
  const footer = renderFooter(agent)
  if (footer !== '') parts.push(page.style.paint('dim', footer))
  return parts.join('\n')
}

function renderHeading(agent: AgentReport, { style, width }: Page): string {
  const title = fit(`${symbolOf(agent.status, style)} ${cleanLine(agent.name)}`, width, style.symbols.cut)
  const rule = style.symbols.rule.repeat(Math.max(0, Math.min(width, 80) - measure(title) - 1))
  return style.paint(['bold', colorOf(agent.status)], title) + (rule === '' ? '' : ` ${style.paint('dim', rule)}`)
}

function renderBody(agent: AgentReport, style: Style): string {
  const { output } = agent
  const said =
    output === undefined
      ? ''
      : typeof output === 'string'
        ? renderMarkdown(cleanText(output).trimEnd(), style)
        : cleanText(showOutput(output))
  if (agent.status === 'failed' || agent.status === 'retrying') {
    const message = `${cleanLine(agent.code ?? 'failed')}: ${cleanText(agent.message ?? 'The step failed.')}`
    return [style.paint('red', message), ...(said === '' ? [] : [said])].join('\n')
  }
  if (said !== '') return said
  if (agent.output_withheld !== undefined) return style.paint('dim', `(${agent.output_withheld} bytes, not at hand)`)
  const reason = describeReason(agent)
  if (reason !== undefined) return style.paint('dim', `(${agent.status}: ${cleanLine(reason)})`)
  return agent.status === 'succeeded' ? style.paint('dim', '(empty)') : ''
}

function renderFooter(agent: AgentReport): string {
  const model = [agent.provider, agent.model].filter((part) => part !== undefined).join('/')
  return [
    model === '' ? '' : cleanLine(model) + (agent.profile === undefined ? '' : ` (${cleanLine(agent.profile)})`),
    agent.duration_ms === undefined ? '' : formatDuration(agent.duration_ms),
    ...describeSpent(agent.family_usage ?? agent.usage),
    agent.attempts > 1 ? `attempt ${agent.attempts}` : '',
  ]
    .filter((part) => part !== '')
    .join('  ')
}

function renderSummary(report: RunReport, { style }: Page): string {
  const { totals } = report
  const facts = [
    ...describeCounts(totals),
    ...(totals.inner ? [`inside: ${describeCounts(totals.inner).join(', ')}`] : []),
    ...(report.duration_ms === undefined ? [] : [formatDuration(report.duration_ms)]),
    ...describeSpent(totals.usage),
    `run ${cleanLine(report.run)}`,
  ]
  const reason = report.reason === undefined ? '' : ` (${cleanLine(report.reason)})`
  const lines = [`${style.paint('bold', `${report.status}${reason}`)}  ${style.paint('dim', facts.join('  '))}`]
  for (const error of report.errors) {
    lines.push(`${style.paint('red', cleanLine(`${error.agent}: ${error.code}`))}  ${cleanLine(error.message)}`)
    if (error.detail !== undefined) lines.push(`   ${cleanText(error.detail).trimEnd().replaceAll('\n', '\n   ')}`)
    if (error.hint !== undefined) lines.push(style.paint('dim', `   ${cleanLine(error.hint)}`))
  }
  // Other models are told where they answered.
  for (const each of report.recoveries ?? [])
    if (each.action !== 'fallback') lines.push(style.paint('dim', cleanLine(describeRecovery(each))))
  for (const { key, code } of report.unknown) {
    const what =
      code === undefined
        ? `nobody knows whether ${cleanLine(key)} happened; please look and tell`
        : `${cleanLine(key)} failed and may have happened all the same; it was not done again`
    lines.push(style.paint('yellow', what))
  }
  return lines.join('\n')
}

function describeSpent(spent: Spent): string[] {
  if (spent.calls === 0 && spent.cached_calls === 0 && spent.cost === undefined) return []
  const tokens = describeTokens(spent)
  const cost = describeCost(spent)
  return [
    tokens === '-' ? '' : tokens === 'unknown' ? 'tokens unknown' : `${tokens} tokens`,
    cost === '-' ? '' : cost === 'unknown' ? 'cost unknown' : cost,
    spent.cached_calls > 0 ? `${spent.cached_calls} from the cache` : '',
  ].filter((part) => part !== '')
}

export function symbolOf(status: AgentReport['status'], style: Style): string {
  return status === 'running' ? (style.symbols.spinner[0] ?? '') : style.symbols[status]
}

export function colorOf(status: AgentReport['status']): 'green' | 'red' | 'yellow' | 'gray' | 'cyan' {
  switch (status) {
    case 'succeeded':
      return 'green'
    case 'failed':
      return 'red'
    case 'retrying':
      return 'yellow'
    case 'running':
      return 'cyan'
    default:
      return 'gray'
  }
}
