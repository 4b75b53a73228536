import type { UsageLine, UsageReport } from '../../../app/usage.ts'
import { describeCost, formatCost, formatCount, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import type { Column } from '../render/table.ts'
import { renderTable } from '../render/table.ts'
import type { Show } from './page.ts'

const right = (title: string): Column => ({ title, align: 'right' })

export const showUsage: Show<UsageReport> = ({ by, lines, total, unreadable }, page) => {
  const aside = [
    ...(total.estimated === undefined
      ? []
      : [
          `estimated: ${formatCost(total.estimated)} was charged as it had been reserved, because nobody told the price.`,
        ]),
    ...(total.unpriced > 0
      ? [`At least, because the price of ${formatCount(total.unpriced)} calls is not known.`]
      : []),
    ...(unreadable.length > 0 ? [`These runs cannot be read: ${unreadable.map(cleanLine).join(', ')}`] : []),
  ].join('\n')
  if (lines.length === 0)
    return { text: '', aside: ['Nothing was spent in this time.', aside].filter(Boolean).join('\n') }
  const course = by === 'ensemble'
  const columns = [
    { title: by },
    ...(course || by === 'day' ? [right('runs')] : []),
    ...(course ? [right('succeeded'), right('mean cost'), right('mean time')] : []),
    ...['calls', 'failed', 'cached', 'tokens in', 'from cache', 'out', 'cost'].map(right),
  ]
  const sums: readonly UsageLine[] = [...lines, { key: 'total', ...total }]
  const rows = sums.map((line) => [
    line.key,
    ...(course || by === 'day' ? [formatCount(line.runs ?? 0)] : []),
    ...(course ? describeCourse(line) : []),
    formatCount(line.calls),
    formatCount(line.failed_calls),
    formatCount(line.cached_calls),
    formatTokens(line.input),
    formatTokens(line.cached),
    formatTokens(line.output),
    `${describeCost(line)}${line.estimated === undefined ? '' : ' (estimated)'}`,
  ])
  return { text: renderTable(columns, rows, page), aside }
}

function describeCourse({ success_rate: rate, mean_cost: cost, mean_ms: ms }: Partial<UsageLine>): string[] {
  return [
    rate === undefined ? '' : `${Math.round(100 * rate)}%`,
    cost === undefined ? '' : formatCost(cost),
    ms === undefined ? '' : formatDuration(ms),
  ]
}

function formatTokens(count: number | undefined): string {
  return count === undefined ? '-' : formatCount(count)
}
