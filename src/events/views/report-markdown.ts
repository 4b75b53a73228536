import { describeCost, describeTokens, formatDuration } from './amounts.ts'
import { describeCourseOf, describeReason } from './course-words.ts'
import { arrangeFamilies, type Kin } from './family.ts'
import { drawTable, escapeInline, fence } from './markdown-text.ts'
import { describeRecovery } from './recovery.ts'
import { drawMermaid, drawTree } from './report-graph.ts'
import { shortenPartial } from './route.ts'
import type { AgentReport, RunReport } from './run-report.ts'
import { describeCounts, describeDoubt, showOutput } from './run-report.ts'
import type { Spent } from './usage.ts'

/** Above this a picture helps nobody. */
const LARGEST_DRAWING = 60

/**
 * The report as Markdown. Everything a user, model or tool wrote is fenced or escaped, so it cannot become markup, a
 * link, an image or HTML; control characters are gone.
 */
export function reportToMarkdown(report: RunReport): string {
  const parts = [
    `# ${escapeInline(report.target.name)}`,
    drawSummary(report),
    ...drawProblems(report),
    ...drawInput(report),
    '## Agents',
    drawAgents(arrangeFamilies(report.agents)),
    ...drawGraph(report),
    '## Outputs',
    ...arrangeFamilies(report.agents).flatMap(drawOutput),
  ]
  return `${parts.join('\n\n')}\n`
}

function drawSummary(report: RunReport): string {
  const { totals } = report
  const steps = describeCounts(totals)
  const inner = totals.inner ? describeCounts(totals.inner) : []
  const rows = [
    ['Status', `**${report.status}**${report.reason === undefined ? '' : ` (${escapeInline(report.reason)})`}`],
    ['Started', report.started ?? '-'],
    ['Time', report.duration_ms === undefined ? '-' : formatDuration(report.duration_ms)],
    ['Agents', steps.length > 0 ? steps.join(', ') : 'none'],
    ...(inner.length > 0 ? [['Steps inside', inner.join(', ')]] : []),
    ['Model calls', String(totals.usage.calls)],
    ...(totals.usage.cached_calls > 0 ? [['From the cache', String(totals.usage.cached_calls)]] : []),
    ['Tokens', describeTokens(totals.usage)],
    ['Cost', describeCost(totals.usage)],
    ...(report.recoveries
      ? [['Failures', report.recoveries.map((each) => escapeInline(describeRecovery(each))).join('; ')]]
      : []),
    ['Run', escapeInline(report.run)],
  ]
  return drawTable(['', ''], rows)
}

function drawProblems(report: RunReport): string[] {
  const errors = report.errors.flatMap((error) => [
    `### ${escapeInline(error.agent)}: ${escapeInline(error.code)}`,
    fence(error.detail === undefined ? error.message : `${error.message}\n\n${error.detail}`, 'text'),
    ...(error.hint === undefined ? [] : [`*${escapeInline(error.hint)}*`]),
  ])
  const unknown = report.unknown.map((effect) => `- ${escapeInline(`${effect.key}${describeDoubt(effect)}`)}`)
  return [
    ...(errors.length > 0 ? ['## Errors', ...errors] : []),
    ...(unknown.length > 0 ? ['## Effects that may or may not have happened', unknown.join('\n')] : []),
  ]
}

function drawInput(report: RunReport): string[] {
  if (report.input_withheld !== undefined) return ['## Input', withheld(report.input_withheld)]
  if (report.input === undefined || report.input === null || report.input === '') return []
  return ['## Input', fence(showOutput(report.input), typeof report.input === 'string' ? 'text' : 'json')]
}

function drawAgents(family: readonly Kin<AgentReport>[]): string {
  if (family.length === 0) return 'None.'
  const rows = family.map(({ agent, depth }) => [
    // children stand below their parents, marked so that the eye finds the agents of the graph
    `${'- '.repeat(depth)}${escapeInline(agent.name)}`,
    agent.attempts > 1 ? `${agent.status} (attempt ${agent.attempts})` : agent.status,
    agent.duration_ms === undefined ? '-' : formatDuration(agent.duration_ms),
    describeModel(agent),
    describeTokens(agent.family_usage ?? agent.usage),
    describePrice(agent.family_usage ?? agent.usage),
  ])
  return drawTable(['Agent', 'Status', 'Time', 'Model', 'Tokens', 'Cost'], rows)
}

/** What came from the cache has no price; that is said where nothing else has one. */
function describePrice(spent: Spent): string {
  const cost = describeCost(spent)
  return cost === '-' && spent.cached_calls > 0 ? 'from the cache' : cost
}

function drawGraph(report: RunReport): string[] {
  if (report.agents.length < 2 || report.agents.length > LARGEST_DRAWING) return []
  return ['## Graph', fence(drawMermaid(report.agents), 'mermaid'), fence(drawTree(report.agents), 'text')]
}

function drawOutput({ agent, depth }: Kin<AgentReport>): string[] {
  const heading = `${depth === 0 ? '###' : '####'} ${escapeInline(agent.name)}`
  const course = describeCourseOf(agent).map((line) => `- ${escapeInline(line)}`)
  const reason = describeReason(agent)
  const fallbacks = agent.fallbacks.map(
    ({ from, to, because, partial }) =>
      `- fell back from ${escapeInline(from ?? 'its model')} to ${escapeInline(to ?? 'another')}` +
      (because === undefined ? '' : ` because of ${escapeInline(because)}`) +
      (partial === undefined ? '' : `; it had said: ${escapeInline(shortenPartial(partial))}`),
  )
  const body =
    agent.output_withheld !== undefined
      ? withheld(agent.output_withheld)
      : agent.output === undefined
        ? `No output: ${agent.status}${reason === undefined ? '' : ` (${escapeInline(reason)})`}.`
        : fence(showOutput(agent.output), typeof agent.output === 'string' ? 'text' : 'json')
  const list = [...fallbacks, ...course]
  return [heading, ...(list.length > 0 ? [list.join('\n')] : []), body]
}

function describeModel(agent: AgentReport): string {
  const model = [agent.provider, agent.model].filter((part) => part !== undefined).map(escapeInline)
  const profile = agent.profile === undefined ? '' : ` (${escapeInline(agent.profile)})`
  return model.length > 0 ? `${model.join(' / ')}${profile}` : escapeInline(agent.kind)
}

function withheld(bytes: number): string {
  return `The content (${bytes} bytes) is not at hand.`
}
